// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// service makes one up. Its name may be hostile, or that of another.
func (m *model) service(rt *rapid.T) cloudflaretest.Service {
	m.made++
	id := fmt.Sprintf("abcdef%026x", m.made)
	if rapid.Bool().Draw(rt, "dashed") {
		id = strings.ToLower(cloudflaretest.OtherForm(id))
	}
	name := fmt.Sprintf("Service %d", m.made)
	switch rapid.IntRange(1, 4).Draw(rt, "name") {
	case 1:
		name = "On-call"
	case 2:
		name += "\x1b[2J\u202e"
	}
	return cloudflaretest.Service{ID: id, Name: name}
}

// act returns what people do in the dashboard and in PagerDuty, at any time.
func (m *model) act(rt *rapid.T) func() {
	account := rapid.SampledFrom(m.accounts()).Draw(rt, "whose")
	one, other := m.service(rt), m.service(rt)
	acts := map[string]func(){
		"connect":          func() { account.PersonConnects(one) },
		"disconnect":       account.PersonDisconnects,
		"reconnect":        func() { account.PersonReconnects() },
		"reconnect others": func() { account.PersonReconnects(one, other) },
		"rename": func() {
			services := account.Services()
			for i := range services {
				services[i].Name = one.Name
			}
			account.SetServices(services...)
		},
		"remove one": func() {
			if services := account.Services(); len(services) > 0 {
				account.SetServices(services[1:]...)
			}
		},
		"undo": func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			account.SetServices(m.previous[account]...)
		},
		"change policies": m.setPolicies(rt, account),
		"model":           m.setLinkModel(rt, account),
	}
	names := append(slices.Sorted(maps.Keys(acts)), "connect", "connect", "undo", "undo") // More often than the rest.
	act := acts[rapid.SampledFrom(names).Draw(rt, "act")]
	return func() {
		m.acts.Add(1)
		before := account.Services()
		act()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.previous[account] = before
	}
}

func (m *model) setLinkModel(rt *rapid.T, account *cloudflaretest.Account) func() {
	models := cloudflaretest.LinkModels()
	names := append(slices.Sorted(maps.Keys(models)), "M4 connects", "M4 connects", "M4 connects")
	model := models[rapid.SampledFrom(names).Draw(rt, "model of the link")]
	if !model.NeedsPerson {
		model.Services = []cloudflaretest.Service{m.service(rt)}
		switch rapid.IntRange(1, 8).Draw(rt, "services show late") {
		case 1:
			model.Lists = rapid.IntRange(1, 4).Draw(rt, "lists")
		case 2:
			model.Delay = seconds(rt, 1, 900)
		}
	}
	return func() {
		if model.Lists > 0 || model.Delay > 0 {
			m.late.Store(true)
		}
		account.SetLinkModel(model)
	}
}

// setPolicies has policies route to what is connected by then, to what is gone,
// and elsewhere.
func (m *model) setPolicies(rt *rapid.T, account *cloudflaretest.Account) func() {
	id := map[*cloudflaretest.Account]string{m.server.a: accountA, m.server.b: accountB}[account]
	gone := m.service(rt).ID
	kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"connected", "another form", "gone", "elsewhere", "both"}), 0, 4).Draw(rt, "policies")
	return func() {
		var policies []cloudflaretest.Policy
		for i, kind := range kinds {
			policy := cloudflaretest.Policy{Name: fmt.Sprintf("Policy %d %s", i, kind), AlertType: "dos_attack_l7", Enabled: i%2 == 0}
			switch kind {
			case "connected", "another form", "both":
				for _, service := range account.Services() {
					policy.PagerDuty = append(policy.PagerDuty, service.ID)
					if kind == "another form" {
						policy.PagerDuty[len(policy.PagerDuty)-1] = cloudflaretest.OtherForm(service.ID)
					}
				}
				if kind == "both" {
					policy.Email = []string{"ops@example.com"}
				}
			case "gone":
				policy.PagerDuty = []string{gone}
			case "elsewhere":
				policy.Webhooks = []string{"hook"}
			}
			policies = append(policies, policy)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.policies[id] = policies
		account.SetPolicies(policies...)
	}
}

func (m *model) policiesOf(account string) []cloudflaretest.Policy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policies[account]
}

func (m *model) heal() {
	m.server.Heal()
	m.recorder.refuse.Store(0)
}

