// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// invalidAccountIDs is what people take for an account ID.
var invalidAccountIDs = map[string]string{
	"empty":         "",
	"e-mail":        "ops@example.com",
	"zone":          "example.com",
	"too long":      strings.Repeat("a", 33),
	"slash":         "../zones",
	"space":         accountA[1:] + " ",
	"line break":    accountA + "\n",
	"mark":          "\ufeff" + accountA,
	"path":          "accounts/" + accountA,
	"dashboard URL": "https://dash.cloudflare.com/" + accountA + "/notifications",
	"control":       "a\x1b[31mb",
	"not ASCII":     "ä",
}

var third = cloudflaretest.Service{ID: "33333333333333333333333333333333", Name: "Third"}

func of(title, account string) string { return title + " (account " + account + ")" }

func named(services []cloudflaretest.Service) []string {
	var names []string
	for _, service := range services {
		names = append(names, fmt.Sprintf("%q (ID %s)", service.Name, service.ID))
	}
	return names
}

// willDisconnect is the warning that these services of accountA get disconnected.
func willDisconnect(services ...cloudflaretest.Service) wanted {
	return aWarning(of(titleDisconnects, accountA), append(named(services), "disconnects "+count(len(services), "PagerDuty service"),
		"destroy stops", "disconnect_on_destroy = false", "destroy = false")...)
}

// refusesReplacement is the error of a replacement that would disconnect these
// services of accountA.
func refusesReplacement(services ...cloudflaretest.Service) wanted {
	return anError(of(titleReplacement, accountA), append(named(services), "Nothing was changed", "terraform destroy -refresh=false")...)
}

// isConnected is the error of a create on an account that has these services.
func isConnected(account string, services ...cloudflaretest.Service) wanted {
	return anError(titleAlreadyConnected, append(named(services), "Account "+account, "Nothing was changed",
		"`moved` block", "terraform untaint", "adopt_existing = true", "no other Terraform state manages it", "terraform import pagerduty_connection.NAME "+account, "terraform destroy -refresh=false")...)
}

func listFails(server *fakeAPI) {
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
}

func TestPlanDestroy(t *testing.T) {
	t.Parallel()
	kept := connected(primary)
	kept.state["disconnect_on_destroy"] = false
	for name, test := range map[string]struct {
		prior    instance
		listed   []cloudflaretest.Service
		fails    bool
		want     []wanted
		requests string
	}{
		"names what is listed":             {prior: connected(primary), listed: []cloudflaretest.Service{primary}, want: []wanted{willDisconnect(primary)}, requests: "list policies"},
		"the state is behind":              {prior: connected(primary), listed: []cloudflaretest.Service{second, third}, want: []wanted{willDisconnect(second, third)}, requests: "list policies"},
		"pending, and connected meanwhile": {prior: connected(), listed: []cloudflaretest.Service{primary}, want: []wanted{willDisconnect(primary)}, requests: "list policies"},
		"nothing to disconnect":            {prior: connected(), requests: "list"},
		"all gone":                         {prior: connected(primary), requests: "list"},
		"no list":                          {prior: connected(primary), fails: true, want: []wanted{aWarning(of(titleDisconnects, accountA), append(named([]cloudflaretest.Service{primary}), "come from the state, which may be out of date", "403")...)}, requests: "list policies"},
		"no list, pending":                 {prior: connected(), fails: true, requests: "list"},
		"stays connected":                  {prior: kept, listed: []cloudflaretest.Service{primary}, want: []wanted{aWarning(of(titleStaysConnected, accountA), append(named([]cloudflaretest.Service{primary}), "disconnect_on_destroy = false")...)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				server.a.SetServices(test.listed...)
				if test.fails {
					listFails(server)
				}
				expect(server.t, newCore(server.t, server, nil).plan(test.prior, nil).diags, test.want...)
				expectRequests(server.t, server, test.requests)
			})
		})
	}
}

