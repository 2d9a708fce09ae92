// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Service is a PagerDuty service that an account is connected to. Its ID is what
// a notification policy routes to, kept exactly as the API returns it. Its name is
// in Unicode's normal form C, as all text is that Terraform compares it with.
type Service struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ListServices returns the connected PagerDuty services, sorted by name, then
// ID. Callers that list an account at the same time share one request.
//
//	GET /accounts/{account_id}/alerting/v3/destinations/pagerduty
func (c *Client) ListServices(ctx context.Context, accountID string) ([]Service, error) {
	req := c.listRequest(accountID)
	req.shared = true
	return c.sendList(ctx, req)
}

// CheckServices is ListServices for a plan, to which the services are merely
// helpful: it makes one attempt and waits for no rate limit.
func (c *Client) CheckServices(ctx context.Context, accountID string) ([]Service, error) {
	req := c.listRequest(accountID)
	req.retries, req.noWait = 0, true
	return c.sendList(ctx, req)
}

func (c *Client) listRequest(accountID string) *request {
	path := destinationPath(accountID)
	return &request{
		Request: Request{Op: OpList, Method: http.MethodGet, Path: path},
		path:    path,
		retries: c.maxRetries,
		status:  http.StatusOK,
	}
}

func (c *Client) sendList(ctx context.Context, req *request) ([]Service, error) {
	res, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	return readServices(res)
}

func readServices(res *response) ([]Service, error) {
	var services []Service
	if err := res.eachEntry(func(entry rawJSON) error {
		var service Service
		if err := json.Unmarshal(entry, &service); err != nil {
			return errUnexpectedResult
		}
		if service.ID == "" {
			return errors.New("a service has no ID")
		}
		service.Name = norm.NFC.String(service.Name)
		services = append(services, service)
		return nil
	}); err != nil {
		return nil, err
	}
	// sort.Slice, here and elsewhere: each use of slices.SortFunc adds 15 KiB to the binary.
	sort.Slice(services, func(i, j int) bool {
		a, b := services[i], services[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) < 0
	})
	return unique(services), nil
}

// unique leaves out services that are there already, whatever the case and dashes
// of their IDs.
func unique(services []Service) []Service {
	seen := map[string]bool{}
	return slices.DeleteFunc(services, func(s Service) bool {
		id := normalizeID(s.ID)
		again := seen[id]
		seen[id] = true
		return again
	})
}

// deleteServices disconnects all PagerDuty services from the account, and returns
// the API's messages: notification policies that route to them stop paging. Right
// before each attempt, after every wait, check says whether it may be made, since
// another party can have added services meanwhile; its error ends the request.
//
//	DELETE /accounts/{account_id}/alerting/v3/destinations/pagerduty
func (c *Client) deleteServices(ctx context.Context, accountID string, check func(context.Context) error) ([]string, error) {
	path := destinationPath(accountID)
	defer c.gate.forget(path)
	res, err := c.send(ctx, &request{
		Request: Request{Op: OpDelete, Method: http.MethodDelete, Path: path},
		path:    path,
		retries: c.maxRetries,
		before:  check,
	})
	if err != nil {
		return nil, err
	}
	return res.messages(), nil
}

func destinationPath(accountID string) string {
	return "/accounts/" + url.PathEscape(accountID) + "/alerting/v3/destinations/pagerduty"
}

// DashboardURL returns the page on which a person connects the account.
func DashboardURL(accountID string) string {
	return "https://dash.cloudflare.com/" + url.PathEscape(accountID) + "/notifications"
}

// SameAccount reports whether two IDs are of the same account: their case varies.
func SameAccount(a, b string) bool { return strings.EqualFold(a, b) }

// SameID reports whether two IDs are of the same service: their case and dashes
// vary.
func SameID(a, b string) bool { return normalizeID(a) == normalizeID(b) }

func normalizeID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

// Missing returns the services that are not among others.
func Missing(services, from []Service) []Service {
	there := idSet(from)
	var missing []Service
	for _, service := range services {
		if !there[normalizeID(service.ID)] {
			missing = append(missing, service)
		}
	}
	return missing
}

// idSet returns the IDs of services, normalized.
func idSet(services []Service) map[string]bool {
	ids := map[string]bool{}
	for _, service := range services {
		ids[normalizeID(service.ID)] = true
	}
	return ids
}

// ServiceIDs returns the IDs of services by name. A name that occurs more than once
// is left out, since it would not say which one is meant.
func ServiceIDs(services []Service) map[string]string {
	ids, occurs := map[string]string{}, map[string]int{}
	for _, service := range services {
		name := norm.NFC.String(service.Name)
		ids[name] = service.ID
		occurs[name]++
	}
	maps.DeleteFunc(ids, func(name, _ string) bool { return occurs[name] > 1 })
	return ids
}
