// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

const deletionFailed = "Unable to Disconnect PagerDuty"

func TestDelete(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		destroyed := newCore(t, server, nil).destroy(connected(primary, second))
		expect(t, destroyed.diags)
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
		expectServices(t, server.a)
		expectRequests(t, server, "list delete list")
	})
}

// What the plan did not show is not removed, and what it did show neither.
func TestDeleteStopsAtUnseenService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		before := connected(primary)
		destroyed := newCore(t, server, nil).destroy(before)
		expect(t, destroyed.diags, anError(deletionFailed, "Account "+accountA, `what the plan did not show: "Second" (ID 22222222-2222-2222-2222-222222222222)`,
			"Nothing was deleted", "Plan again", "terraform state rm"))
		expectState(t, destroyed.state, before.state)
		expectServices(t, server.a, primary, second)
		expectRequests(t, server, "list")
	})
}

func TestDeleteOfPendingConnectionStopsAtUnseenService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		expect(t, newCore(t, server, nil).destroy(connected()).diags, anError(deletionFailed, `"Primary"`))
		expectServices(t, server.a, primary)
	})
}

// A service is what its ID says; somebody may have renamed it.
func TestDeleteOfRenamedService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(cloudflaretest.Service{ID: primary.ID, Name: "Renamed"})
		expect(t, newCore(t, server, nil).destroy(connected(primary)).diags)
		expectServices(t, server.a)
	})
}

func TestDeleteAnswers(t *testing.T) {
	t.Parallel()
	listedStill := `{"success":true,"result":[{"id":"` + primary.ID + `","name":"Primary"}]}`
	for name, test := range map[string]struct {
		before func(*fakeAPI)
		faults []cloudflaretest.Fault
		config object
		calls  string // not checked when empty
		took   time.Duration
		want   []wanted
		left   []cloudflaretest.Service
	}{
		"nothing listed": {
			before: func(server *fakeAPI) { server.a.SetServices() },
			calls:  "list",
		},
		"404 and gone": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, After: true, Status: http.StatusNotFound, Body: `{"success":false,"errors":[{"code":1002,"message":"not found"}]}`}},
			calls:  "list delete list",
		},
		"404 and still there": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Status: http.StatusNotFound}},
			took:   30 * time.Second, left: []cloudflaretest.Service{primary},
			want: []wanted{anError(deletionFailed, "still lists", `"Primary"`)},
		},
		"listed a little longer": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Skip: 1, Times: 5, Status: http.StatusOK, Body: listedStill}},
			took:   13 * time.Second,
		},
		"listed too long": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Status: http.StatusOK, Body: listedStill}},
			took:   30 * time.Second,
			want:   []wanted{anError(deletionFailed, "the services were to be disconnected, but the API still lists", `"Primary"`, "stays in the state. Apply again")},
		},
		"no look afterwards": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Skip: 1, Status: http.StatusForbidden}},
			took:   30 * time.Second,
			want:   []wanted{anError(deletionFailed, "could not be confirmed", "403", "stays in the state")},
		},
		"no look before": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Status: http.StatusForbidden}},
			calls:  "list", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(deletionFailed, "403", writePermission)},
		},
		"refused": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Status: http.StatusForbidden}},
			calls:  "list delete", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(deletionFailed, "403", writePermission)},
		},
		"repeated, and looked at before": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, Times: 1, Status: http.StatusBadGateway}},
			calls:  "list delete list delete list",
		},
		"answer lost for good": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.Delete, After: true, Drop: true}},
			config: object{"max_retries": 0},
			calls:  "list delete list",
		},
		"rate limit beyond timeouts.delete": {
			faults: []cloudflaretest.Fault{{Op: cloudflaretest.List, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"200"}}}},
			calls:  "list", left: []cloudflaretest.Service{primary},
			want: []wanted{anError(deletionFailed, "retry in 3m20s")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				if test.before != nil {
					test.before(server)
				}
				for _, fault := range test.faults {
					server.Fail(fault)
				}
				before := connected(primary)
				before.state["timeouts"] = object{"delete": "2m"}
				s := newCore(t, server, with(standard(server), test.config))
				started := time.Now()
				destroyed := s.destroy(before)
				took(t, started, max(0, test.took-6*time.Second), test.took+6*time.Second)
				expect(t, destroyed.diags, test.want...)
				if kept := destroyed.state != nil; kept != (test.want != nil) {
					t.Errorf("kept %v", destroyed.state)
				}
				expectServices(t, server.a, test.left...)
				if test.calls != "" {
					expectRequests(t, server, test.calls)
				}
			})
		})
	}
}

// Another party may add a service while the call waits to be repeated.
func TestDeleteLooksBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Times: 1, Status: http.StatusBadGateway, Hook: func() { server.a.SetServices(primary, second) }})
		expect(t, newCore(t, server, nil).destroy(connected(primary)).diags, anError(deletionFailed, `"Second"`, "Nothing was deleted"))
		expectServices(t, server.a, primary, second)
	})
}

func TestDeleteHandsOver(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		s := newCore(t, server, nil)
		adopted := s.create(object{"adopt_existing": true})
		expect(t, adopted.diags)
		destroyed := s.destroy(connected(primary))
		expect(t, destroyed.diags, aWarning("PagerDuty Connection Handed Over", "account "+accountA, "were not deleted"))
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
		expectServices(t, server.a, primary)
		expectRequests(t, server, "list")

		// The next run's destroy is a destroy.
		expect(t, s.rerun(nil).destroy(adopted.instance).diags)
		expectServices(t, server.a)
	})
}

func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusOK, Body: `{"success":true,"result":[{"id":"` + primary.ID + `","name":"Primary"}]}`})
		s := newCore(t, server, nil)
		started := time.Now()
		time.AfterFunc(5*time.Second, s.interrupt)
		destroyed := s.destroy(connected(primary))
		took(t, started, 5*time.Second, 7*time.Second)
		expect(t, destroyed.diags, anError(deletionFailed, "still lists", "stays in the state. Apply again"))
		expectState(t, destroyed.state, connected(primary).state)

		server.Heal()
		expect(t, s.rerun(nil).destroy(destroyed.instance).diags)
	})
}

func TestDeleteHasTenMinutes(t *testing.T) {
	t.Parallel()
	for wait, want := range map[string][]wanted{"599": nil, "600": {anError(deletionFailed, "retry in 10m0s")}} {
		t.Run(wait, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {wait}}})
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
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: 5 * time.Second})
		s := newCore(t, server, nil)
		creation := s.plan(instance{}, object{})
		destruction := s.plan(connected(primary), nil)
		server.ResetRequests()
		results := make(chan outcome)
		go func() { results <- s.apply(destruction) }()
		go func() {
			time.Sleep(time.Second)
			results <- s.apply(creation)
		}()
		expect(t, (<-results).diags)
		expect(t, (<-results).diags)
		expectRequests(t, server, "list delete list list token link list")
	})
}

func TestWaitForOtherOperationIsInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: time.Minute})
		s := newCore(t, server, nil)
		creation := s.plan(instance{}, object{})
		go s.rerun(nil).destroy(connected(primary)) // Not interrupted itself.
		time.Sleep(time.Second)
		started := time.Now()
		time.AfterFunc(time.Second, s.interrupt)
		expect(t, s.apply(creation).diags, anError("Unable to Connect PagerDuty", "another operation on account "+accountA, "interrupted"))
		took(t, started, time.Second, time.Second)
	})
}