// A destroy approves exactly what its plan's warning named, whatever was planned
// and failed before.
func TestDestroyApprovesWhatItsPlanNamed(t *testing.T) {
	t.Parallel()
	unplanned := func(service cloudflaretest.Service) wanted {
		return anError(disconnectFailed, fmt.Sprintf("%q", service.Name), "Nothing was disconnected", "Plan again")
	}
	for name, test := range map[string]struct {
		state  instance
		before func(*fakeAPI, *core) // before the plan
		after  func(*fakeAPI)        // between plan and apply
		want   []wanted
		left   []cloudflaretest.Service
	}{
		"the services of the state have changed": {
			state:  connected(primary),
			before: func(server *fakeAPI, _ *core) { server.a.SetServices(second) },
		},
		"a service came after the plan": {
			state: connected(primary),
			after: func(server *fakeAPI) { server.a.SetServices(primary, second) },
			want:  []wanted{unplanned(second)}, left: []cloudflaretest.Service{primary, second},
		},
		"a service of the state that the plan did not list is back": {
			state:  connected(primary, second),
			before: func(server *fakeAPI, _ *core) { server.a.SetServices(primary) },
			after:  func(server *fakeAPI) { server.a.SetServices(primary, second) },
			want:   []wanted{unplanned(second)}, left: []cloudflaretest.Service{primary, second},
		},
		"nothing was listed": {
			state:  connected(primary),
			before: func(server *fakeAPI, _ *core) { server.a.SetServices() },
			after:  func(server *fakeAPI) { server.a.SetServices(primary) },
			want:   []wanted{unplanned(primary)}, left: []cloudflaretest.Service{primary},
		},
		"the list failed, so the state's were named": {
			state:  connected(primary),
			before: func(server *fakeAPI, _ *core) { listFails(server) },
			after:  func(server *fakeAPI) { server.Heal() },
		},
		"the list failed, and there are others": {
			state: connected(primary),
			before: func(server *fakeAPI, _ *core) {
				server.a.SetServices(second)
				listFails(server)
			},
			after: func(server *fakeAPI) { server.Heal() },
			want:  []wanted{unplanned(second)}, left: []cloudflaretest.Service{second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				server.a.SetServices(primary)
				c := newCore(server.t, server, nil)
				if test.before != nil {
					test.before(server, c)
				}
				p := c.plan(test.state, nil)
				if test.after != nil {
					test.after(server)
				}
				c.nextProcess()
				destroyed := c.apply(p)
				expect(server.t, destroyed.diags, test.want...)
				if kept := destroyed.state != nil; kept != (len(test.want) > 0) {
					server.t.Errorf("kept in the state: %t", kept)
				}
				expectServices(server.t, server.a, test.left...)
			})
		})
	}
}

// What a Delete that failed leaves in the state does not count for the next one.
func TestDestroyAfterFailedDestroy(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		c := newCore(t, server, nil)
		p := c.plan(connected(primary), nil)
		expect(t, p.diags, willDisconnect(primary, second))
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		c.nextProcess()
		failed := c.apply(p)
		if !failed.diags.hasError() || failed.private == nil {
			t.Fatalf("%v\n%s", failed.diags, failed.private)
		}
		server.Heal()
		listFails(server)
		p = c.plan(instance{state: connected(primary).state, identity: failed.identity, private: failed.private}, nil)
		server.Heal()
		c.nextProcess()
		expect(t, c.apply(p).diags, anError(disconnectFailed, `"Second"`))
		expectServices(t, server.a, primary, second)
	})
}

// Terraform plans the destroy of a deposed object again during apply: that plan
// approves nothing that was added since the saved one.
func TestDestroyPlannedDuringApply(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		c := newCore(t, server, nil)
		expect(t, c.apply(c.plan(connected(primary), nil)).diags, anError(disconnectFailed, `"Second"`))
		expectServices(t, server.a, primary, second)
	})
}

func TestDestroyThatStaysConnected(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		kept := connected(primary)
		kept.state["disconnect_on_destroy"] = false
		destroyed := newCore(t, server, nil).destroy(kept)
		expect(t, destroyed.diags)
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
		expectServices(t, server.a, primary)
		expectRequests(t, server, "")
	})
}

