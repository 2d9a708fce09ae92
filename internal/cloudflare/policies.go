// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"sort"
)

// Policy is a notification policy of an account.
type Policy struct {
	ID        string
	Name      string
	AlertType string
	Enabled   bool
	// ServiceIDs are the PagerDuty services that it routes to.
	ServiceIDs []string
	// Elsewhere reports that it reaches someone all the same: it routes to email,
	// webhooks, or anything else that is not PagerDuty, too.
	Elsewhere bool
}

// ListPolicies returns the account's notification policies, sorted by name, then
// ID. Callers that list an account at the same time share one request.
//
//	GET /accounts/{account_id}/alerting/v3/policies
func (c *Client) ListPolicies(ctx context.Context, accountID string) ([]Policy, error) {
	req := c.policiesRequest(accountID)
	req.shared = true
	return c.sendPolicies(ctx, req)
}

// CheckPolicies is ListPolicies for a plan, to which the policies are merely
// helpful: it makes one attempt and waits for no rate limit.
func (c *Client) CheckPolicies(ctx context.Context, accountID string) ([]Policy, error) {
	req := c.policiesRequest(accountID)
	req.retries, req.noWait = 0, true
	return c.sendPolicies(ctx, req)
}

func (c *Client) policiesRequest(accountID string) *request {
	path := "/accounts/" + url.PathEscape(accountID) + "/alerting/v3/policies"
	return &request{
		Request: Request{Op: OpPolicies, Method: http.MethodGet, Path: path},
		path:    path,
		retries: c.maxRetries,
		status:  http.StatusOK,
	}
}

func (c *Client) sendPolicies(ctx context.Context, req *request) ([]Policy, error) {
	res, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	var policies []Policy
	if err := res.eachEntry(func(entry rawJSON) error {
		if entry[0] == '{' {
			policies = append(policies, readPolicy(entry))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	sort.Slice(policies, func(i, j int) bool {
		a, b := policies[i], policies[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) < 0
	})
	return policies, nil
}

// readPolicy reads what it knows of a policy, whatever else there is.
func readPolicy(entry rawJSON) Policy {
	var fields struct {
		ID         scalar  `json:"id"`
		Name       scalar  `json:"name"`
		AlertType  scalar  `json:"alert_type"`
		Enabled    bool    `json:"enabled"`
		Mechanisms rawJSON `json:"mechanisms"`
	}
	_ = lenient(entry, &fields) // It is valid JSON, which the whole response is.
	policy := Policy{ID: string(fields.ID), Name: string(fields.Name), AlertType: string(fields.AlertType), Enabled: fields.Enabled}
	var mechanisms map[string]rawJSON
	if !fields.Mechanisms.isEmpty() {
		_ = lenient(fields.Mechanisms, &mechanisms)
	}
	for name, destinations := range mechanisms {
		if name != "pagerduty" {
			policy.Elsewhere = policy.Elsewhere || !destinations.isEmpty()
			continue
		}
		var ids []struct {
			ID scalar `json:"id"`
		}
		_ = lenient(destinations, &ids)
		for _, destination := range ids {
			if destination.ID != "" {
				policy.ServiceIDs = append(policy.ServiceIDs, string(destination.ID))
			}
		}
	}
	return policy
}

// PoliciesRoutingTo returns the policies that route to at least one of services,
// enabled ones first.
func PoliciesRoutingTo(policies []Policy, services []Service) []Policy {
	there := idSet(services)
	return selectPolicies(policies, func(id string) bool { return there[id] })
}

// PoliciesUnrouted returns the policies that route to at least one ID which is not
// listed, enabled ones first. One that routes to a listed service too counts as
// Elsewhere.
func PoliciesUnrouted(policies []Policy, listed []Service) []Policy {
	there := idSet(listed)
	unrouted := selectPolicies(policies, func(id string) bool { return !there[id] })
	for i, policy := range unrouted {
		unrouted[i].Elsewhere = policy.Elsewhere || slices.ContainsFunc(policy.ServiceIDs, func(id string) bool { return there[normalizeID(id)] })
	}
	return unrouted
}

func selectPolicies(policies []Policy, wanted func(normalizedID string) bool) []Policy {
	var selected []Policy
	for _, enabled := range []bool{true, false} {
		for _, policy := range policies {
			if policy.Enabled == enabled && slices.ContainsFunc(policy.ServiceIDs, func(id string) bool { return wanted(normalizeID(id)) }) {
				selected = append(selected, policy)
			}
		}
	}
	return selected
}
