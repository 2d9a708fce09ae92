// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

func TestListPolicies(t *testing.T) {
	t.Parallel()
	client, requests := responding(t, 200, nil, `{"success": true, "errors": [], "messages": [], "result_info": {"total_count": 16}, "result": [
		{"id": "p2", "name": "Origin down", "alert_type": "real_origin_monitoring", "enabled": false, "description": "x", "filters": {"zones": ["z"]},
			"mechanisms": {"email": [{"id": "ops@example.com"}], "pagerduty": [{"id": "a1"}, {"id": "B-2", "name": "Beta"}]}},
		{"id": "p1", "name": "Attack", "alert_type": "dos_attack_l7", "enabled": true, "mechanisms": {"pagerduty": [{"id": "a1"}]}},
		{"id": "p3", "name": "a", "mechanisms": {"pagerduty": [{"id": "a1"}], "webhooks": [{"id": "w"}]}},
		{"id": "p4", "name": "a", "mechanisms": {"pagerduty": [{"id": "a1"}], "carrier_pigeon": [{"id": "c"}]}},
		{"id": "p5", "name": "a", "mechanisms": {"pagerduty": [{"id": "a1"}], "email": [], "webhooks": null, "carrier_pigeon": {}}},
		{"id": "p6", "name": "b"},
		{"id": "p7", "name": "b", "mechanisms": null},
		{"id": "p8", "name": "b", "mechanisms": {}},
		{"id": "p9", "name": "b", "mechanisms": {"pagerduty": null}},
		{"id": "pA", "name": "b", "mechanisms": {"pagerduty": "all"}},
		{"id": "pB", "name": "b", "mechanisms": [{"pagerduty": [{"id": "a1"}]}]},
		{"id": "pC", "name": "c", "mechanisms": {"pagerduty": [null, 7, "x", {}, {"id": null}, {"id": {}}, {"id": "a1"}, {"id": 12}]}},
		{"id": 13, "name": 14, "alert_type": 15, "enabled": "yes"},
		"a policy", null, 7
	]}`)
	policies, err := client.ListPolicies(t.Context(), "abc")
	noError(t, err)
	equal(t, "requests", len(*requests), 1)
	equal(t, "path", (*requests)[0].URL.Path, "/client/v4/accounts/abc/alerting/v3/policies")
	to := func(ids ...string) []string { return ids }
	equal(t, "policies", policies, []cloudflare.Policy{
		{ID: "13", Name: "14", AlertType: "15"},
		{ID: "p1", Name: "Attack", AlertType: "dos_attack_l7", Enabled: true, ServiceIDs: to("a1")},
		{ID: "p2", Name: "Origin down", AlertType: "real_origin_monitoring", ServiceIDs: to("a1", "B-2"), Elsewhere: true},
		{ID: "p3", Name: "a", ServiceIDs: to("a1"), Elsewhere: true},
		{ID: "p4", Name: "a", ServiceIDs: to("a1"), Elsewhere: true},
		{ID: "p5", Name: "a", ServiceIDs: to("a1")},
		{ID: "p6", Name: "b"}, {ID: "p7", Name: "b"}, {ID: "p8", Name: "b"}, {ID: "p9", Name: "b"}, {ID: "pA", Name: "b"}, {ID: "pB", Name: "b"},
		{ID: "pC", Name: "c", ServiceIDs: to("a1", "12")},
	})
}

func TestPoliciesThatCannotBeListed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"success": true}`: "has no result",
		`{"success": true, "result": [{"id": "p"}], "result_info": {"total_pages": 2}}`: "announces more than it holds",
		`{"success": true, "result": "none"}`:                                           "not what this request returns",
		`{"success": true, "result": [], "errors": ["Partial failure"]}`:                "Partial failure",
		`<html>`: "not JSON from",
		`{"success": true, "result": [` + strings.Repeat(`{},`, 10_000) + `{}]}`: "more than 10000 entries",
	} {
		client, requests := responding(t, 200, nil, body)
		for name, list := range map[string]func(context.Context, string) ([]cloudflare.Policy, error){"list": client.ListPolicies, "check": client.CheckPolicies} {
			*requests = nil
			policies, err := list(t.Context(), "a")
			says(t, err, want, "GET …/policies returned 200 OK")
			equal(t, "operation", wants[*cloudflare.APIError](t, err).Op, cloudflare.OpPolicies)
			equal(t, "policies of "+name, len(policies), 0)
			equal(t, "requests of "+name, len(*requests), 1)
		}
	}
	for body, want := range map[string]int{`{"success": true, "result": null}`: 0, `{"success": true, "result": {"id": "p"}}`: 1} {
		client, _ := responding(t, 200, nil, body)
		policies, err := client.ListPolicies(t.Context(), "a")
		noError(t, err)
		equal(t, "policies", len(policies), want)
	}
}

// A list of policies is retried, a check is not, nor does it wait for a rate limit.
func TestPoliciesAreRetried(t *testing.T) {
	t.Parallel()
	for _, status := range []int{503, 429} {
		clock := &skippingClock{}
		client, requests := responding(t, status, http.Header{"Retry-After": {"7"}}, refusal, retries(2), func(c *cloudflare.Config) { c.Clock = clock })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := client.CheckPolicies(ctx, "a")
		equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, status)
		equal(t, "requests of a check", len(*requests), 1)
		equal(t, "time passed", clock.ahead, 0)
		*requests = nil
		_, err = client.ListPolicies(ctx, "a")
		equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, status)
		equal(t, "requests of a list", len(*requests), map[int]int{503: 3, 429: 8}[status])
	}
}

func TestPoliciesOfServices(t *testing.T) {
	t.Parallel()
	policy := func(name string, enabled bool, ids ...string) cloudflare.Policy {
		return cloudflare.Policy{Name: name, Enabled: enabled, ServiceIDs: ids}
	}
	policies := []cloudflare.Policy{
		policy("a", false, "A-1"), policy("b", true, "b2"), policy("c", true), policy("d", true, "c3", "a1"), policy("e", false, "d4"),
	}
	names := func(policies []cloudflare.Policy) (names string) {
		for _, p := range policies {
			names += p.Name
		}
		return names
	}
	for _, test := range []struct {
		ids               []string
		routing, unrouted string
	}{
		{ids: nil, routing: "", unrouted: "bdae"},
		{ids: []string{"a1"}, routing: "da", unrouted: "bde"},
		{ids: []string{"a-1", "B-2"}, routing: "bda", unrouted: "de"},
		{ids: []string{"a1", "b2", "c3", "d4", "e5"}, routing: "bdae", unrouted: ""},
		{ids: []string{"e5"}, routing: "", unrouted: "bdae"},
	} {
		var services []cloudflare.Service
		for _, id := range test.ids {
			services = append(services, cloudflare.Service{ID: id})
		}
		equal(t, fmt.Sprint("policies routing to ", test.ids), names(cloudflare.PoliciesRoutingTo(policies, services)), test.routing)
		equal(t, fmt.Sprint("policies unrouted with ", test.ids), names(cloudflare.PoliciesUnrouted(policies, services)), test.unrouted)
	}
}
