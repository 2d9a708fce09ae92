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

const disconnectFailed = "Unable to Disconnect PagerDuty"

func TestDelete(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		started := time.Now()
		destroyed := newCore(t, server, nil).destroy(connected(primary, second))
		took(t, started, time.Second, time.Second) // Between the two empty lists.
		expect(t, destroyed.diags)
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
		expectServices(t, server.a)
		expectRequests(t, server, "list policies list delete list list")
	})
}

// A service is what its ID says, in whatever form, and under whatever name.
func TestDeleteOfRenamedService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		server.a.SetServices(primary)
		p := c.plan(connected(primary), nil)
		server.a.SetServices(cloudflaretest.Service{ID: cloudflaretest.OtherForm(primary.ID), Name: "Renamed"})
		c.nextProcess()
		expect(t, c.apply(p).diags)
		expectServices(t, server.a)
	})
}

func TestDeleteResponses(t *testing.T) {
	t.Parallel()
	shows := func(skip, times int) cloudflaretest.Fault {
		return cloudflaretest.Fault{Op: cloudflaretest.List, Skip: skip, Times: times, Edit: cloudflaretest.Set("result", `[{"id":"`+primary.ID+`","name":"Primary"}]`)}
	}
	for name, test := range map[string]struct {
		before   func(*fakeAPI)
		faults   []cloudflaretest.Fault
		config   object
		requests string // of the apply; not checked when empty
		took     time.Duration
		want     []wanted
		left     []cloudflaretest.Service
	}{
		"nothing listed": {
			before:   func(server *fakeAPI) { server.a.SetServices() },
			requests: "list",
		},
		"404 and gone": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.Delete, After: true, Status: http.StatusNotFound, Body: cloudflaretest.Failure(1002, "not found")}},
			requests: "list delete list list",
		},
		"404 and still there": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Status: http.StatusNotFound, Header: http.Header{"CF-Ray": {"abc-FRA"}}, Body: cloudflaretest.Failure(1002, "not found")}},
			took:   30 * time.Second, left: []cloudflaretest.Service{primary},
			want: []wanted{anError(disconnectFailed, "still lists", `"Primary"`, "not found (code 1002)", "abc-FRA")},
		},
		"listed a little longer": {
			faults: []cloudflaretest.Fault{shows(1, 5)},
			took:   13 * time.Second,
		},
		"listed again after an empty list": {
			before:   func(server *fakeAPI) { server.a.LagDelete(false, true) },
			requests: "list delete list list list list",
		},
		"listed too long": {
			faults: []cloudflaretest.Fault{shows(0, 0)},
			took:   30 * time.Second,
			want:   []wanted{anError(disconnectFailed, "still lists", `"Primary"`, "The connection stays in the state. Plan and apply the destroy again")},
		},
		"no list afterwards": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Skip: 1, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")}},
			took:   30 * time.Second,
			want:   []wanted{anError(disconnectFailed, "could not be confirmed", "403", "stays in the state")},
		},
		"no list before": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")}},
			requests: "list", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(disconnectFailed, append([]string{"403", writePermission}, waysOut...)...)},
		},
		"list's 404 proves nothing": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.List, Status: http.StatusNotFound, Body: cloudflaretest.Failure(7003, "Could not route")}},
			requests: "list", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(disconnectFailed, append([]string{"404", "7003", "does not recognize account " + accountA}, waysOut...)...)},
		},
		"refused": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")}},
			requests: "list delete", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(disconnectFailed, "403", writePermission, "leave the services connected, use a `removed` block with `destroy = false`")},
		},
		"retried, after another list": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Times: 1, Status: http.StatusBadGateway}},
			requests: "list delete list delete list list",
		},
		"response lost for good": {
			faults:   []cloudflaretest.Fault{{Op: cloudflaretest.Delete, After: true, Drop: true}},
			config:   object{"max_retries": 0},
			requests: "list delete list list",
		},
		"rate limit beyond timeouts.delete": {
			faults: []cloudflaretest.Fault{func() cloudflaretest.Fault {
				fault := cloudflaretest.RetryAfter(http.StatusTooManyRequests, "200")
				fault.Op = cloudflaretest.List
				return fault
			}()},
			requests: "list", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(disconnectFailed, "Requests will work again in 3 minutes 20 seconds.")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				before := connected(primary)
				before.state["timeouts"] = object{"delete": "2m"}
				c := newCore(t, server, with(standard(server), test.config))
				p := c.plan(before, nil)
				expect(t, p.diags, willDisconnect(primary))
				c.nextProcess()
				server.ResetRequests()
				if test.before != nil {
					test.before(server)
				}
				for _, fault := range test.faults {
					server.Fail(fault)
				}
				started := time.Now()
				destroyed := c.apply(p)
				took(t, started, max(0, test.took-6*time.Second), test.took+8*time.Second)
				expect(t, destroyed.diags, test.want...)
				if kept := destroyed.state != nil; kept != (test.want != nil) {
					t.Errorf("kept %v", destroyed.state)
				}
				expectServices(t, server.a, test.left...)
				if test.requests != "" {
					expectRequests(t, server, test.requests)
				}
			})
		})
	}
}