func TestPlanCreate(t *testing.T) {
	t.Parallel()
	adopts := func(services ...cloudflaretest.Service) wanted {
		return aWarning(titleAdopts, append(named(services), "account "+accountA, "no other Terraform state", "may be disconnected instead", "Remove `adopt_existing`")...)
	}
	for name, test := range map[string]struct {
		block  object
		listed []cloudflaretest.Service
		fails  bool
		want   []wanted
	}{
		"empty account":                  {},
		"empty account, adopts":          {block: object{"adopt_existing": true}},
		"connected":                      {listed: []cloudflaretest.Service{primary, second}, want: []wanted{isConnected(accountA, primary, second)}},
		"connected, waits":               {block: object{"wait_for_services": true}, listed: []cloudflaretest.Service{primary}, want: []wanted{isConnected(accountA, primary)}},
		"connected, adopts":              {block: object{"adopt_existing": true}, listed: []cloudflaretest.Service{primary, second}, want: []wanted{adopts(primary, second)}},
		"connected, adopts and waits":    {block: object{"adopt_existing": true, "wait_for_services": true}, listed: []cloudflaretest.Service{primary}, want: []wanted{adopts(primary)}},
		"connected, may adopt":           {block: object{"adopt_existing": unknown}, listed: []cloudflaretest.Service{primary}, want: []wanted{aWarning(titleAlreadyConnected, `"Primary"`, "turns out to be true")}},
		"no list":                        {fails: true, want: []wanted{aWarning(titleUnableToCheck, "account "+accountA, "403")}},
		"waits":                          {block: object{"wait_for_services": true}, want: []wanted{aWarning(titleWaits, "10 minutes", "https://dash.cloudflare.com/"+accountA+"/notifications", "Wait until apply is creating the connection")}},
		"waits, not known how long":      {block: object{"wait_for_services": true, "timeouts": object{"create": unknown}}, want: []wanted{aWarning(titleWaits, "Create waits as long as `timeouts.create` says for someone to connect")}},
		"waits as long as timeouts says": {block: object{"wait_for_services": true, "adopt_existing": true, "timeouts": object{"create": "90m"}}, want: []wanted{aWarning(titleWaits, "1 hour 30 minutes")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				server.a.SetServices(test.listed...)
				if test.fails {
					listFails(server)
				}
				p := newCore(server.t, server, nil).plan(instance{}, with(object{}, test.block))
				expect(server.t, p.diags, test.want...)
				expectRequests(server.t, server, "list")
				if !p.diags.hasError() {
					expectState(server.t, p.state, object{"id": accountA, "dashboard_url": "https://dash.cloudflare.com/" + accountA + "/notifications", "status": unknown, "service_ids": unknown})
				}
			})
		})
	}
}

func TestPlanCreateOfUnknownAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		p := newCore(t, server, nil).plan(instance{}, object{"account_id": unknown})
		expect(t, p.diags)
		expectState(t, p.state, object{"account_id": unknown, "id": unknown, "dashboard_url": unknown})
		expectRequests(t, server, "")
	})
}

// No replacement disconnects services, whatever makes it one, and GETs alone say
// so.
func TestPlanReplacementOfConnected(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]func(*core, instance, object) plan{
		"account": func(c *core, prior instance, block object) plan {
			return c.plan(prior, with(block, object{"account_id": accountB}))
		},
		"forced": func(c *core, prior instance, block object) plan { return c.planForced(prior, block) },
		"account, twice": func(c *core, prior instance, block object) plan {
			return c.planForced(prior, with(block, object{"account_id": accountB}))
		},
	} {
		for _, adopts := range []bool{false, true} {
			for _, fails := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, adopts %t, list fails %t", name, adopts, fails), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(server *fakeAPI) {
						t := server.t
						server.a.SetServices(primary)
						if fails {
							listFails(server)
						}
						p := plan(newCore(t, server, nil), connected(primary), object{"adopt_existing": adopts})
						expect(t, p.diags, refusesReplacement(primary))
						for _, request := range server.Requests() {
							if request.Op != cloudflaretest.List {
								t.Errorf("requested %s", request.Op)
							}
						}
					})
				})
			}
		}
	}
}

// A replacement that disconnects nothing goes on.
func TestPlanHarmlessReplacement(t *testing.T) {
	t.Parallel()
	kept := connected(primary)
	kept.state["disconnect_on_destroy"] = false
	for name, prior := range map[string]instance{"pending": connected(), "stays connected": kept} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				if len(prior.state["services"].([]any)) > 0 {
					server.a.SetServices(primary)
				}
				c := newCore(t, server, nil)
				p := c.plan(prior, object{"account_id": accountB})
				expect(t, p.diags)
				if strings.Join(p.replaced, " ") != "account_id" {
					t.Errorf("replaced because of %v", p.replaced)
				}
				for _, state := range []object{p.inPlace, p.state} {
					expectState(t, state, object{"account_id": accountB, "id": accountB, "connection_id": unknown, "status": unknown, "services": unknown, "service_ids": unknown, "dashboard_url": "https://dash.cloudflare.com/" + accountB + "/notifications"})
				}
				c.nextProcess()
				replaced := c.apply(p)
				expect(t, replaced.diags)
				expectState(t, replaced.state, object{"account_id": accountB, "status": "connected"})

				server.b.SetServices(second)
				p = c.plan(prior, object{"account_id": accountB})
				expect(t, p.diags, anError(titleAlreadyConnected, `"Second"`))
				if strings.Contains(p.diags.String(), "terraform import") {
					t.Errorf("offers an import of an address in the state:\n%s", p.diags)
				}
			})
		})
	}
}

// -replace of a pending connection links again, on purpose.
func TestForcedReplacementOfPending(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		p := c.planForced(connected(), object{})
		expect(t, p.diags)
		c.nextProcess()
		expectRequests(t, server, "list")
		replaced := c.apply(p)
		expect(t, replaced.diags)
		expectState(t, replaced.state, object{"status": "connected"})
	})
}

