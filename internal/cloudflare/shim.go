package cloudflare

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

type Policy struct {
	ID, Name, AlertType string
	Enabled             bool
	ServiceIDs          []string
	Elsewhere           bool
}
type Disconnection struct {
	Transferred bool
	Messages    []string
}

type ProxyError struct{ Address, Status string }

func (e *ProxyError) Error() string { return "" }

func (c *Client) CheckServices(ctx context.Context, a string) ([]Service, error) {
	return c.PeekServices(ctx, a)
}
func (c *Client) CheckPolicies(ctx context.Context, a string) ([]Policy, error) {
	path := "/accounts/" + a + "/alerting/v3/policies"
	answer, err := c.send(ctx, call{
		name: "list the notification policies", method: http.MethodGet, path: path, logPath: path,
		repeat: repeatAlways, once: true, status: []int{http.StatusOK},
	})
	if err != nil {
		return nil, err
	}
	var raw []struct {
		ID         string
		Name       string
		AlertType  string `json:"alert_type"`
		Enabled    bool
		Mechanisms map[string][]struct{ ID string }
	}
	if err := answer.decode(&raw); err != nil {
		return nil, err
	}
	var out []Policy
	for _, r := range raw {
		p := Policy{ID: r.ID, Name: r.Name, AlertType: r.AlertType, Enabled: r.Enabled}
		for kind, l := range r.Mechanisms {
			if kind != "pagerduty" {
				p.Elsewhere = p.Elsewhere || len(l) > 0
				continue
			}
			for _, e := range l {
				p.ServiceIDs = append(p.ServiceIDs, e.ID)
			}
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b Policy) int {
		if a.Enabled == b.Enabled {
			return 0
		}
		if a.Enabled {
			return -1
		}
		return 1
	})
	return out, nil
}
func SameID(a, b string) bool { return bareID(a) == bareID(b) }
func has(s []Service, id string) bool {
	return slices.ContainsFunc(s, func(s Service) bool { return SameID(s.ID, id) })
}
func PoliciesRoutingTo(p []Policy, s []Service) (out []Policy) {
	for _, p := range p {
		if slices.ContainsFunc(p.ServiceIDs, func(id string) bool { return has(s, id) }) {
			out = append(out, p)
		}
	}
	return out
}
func PoliciesUnrouted(p []Policy, s []Service) (out []Policy) {
	for _, p := range p {
		if slices.ContainsFunc(p.ServiceIDs, func(id string) bool { return !has(s, id) }) {
			out = append(out, p)
		}
	}
	return out
}
func SameAccount(a, b string) bool { return strings.EqualFold(a, b) }
func DashboardURL(a string) string {
	return "https://dash.cloudflare.com/" + a + "/notifications"
}
func ServiceIDs(s []Service) map[string]string {
	m, n := map[string]string{}, map[string]int{}
	for _, s := range s {
		m[s.Name] = s.ID
		n[s.Name]++
	}
	for k, v := range n {
		if v > 1 {
			delete(m, k)
		}
	}
	return m
}
func Missing(a, b []Service) (out []Service) {
	for _, s := range a {
		if !has(b, s.ID) {
			out = append(out, s)
		}
	}
	return out
}
func Quote(s string) string                         { return quoted(s) }
func (c *Client) BaseURL() string                   { return c.baseURL }
func (c *Client) ConnectedInRun(a string) bool      { return c.claimed(a) }
func IsOutcomeUnknown(e error) bool                 { return IsOutcomeOpen(e) }

var _ = json.Marshal