// Someone may add a service while the request waits to be retried.
func TestDeleteListsBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Times: 1, Status: http.StatusBadGateway, Hook: func() { server.a.SetServices(primary, second) }})
		expect(t, newCore(t, server, nil).destroy(connected(primary)).diags, anError(disconnectFailed, `"Second"`, "An earlier attempt may have disconnected the others"))
		expectServices(t, server.a, primary, second)
	})
}

// An error names twenty services, then counts.
func TestDeleteNamesTwentyServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		server.a.SetServices(primary)
		p := c.plan(connected(primary), nil)
		server.a.SetServices(manyServices(1000)...)
		c.nextProcess()
		destroyed := c.apply(p)
		expect(t, destroyed.diags, anError(disconnectFailed, "and 980 more"))
		if n := strings.Count(destroyed.diags.String(), "(ID "); n != 20 {
			t.Errorf("%d services are named", n)
		}
	})
}

func manyServices(n int) []cloudflaretest.Service {
	services := make([]cloudflaretest.Service, n)
	for i := range services {
		services[i] = cloudflaretest.Service{ID: fmt.Sprintf("%032x", i+1), Name: fmt.Sprintf("Service %04d", i)}
	}
	return services
}

// Each warning that names services names twenty, then counts. The plan's diff has
// them all.
func TestWarningsNameTwentyServices(t *testing.T) {
	t.Parallel()
	many := manyServices(1000)
	kept := connected(many...)
	kept.state["disconnect_on_destroy"] = false
	for name, warn := range map[string]func(*core) diagnostics{
		"destroy":         func(c *core) diagnostics { return c.plan(connected(many...), nil).diags },
		"stays connected": func(c *core) diagnostics { return c.plan(kept, nil).diags },
		"adoption":        func(c *core) diagnostics { return c.plan(instance{}, object{"adopt_existing": true}).diags },
		"create":          func(c *core) diagnostics { return c.plan(instance{}, object{}).diags },
		"replacement":     func(c *core) diagnostics { return c.plan(connected(many...), object{"account_id": accountB}).diags },
		"gone": func(c *core) diagnostics {
			c.server.a.SetServices()
			return c.read(connected(many...)).diags
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(many...)
				diags := warn(newCore(t, server, nil))
				if len(diags) != 1 || strings.Count(diags.String(), "(ID ") != 20 || !strings.Contains(diags.String(), "and 980 more") {
					t.Errorf("%d diagnostics name %d services", len(diags), strings.Count(diags.String(), "(ID "))
				}
			})
		})
	}
}

// Where another resource adopted the account in the same run, Delete transfers
// ownership, and says so once.
func TestDeleteTransfersOwnership(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		adopted := c.create(object{"adopt_existing": true})
		expect(t, adopted.diags, aWarning(titleAdopts))
		server.ResetRequests()
		// Terraform plans the destroy of a deposed object during apply.
		p := c.plan(connected(primary), nil)
		expect(t, p.diags)
		destroyed := c.apply(p)
		expect(t, destroyed.diags, aWarning(of(titleTransferred, accountA), "owns it now", "Nothing was disconnected"))
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
		expectServices(t, server.a, primary)
		expectRequests(t, server, "")

		// The destroy of the next run disconnects.
		expect(t, c.rerun(nil).destroy(adopted.instance).diags)
		expectServices(t, server.a)
	})
}

