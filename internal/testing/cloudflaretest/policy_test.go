// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		equal(t, "policies of a new account", c.policies().Body, `{"result":[],"success":true,"errors":[],"messages":[]}`)
		a := s.Account(account)
		a.SetPolicies(
			Policy{ID: "1", Name: "DDoS", AlertType: "dos_attack_l7", Enabled: true, PagerDuty: []string{"a", "b"}},
			Policy{Name: "Pools", AlertType: "load_balancing_pool_enablement_alert", Email: []string{"ops@example.com"}, Webhooks: []string{"w"}},
		)
		var listed []struct {
			ID, Name   string
			AlertType  string `json:"alert_type"`
			Enabled    bool
			Mechanisms json.RawMessage
			Created    time.Time
		}
		if err := json.Unmarshal(c.policies().Result, &listed); err != nil || len(listed) != 2 {
			t.Fatalf("policies = %+v, %v", listed, err)
		}
		equal(t, "IDs", []any{listed[0].ID, len(listed[1].ID)}, []any{"1", 32})
		equal(t, "names", []string{listed[0].Name, listed[1].Name}, []string{"DDoS", "Pools"})
		equal(t, "alert type", listed[0].AlertType, "dos_attack_l7")
		equal(t, "enabled", []bool{listed[0].Enabled, listed[1].Enabled}, []bool{true, false})
		equal(t, "mechanisms", string(listed[0].Mechanisms), `{"pagerduty":[{"id":"a"},{"id":"b"}]}`)
		equal(t, "mechanisms", string(listed[1].Mechanisms), `{"email":[{"id":"ops@example.com"}],"webhooks":[{"id":"w"}]}`)
		equal(t, "the time of creation is known", listed[0].Created.IsZero(), false)
		equal(t, "policies without a request", len(a.Policies()), 2)

		equal(t, "requests", []int{s.Count(Policies), s.CountFor(account, Policies), s.CountFor("other", Policies)}, []int{2, 2, 0})
		equal(t, "log", []any{s.Requests()[1].Op, s.Requests()[1].Account, s.Requests()[1].Status}, []any{Policies, account, 200})
		a.SetPolicies()
		equal(t, "policies are replaced", a.Policies(), []string{})
	})
}

// TestPoliciesOfAnotherProvider has the requests that the official Cloudflare provider makes.
func TestPoliciesOfAnotherProvider(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		const body = `{"name":"DDoS","alert_type":"dos_attack_l7","enabled":true,"filters":{"zones":["z"]},"mechanisms":{"pagerduty":[{"id":"a"}]}}`
		created := c.do("POST", policies, send(body))
		equal(t, "status", created.Status, 200)
		path := policies + "/" + created.id(t)
		equal(t, "what was created", strings.Contains(c.do("GET", path).Body, `"filters":{"zones":["z"]}`), true)
		equal(t, "it is listed", strings.Contains(c.policies().Body, `"mechanisms":{"pagerduty":[{"id":"a"}]}`), true)

		updated := c.do("PUT", path, send(strings.Replace(body, "true", "false", 1)))
		equal(t, "ID of what was updated", updated.id(t), created.id(t))
		equal(t, "what was updated", strings.Contains(c.do("GET", path).Body, `"enabled":false`), true)
		equal(t, "policies", len(s.Account(account).Policies()), 1)

		readOnly := c
		readOnly.auth = "Bearer " + ReadOnlyToken
		equal(t, "status of a read", readOnly.do("GET", path).Status, 200)
		equal(t, "status of a write", readOnly.do("DELETE", path).Status, 403)
		equal(t, "status of a deletion", c.do("DELETE", path).Status, 200)
		for _, method := range []string{"GET", "DELETE"} {
			equal(t, "status of "+method, c.do(method, path).Status, 404)
		}
		equal(t, "status of PUT", c.do("PUT", path, send(body)).Status, 404)
		equal(t, "policies left", s.Account(account).Policies(), []string{})
		equal(t, "operations", []int{s.Count(CreatePolicy), s.Count(ReadPolicy), s.Count(UpdatePolicy), s.Count(DeletePolicy)}, []int{1, 4, 2, 3})
	})
}

func TestUpdateOfAPolicy(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1e9, 0)}
	s := New(t, WithClock(now.read))
	a := s.Account(account)
	a.SetPolicies(Policy{ID: "1", AlertType: "a"})
	now.advance(time.Hour)
	inMemory(t, s).do("PUT", policies+"/1", send(`{"name":"n","enabled":true}`))
	equal(t, "policies", a.Policies(), []string{
		`{"alert_type":"a","created":"2001-09-09T01:46:40Z","enabled":true,"id":"1","mechanisms":{},"modified":"2001-09-09T02:46:40Z","name":"n"}`,
	})
}

func TestPoliciesThatBreakTheContract(t *testing.T) {
	t.Parallel()
	s, c := tolerant(t)
	for body, status := range map[string]int{"": 400, "[]": 400, "{": 400, `{"name":"n"}`: 200} {
		before := len(s.Violations())
		equal(t, "status of "+body, c.do("POST", policies, send(body)).Status, status)
		equal(t, "violation of "+body, len(s.Violations()) > before, true)
	}
	before := len(s.Violations())
	c.policies() // It lists a policy without an alert type.
	equal(t, "violations of the list", len(s.Violations())-before, 1)
}

// send returns an edit of a request that gives it a JSON body.
func send(content string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(content)), int64(len(content))
		r.Header.Set("Content-Type", "application/json")
	}
}
