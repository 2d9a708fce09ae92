// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// willDelete is the warning that these services of accountA are going to be deleted.
func willDelete(services ...cloudflaretest.Service) wanted {
	return aWarning("PagerDuty Services Will Be Disconnected", append(named(services), "all PagerDuty services of account "+accountA, "stop paging", "terraform state rm")...)
}

// isConnected is the warning that an account has services already.
func isConnected(account string, services ...cloudflaretest.Service) wanted {
	return aWarning("Cloudflare Account Already Connected to PagerDuty", append(named(services), "Account "+account,
		"If this plan first destroys the connection that manages them, it goes on once they are gone",
		"apply stops with an error and changes nothing", "import {", "adopt_existing = true")...)
}

func named(services []cloudflaretest.Service) []string {
	var names []string
	for _, service := range services {
		names = append(names, fmt.Sprintf("%q (ID %s)", service.Name, service.ID))
	}
	return names
}

func TestPlanDestroyWarns(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		expect(t, s.plan(connected(primary, second), nil).diags, willDelete(primary, second))
		expect(t, s.plan(connected(), nil).diags)
		expectCalls(t, server, "")
	})
}

func TestPlanCreateOnConnectedAccountWarns(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary, second)
		s := newSession(t, server, nil)
		expect(t, s.plan(instance{}, object{}).diags, isConnected(accountA, primary, second))
		expectCalls(t, server, "list")
		for _, adopt := range []any{true, unknown} {
			expect(t, s.plan(instance{}, object{"adopt_existing": adopt}).diags)
		}
		expectCalls(t, server, "")
	})
}

// A changed account replaces, and one plan call shows what goes and what is in the
// way.
func TestPlanReplacement(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		s := newSession(t, server, nil)
		p := s.plan(connected(primary), object{"account_id": accountB})
		expect(t, p.diags, willDelete(primary), isConnected(accountB, second))
		if strings.Join(p.replaced, " ") != "account_id" {
			t.Errorf("replaced because of %v", p.replaced)
		}
		for _, state := range []object{p.inPlace, p.state} {
			expectState(t, state, object{"account_id": accountB, "id": accountB, "connection_id": unknown, "services": unknown})
		}

		server.b.SetServices()
		p = s.plan(connected(primary), object{"account_id": accountB})
		expect(t, p.diags, willDelete(primary))
		replaced := s.apply(p)
		expect(t, replaced.diags)
		expectState(t, replaced.state, object{"account_id": accountB, "id": accountB})
		expectState(t, replaced.identity, object{"account_id": accountB})
		expectServices(t, server.a)
		if len(server.b.Services()) != 1 {
			t.Error("accountB is not connected")
		}
	})
}

func TestPlanReplacementThatAdoptsDoesNotLook(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.b.SetServices(second)
		p := newSession(t, server, nil).plan(connected(primary), object{"account_id": accountB, "adopt_existing": true})
		expect(t, p.diags, willDelete(primary))
		expectCalls(t, server, "")
	})
}

func TestPlanWithoutReplacement(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		for _, account := range []any{accountA, unknown} {
			p := s.plan(connected(primary), object{"account_id": account})
			expect(t, p.diags)
			if len(p.replaced) > 0 {
				t.Errorf("replaced because of %v", p.replaced)
			}
			expectState(t, p.state, with(connected(primary).state, object{"account_id": account}))
			expectCalls(t, server, "")
		}
	})
}

// A look that fails is no reason to fail the plan.
func TestPlanLookFails(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				started := time.Now()
				p := newSession(t, server, nil).plan(instance{}, object{})
				took(t, started, 0, 0)
				expect(t, p.diags)
				expectState(t, p.state, object{"account_id": accountA})
				expectCalls(t, server, "list")
			})
		})
	}
}

func TestPlanLookIsSlow(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Hour})
		started := time.Now()
		p := newSession(t, server, nil).plan(instance{}, object{})
		took(t, started, 10*time.Second, 10*time.Second)
		expect(t, p.diags)
		expectState(t, p.state, object{"account_id": accountA})
	})
}

func TestPlanLookIsInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Hour})
		s := newSession(t, server, nil)
		started := time.Now()
		time.AfterFunc(time.Second, s.interrupt)
		expect(t, s.plan(instance{}, object{}).diags)
		took(t, started, time.Second, time.Second)
	})
}

// During a block by the rate limit there is no look, and no wait for it.
func TestPlanLookDuringBlock(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}})
		s := newSession(t, server, nil)
		started := time.Now()
		for range 3 {
			expect(t, s.plan(instance{}, object{}).diags)
		}
		took(t, started, 0, 0)
		expectCalls(t, server, "list")
	})
}