// A taint is planned as a create: an error on a connected account, and a warning
// with adopt_existing, whose apply may disconnect what the warning named.
func TestPlanTaint(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		expect(t, c.planTainted(connected(primary), object{}).diags, isConnected(accountA, primary))
		expectRequests(t, server, "list")

		// What an earlier update left in the private data is not taken for a replacement.
		updated := c.converge(connected(primary), object{"timeouts": object{"create": "5m"}})
		c.nextProcess()
		p := c.planTainted(updated.instance, object{"adopt_existing": true})
		expect(t, p.diags, aWarning(titleAdopts, `"Primary"`))
		c.nextProcess()
		expect(t, c.apply(p).diags)
	})
}

func TestPlanChangeOfSettings(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]object{
		"disconnect_on_destroy": {"disconnect_on_destroy": false},
		"timeouts":              {"timeouts": object{"create": nil, "delete": "1h"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				c := newCore(t, server, nil)
				p := c.plan(connected(primary), change)
				expect(t, p.diags)
				want := with(connected(primary).state, change)
				expectState(t, p.state, want)
				c.nextProcess()
				updated := c.apply(p)
				expect(t, updated.diags)
				expectState(t, updated.state, want)
				expectRequests(t, server, "")
			})
		})
	}
}

// Settings that matter to a create alone, and another case of the account, are no
// change.
func TestPlanWithoutChange(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]object{
		"adopt_existing":    {"adopt_existing": true},
		"wait_for_services": {"wait_for_services": true},
		"unknown settings":  {"adopt_existing": unknown, "wait_for_services": unknown},
		"case":              {"account_id": strings.ToUpper(accountA)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				p := newCore(server.t, server, nil).plan(connected(primary), block)
				expect(server.t, p.diags)
				if fmt.Sprint(p.state) != fmt.Sprint(with(connected(primary).state, object{"timeouts": nil})) {
					server.t.Errorf("planned %v", p.state)
				}
				expectRequests(server.t, server, "")
			})
		})
	}
}

func TestPlanUnknownAccountOfConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		p := c.plan(connected(primary), object{"account_id": unknown})
		expect(t, p.diags, aWarning(titleAccountMayChange, accountA, "apply stops and changes nothing"))
		if len(p.replaced) > 0 {
			t.Errorf("replaced because of %v", p.replaced)
		}
		expectState(t, p.state, with(connected(primary).state, object{"account_id": unknown}))
		expectRequests(t, server, "")
	})
}

// The check of a plan takes ten seconds at most and waits for no rate limit.
func TestPlanCheckIsBounded(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"stall": {Stall: time.Hour},
		"429":   {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}},
		"502":   {Status: http.StatusBadGateway},
	} {
		for kind, prior := range map[string]instance{"create": {}, "destroy": connected(primary)} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(server *fakeAPI) {
					t := server.t
					for _, op := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Policies} {
						fault.Op = op
						server.Fail(fault)
					}
					block := object{}
					if prior.state != nil {
						block = nil
					}
					began := time.Now()
					p := newCore(t, server, nil).plan(prior, block)
					took(t, began, 0, 11*time.Second)
					if len(p.diags) != 1 || p.diags.hasError() {
						t.Errorf("%s", p.diags)
					}
				})
			})
		}
	}
}

// Other programs than terraform drive providers, and some keep neither private
// data nor an identity, and plan no destroy. Then the state's services are what
// may go, and a change of the account is refused as ever.
func TestWithoutPrivateData(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		connecting(server.a, primary)
		c := newCore(t, server, nil)
		p := c.plan(instance{}, object{})
		p.private, p.identity = nil, nil
		created := c.applyOnce(p)
		expect(t, created.diags)
		c.nextProcess()
		prior := instance{state: created.state}
		expect(t, c.read(prior).diags)
		expect(t, c.plan(prior, object{"account_id": accountB}).diags, anError(of(titleReplacement, accountA), `"Primary"`))
		p = c.plan(prior, object{"timeouts": object{"delete": "1h"}})
		p.private, p.identity = nil, nil
		updated := c.applyOnce(p)
		expect(t, updated.diags)

		prior = instance{state: updated.state}
		server.a.SetServices(primary, second)
		expect(t, c.applyOnce(plan{prior: prior}).diags, anError(disconnectFailed, `"Second"`, "Nothing was disconnected"))
		expectServices(t, server.a, primary, second)
		server.a.SetServices(primary)
		expect(t, c.applyOnce(plan{prior: prior}).diags)
		expectServices(t, server.a)
	})
}