// fault makes requests go wrong from now on.
func (m *model) fault(rt *rapid.T) {
	ops := []cloudflaretest.Op{"", cloudflaretest.List, cloudflaretest.Delete, cloudflaretest.Token, cloudflaretest.Link, cloudflaretest.Policies}
	fault := cloudflaretest.Fault{
		Op:      rapid.SampledFrom(ops).Draw(rt, "op"),
		Account: rapid.SampledFrom([]string{"", accountA, accountB}).Draw(rt, "account"),
		Skip:    rapid.IntRange(0, 3).Draw(rt, "skip"),
		Times:   rapid.IntRange(1, 6).Draw(rt, "times"),
		After:   rapid.Bool().Draw(rt, "after the effect"),
	}
	switch rapid.SampledFrom([]string{"status", "HTML", "limit", "drop", "stall", "truncate", "edit", "edit", "act", "late delete", "refuse"}).Draw(rt, "fault") {
	case "status":
		fault.Status = rapid.SampledFrom([]int{200, 201, 204, 301, 307, 400, 401, 403, 404, 408, 409, 500, 502, 503, 520}).Draw(rt, "status")
		fault.Body = rapid.SampledFrom(strangeBodies).Draw(rt, "body")
		fault.Header = http.Header{
			"Content-Type": {rapid.SampledFrom([]string{"application/json", "text/html", ""}).Draw(rt, "content type")},
			"Location":     {"https://example.com/" + cloudflaretest.APIToken},
		}
	case "HTML":
		page := cloudflaretest.HTML(rapid.SampledFrom([]int{200, 403, 503}).Draw(rt, "status"))
		fault.Status, fault.Header, fault.Body = page.Status, page.Header, page.Body
	case "limit":
		// The API refuses before it acts.
		limit := cloudflaretest.RetryAfter(rapid.SampledFrom([]int{429, 429, 503}).Draw(rt, "status"), fmt.Sprint(rapid.IntRange(-1, 400).Draw(rt, "Retry-After")))
		fault.Status, fault.Header, fault.Body, fault.After = limit.Status, limit.Header, limit.Body, false
	case "drop":
		fault.Drop = true
	case "stall":
		fault.Stall = seconds(rt, 1, 60)
	case "truncate":
		fault.Truncate = rapid.IntRange(cloudflaretest.TruncateAll, 80).Draw(rt, "bytes")
	case "edit":
		if rapid.Bool().Draw(rt, "of a list") {
			fault.Op = cloudflaretest.List
		}
		fault.Edit = edits[rapid.SampledFrom(slices.Sorted(maps.Keys(edits))).Draw(rt, "edit")]
	case "act":
		fault.Hook = m.act(rt)
		if fault.Op == "" || fault.Op == cloudflaretest.Delete || rapid.Bool().Draw(rt, "during a DELETE") {
			// What is added between the last list and the effect of a DELETE goes with
			// the rest: the API can't be asked to disconnect some. So this one has none.
			fault.Op, fault.Drop, fault.After = cloudflaretest.Delete, true, false
		}
	case "late delete":
		rapid.SampledFrom(m.accounts()).Draw(rt, "whose").LagDelete(rapid.SampledFrom([][]bool{{true}, {false, true}, {true, false, true}}).Draw(rt, "lists")...)
		return
	case "refuse":
		m.recorder.refuse.Store(rapid.Int64Range(1, 6).Draw(rt, "connections"))
		return
	}
	m.server.Fail(fault)
}

// strangeBodies replace that of a response.
var strangeBodies = []string{
	"", "<html>\x1b]0;gone\x07</html>", "{}", "null", `{"result":[]}`, `{"result":null,"success":null}`,
	`{"success":true,"errors":[],"messages":[]}`,
	cloudflaretest.Failure(7003, "Could not route"), cloudflaretest.Failure(10000, "Authentication error"),
	`{"success":false,"errors":[],"messages":[{"code":1,"message":"not today\u001b[2J"}]}`,
}

// edits of the body of a regular response.
var edits = map[string]func([]byte) []byte{
	"no ID":     cloudflaretest.Append(`{"name":"without ID"}`),
	"no list":   cloudflaretest.Set("result", `{"id":7}`),
	"no result": cloudflaretest.Set("result", ""),
	"errors":    cloudflaretest.Set("errors", cloudflaretest.Messages("partial failure")),
	"errors, no result": func(b []byte) []byte {
		return cloudflaretest.Set("errors", cloudflaretest.Messages("partial failure"))(cloudflaretest.Set("result", "[]")(b))
	},
	"messages":      cloudflaretest.Set("messages", cloudflaretest.Messages("look\x1b[2J", "here "+cloudflaretest.APIToken)),
	"no success":    cloudflaretest.Set("success", ""),
	"not a success": cloudflaretest.Set("success", "false"),
	"more pages":    cloudflaretest.Set("result_info", `{"total_pages":2}`),
	"partial":       partial,
	"one object":    oneObject,
	"other form":    cloudflaretest.Reshape,
	"changing form": cloudflaretest.Alternate(cloudflaretest.Reshape),
	"twice":         cloudflaretest.Twice,
	"other names":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"name"`), []byte(`"title"`)) },
	"half":          func(b []byte) []byte { return b[:len(b)/2] },
	"trailing":      func(b []byte) []byte { return append(b, "trailing"...) },
	"not an object": func([]byte) []byte { return []byte(`[]`) },
	"too large":     func([]byte) []byte { return bytes.Repeat([]byte(" "), 11<<20) },
}

// partial leaves out an entry of a list, and announces all.
func partial(body []byte) []byte {
	var list struct{ Result []json.RawMessage }
	if json.Unmarshal(body, &list) != nil || len(list.Result) == 0 {
		return body
	}
	rest, err := json.Marshal(list.Result[1:])
	if err != nil {
		return body
	}
	body = cloudflaretest.Set("result", string(rest))(body)
	return cloudflaretest.Set("result_info", fmt.Sprintf(`{"total_count":%d}`, len(list.Result)))(body)
}

// oneObject has a list of one without its brackets.
func oneObject(body []byte) []byte {
	var list struct{ Result []json.RawMessage }
	if json.Unmarshal(body, &list) != nil || len(list.Result) != 1 {
		return body
	}
	return cloudflaretest.Set("result", string(list.Result[0]))(body)
}