// invalidAccountIDs is what people take for an account ID.
var invalidAccountIDs = map[string]string{
	"empty":     "",
	"e-mail":    "ops@example.com",
	"zone":      "example.com",
	"too long":  strings.Repeat("a", 33),
	"slash":     "../zones",
	"space":     accountA[1:] + " ",
	"control":   "a\x1b[31mb",
	"not ASCII": "ä",
}

func TestValidateConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		expect(t, s.validate(object{"account_id": nil}), isRequired("account_id"))
		for name, id := range invalidAccountIDs {
			t.Log(name)
			expect(t, s.validate(object{"account_id": id}), anError("Invalid Account ID", "is not an account ID", "32 hexadecimal digits", "dash.cloudflare.com").on("account_id"))
		}
		for _, id := range []string{accountA, "a", "A-z_0", strings.Repeat("F", 32)} {
			expect(t, s.validate(object{"account_id": id}))
		}
		for _, operation := range []string{"create", "delete"} {
			for _, duration := range []string{"0s", "-1m"} {
				expect(t, s.validate(object{"timeouts": object{operation: duration}}),
					anError("Invalid Duration", "`timeouts."+operation+"`", "above zero").on("timeouts."+operation))
			}
			if diags := s.validate(object{"timeouts": object{operation: "soon"}}); len(diags) != 1 || attribute(diags[0].Attribute) != "timeouts."+operation {
				t.Errorf("%s", diags)
			}
			expect(t, s.validate(object{"timeouts": object{operation: "90s"}}))
		}
		expectCalls(t, server, "")
	})
}

// Flags and timeouts say how to create and how long to wait: changing them asks
// the API nothing.
func TestUpdate(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		before := connected(primary)
		before.identity = nil // As an older terraform keeps it.
		for _, id := range []any{"c0ffee", nil} {
			before.state["connection_id"] = id
			changes := object{"adopt_existing": true, "wait_for_services": true, "timeouts": object{"create": "1m", "delete": nil}}
			s := newSession(t, server, nil)
			p := s.plan(before, changes)
			expect(t, p.diags)
			if len(p.replaced) > 0 {
				t.Errorf("replaced because of %v", p.replaced)
			}
			updated := s.apply(p)
			expect(t, updated.diags)
			expectState(t, updated.state, with(before.state, changes))
			expectState(t, updated.identity, object{"account_id": accountA})
		}
		expectCalls(t, server, "")
	})
}

func TestPlanUnknownAttributes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config, want object
		calls        string
	}{
		"account_id":        {object{"account_id": unknown}, object{"account_id": unknown, "id": unknown}, ""},
		"adopt_existing":    {object{"adopt_existing": unknown}, object{"adopt_existing": unknown, "account_id": accountA}, ""},
		"wait_for_services": {object{"wait_for_services": unknown}, object{"wait_for_services": unknown, "account_id": accountA}, "list"},
		"timeouts":          {object{"timeouts": unknown}, object{"timeouts": unknown, "account_id": accountA}, "list"},
		"timeouts.create":   {object{"timeouts": object{"create": unknown}}, object{"account_id": accountA}, "list"},
		"timeouts.delete":   {object{"timeouts": object{"delete": unknown}}, object{"account_id": accountA}, "list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				s := newSession(t, server, nil)
				p := s.plan(instance{}, test.config)
				expect(t, p.diags)
				expectState(t, p.state, test.want)
				expectCalls(t, server, test.calls)

				// And over what there is, where nothing tells that the account changes.
				p = s.plan(connected(primary), test.config)
				expect(t, p.diags)
				if len(p.replaced) > 0 {
					t.Errorf("replaced because of %v", p.replaced)
				}
			})
		})
	}
}

// Reads, plans and imports only ever list.
func TestOnlyApplyChangesAnything(t *testing.T) {
	t.Parallel()
	for name, services := range map[string][]cloudflaretest.Service{"connected": {primary}, "not connected": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				server.a.SetServices(services...)
				s := newSession(t, server, nil)
				s.importID(accountA)
				s.importIdentity(object{"account_id": accountA})
				for _, prior := range []instance{{}, connected(), connected(primary)} {
					if prior.state != nil {
						s.read(prior)
						s.plan(prior, nil)
					}
					s.plan(prior, object{})
					s.plan(prior, object{"account_id": accountB})
					s.plan(prior, object{"adopt_existing": true, "wait_for_services": true})
				}
				s.services(object{})
				s.service(object{"name": primary.Name})
				s.query(object{"account_ids": []any{accountA, accountB}}, 100, true)
				if n := server.Count(cloudflaretest.List); n == 0 || n != server.Count("") {
					t.Errorf("calls: %s", server.calls())
				}
				expectServices(t, server.a, services...)
			})
		})
	}
}
