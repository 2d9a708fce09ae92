// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Policy is a notification policy, reduced to what tells where it routes to. Its JSON is the API's.
type Policy struct {
	ID        string // made up where it is empty
	Name      string
	AlertType string
	Enabled   bool
	PagerDuty []string // IDs of services
	Email     []string // addresses, which the API has as IDs
	Webhooks  []string // IDs of webhooks
}

// MarshalJSON writes the policy as the official Cloudflare provider does: kinds of destinations that it does not
// route to are left out.
func (p Policy) MarshalJSON() ([]byte, error) {
	mechanisms := map[string][]identified{}
	for kind, ids := range map[string][]string{"pagerduty": p.PagerDuty, "email": p.Email, "webhooks": p.Webhooks} {
		for _, id := range ids {
			mechanisms[kind] = append(mechanisms[kind], identified{ID: id})
		}
	}
	return json.Marshal(policy{
		"id": p.ID, "name": p.Name, "alert_type": p.AlertType, "enabled": p.Enabled, "mechanisms": mechanisms,
	})
}

// policy is a policy with all that a client has written, whatever it is.
type policy map[string]any

// SetPolicies replaces the account's notification policies.
func (a *Account) SetPolicies(policies ...Policy) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.policies = nil
	for _, p := range policies {
		var written policy
		body, err := json.Marshal(p)
		if err == nil {
			err = json.Unmarshal(body, &written)
		}
		if err != nil {
			panic(fmt.Errorf("policy %+v: %w", p, err)) // A Policy holds nothing that JSON cannot say.
		}
		a.writePolicy(p.ID, written)
	}
}

// Policies returns the account's notification policies as JSON, in order.
func (a *Account) Policies() []string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	policies := make([]string, len(a.policies))
	for i, p := range a.policies {
		policies[i] = string(marshal(p))
	}
	return policies
}

// writePolicy creates a policy, or updates what is written of the one with this ID, and returns its ID.
func (a *Account) writePolicy(id string, written policy) string {
	now := a.server.now().UTC().Format(time.RFC3339)
	i := a.policy(id)
	if i < 0 {
		if id == "" {
			id = randomHex(16)
		}
		i = len(a.policies)
		a.policies = append(a.policies, policy{"created": now})
	}
	maps.Copy(a.policies[i], written)
	a.policies[i]["id"], a.policies[i]["modified"] = id, now
	return id
}

// policy returns the index of the policy with this ID, or -1.
func (a *Account) policy(id string) int {
	return slices.IndexFunc(a.policies, func(p policy) bool { return p["id"] == id })
}

// managePolicy does one of the four requests that manage a single policy.
func (a *Account) managePolicy(op Op, id string, body []byte) response {
	i := a.policy(id)
	if op != CreatePolicy && i < 0 {
		return refuse(http.StatusNotFound, 17200, "Unknown notification policy "+id)
	}
	switch op {
	case ReadPolicy:
		return succeed(http.StatusOK, a.policies[i])
	case DeletePolicy:
		a.policies = slices.Delete(a.policies, i, i+1)
		return succeed(http.StatusOK, nil)
	default: // The others write.
	}
	var written policy
	if err := json.Unmarshal(body, &written); err != nil || written == nil {
		return refuse(http.StatusBadRequest, 17201, "The notification policy is no JSON object")
	}
	return succeed(http.StatusOK, identified{ID: a.writePolicy(id, written)})
}