// A tainted connection whose account changes is planned as a create, which knows
// nothing of the old account. With create_before_destroy its object is deposed, and
// stays until a plan has named what goes with it.
func TestDeleteStopsAtDeposedObjectOfAnotherAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		expect(t, c.create(object{"account_id": accountB}).diags)
		destroyed := c.apply(c.planOnce(connected(primary), nil))
		expect(t, destroyed.diags, anError(disconnectFailed, "did not name", `"Primary"`, "Nothing was disconnected", "Plan again"))
		expectServices(t, server.a, primary)

		// The plan of the next run names it.
		c = c.rerun(nil)
		p := c.planOnce(connected(primary), nil)
		expect(t, p.diags, aWarning(of(titleDisconnects, accountA), `"Primary"`))
		expect(t, c.rerun(nil).apply(p).diags)
		expectServices(t, server.a)
	})
}

// A connection that is still pending is owned as well.
func TestDeleteTransfersPendingConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.Silent())
		c := newCore(t, server, nil)
		expect(t, c.create(object{}).diags, isPending())
		server.a.PersonConnects(primary)
		destroyed := c.apply(c.plan(connected(primary), nil))
		expect(t, destroyed.diags, aWarning(of(titleTransferred, accountA)))
		expectServices(t, server.a, primary)
	})
}

// The messages of a DELETE's success are a warning, and those of lists are not.
func TestDeleteShowsMessages(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Edit: cloudflaretest.Set("messages", cloudflaretest.Messages("Policies were changed"))})
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Set("messages", cloudflaretest.Messages("Of a list"))})
		destroyed := newCore(t, server, nil).destroy(connected(primary))
		expect(t, destroyed.diags, aWarning(of(titleMessage, accountA), "Policies were changed"))
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
	})
}

func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Set("result", `[{"id":"`+primary.ID+`","name":"Primary"}]`)})
		c := newCore(t, server, nil)
		started := time.Now()
		time.AfterFunc(5*time.Second, c.interrupt)
		destroyed := c.destroy(connected(primary))
		took(t, started, 5*time.Second, 7*time.Second)
		expect(t, destroyed.diags, anError(disconnectFailed, "still lists", "The connection stays in the state. Plan and apply the destroy again"))
		expectState(t, destroyed.state, connected(primary).state)

		server.Heal()
		expect(t, c.rerun(nil).destroy(destroyed.instance).diags)
	})
}

func TestDeleteTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: time.Hour, Drop: true})
		before := connected(primary)
		before.state["timeouts"] = object{"delete": "20s"}
		started := time.Now()
		destroyed := newCore(t, server, nil).destroy(before)
		took(t, started, 20*time.Second, 22*time.Second)
		expect(t, destroyed.diags, anError(disconnectFailed, "timed out", "raise `timeouts.delete` and apply that before you destroy"))
		expectServices(t, server.a, primary)
	})
}

func TestDeleteHasTenMinutes(t *testing.T) {
	t.Parallel()
	for wait, want := range map[string][]wanted{"590": nil, "600": {anError(disconnectFailed, "Requests will work again in 10 minutes.")}} {
		t.Run(wait, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				fault := once(cloudflaretest.RetryAfter(http.StatusTooManyRequests, wait))
				fault.Op, fault.Skip = cloudflaretest.List, 1 // The plan waits for no rate limit.
				server.Fail(fault)
				expect(t, newCore(t, server, nil).destroy(connected(primary)).diags, want...)
			})
		})
	}
}

// One operation at a time for an account: a create waits for the destroy, and
// finds the account empty.
func TestDeleteThenCreate(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		creation := c.plan(instance{}, object{})
		server.a.SetServices(primary)
		destruction := c.plan(connected(primary), nil)
		c.nextProcess()
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: 5 * time.Second})
		server.ResetRequests()
		results := make(chan outcome)
		go func() { results <- c.apply(destruction) }()
		go func() {
			time.Sleep(time.Second)
			results <- c.applyOnce(creation)
		}()
		expect(t, (<-results).diags)
		expect(t, (<-results).diags)
		expectRequests(t, server, "list delete list list list token link list policies")
	})
}

func TestWaitForOtherOperationIsInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		creation := c.plan(instance{}, object{})
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: time.Minute})
		go c.rerun(nil).destroy(connected(primary)) // Not interrupted itself.
		time.Sleep(time.Second)
		started := time.Now()
		time.AfterFunc(time.Second, c.interrupt)
		expect(t, c.applyOnce(creation).diags, anError(connectFailed, "another operation on account "+accountA, "interrupted"))
		took(t, started, time.Second, time.Second)
	})
}
