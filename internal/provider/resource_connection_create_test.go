// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"net/http/httptrace"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{second, primary}})
		s := newCore(t, server, nil)
		p := s.plan(instance{}, object{})
		expect(t, p.diags)
		expectState(t, p.state, object{
			"account_id": accountA, "id": accountA, "adopt_existing": false, "wait_for_services": false, "timeouts": nil,
			"connection_id": unknown, "services": unknown,
		})
		expectRequests(t, server, "list")

		started := time.Now()
		created := s.apply(p)
		expect(t, created.diags)
		took(t, started, 0, 0)
		expectRequests(t, server, "list token link list")
		expectState(t, created.state, object{"account_id": accountA, "id": accountA, "services": listed(primary, second)})
		if id, _ := created.state["connection_id"].(string); len(id) != 32 {
			t.Errorf("connection_id is %v", created.state["connection_id"])
		}
		expectState(t, created.identity, object{"account_id": accountA})

		again := s.rerun(nil)
		refreshed := again.read(created.instance)
		expect(t, refreshed.diags)
		expectState(t, refreshed.state, created.state)
		p = again.plan(refreshed.instance, object{})
		expect(t, p.diags)
		expectState(t, p.state, refreshed.state)
		expectRequests(t, server, "list")
	})
}

func TestCreateRefusesConnectedAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		created := newCore(t, server, nil).create(object{})
		expect(t, created.diags, anError("Unable to Connect PagerDuty",
			"Account "+accountA,
			`"Primary" (ID 11111111111111111111111111111111), "Second" (ID 22222222-2222-2222-2222-222222222222)`,
			"import {\n    to = pagerduty_connection.<NAME>\n    id = \""+accountA+"\"\n  }",
			"terraform import 'pagerduty_connection.<NAME>' "+accountA,
			"adopt_existing = true",
		))
		if created.state != nil {
			t.Errorf("kept %v", created.state)
		}
		expectServices(t, server.a, primary, second)
		expectRequests(t, server, "list list")
	})
}

func TestCreateAdopts(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		created := newCore(t, server, nil).create(object{"adopt_existing": true})
		expect(t, created.diags)
		expectState(t, created.state, object{"adopt_existing": true, "connection_id": nil, "services": listed(primary)})
		expectRequests(t, server, "list")
	})
}

func TestCreateAdoptingNothingConnects(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		created := newCore(t, server, nil).create(object{"adopt_existing": true})
		expect(t, created.diags)
		expectRequests(t, server, "list token link list")
		if created.state["connection_id"] == nil {
			t.Error("connection_id is null after a link")
		}
	})
}

func TestCreateWaitsForServicesToSettle(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Delay: 8 * time.Second})
		created := newCore(t, server, nil).create(object{})
		expect(t, created.diags)
		expectState(t, created.state, object{"services": listed(primary)})
	})
}

func TestCreatePending(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, NeedsPerson: true})
		started := time.Now()
		s := newCore(t, server, nil)
		created := s.create(object{})
		took(t, started, 7*time.Second, 12*time.Second)
		expect(t, created.diags, aWarning("No PagerDuty Service Connected Yet",
			"Account "+accountA, "Somebody has to finish in PagerDuty", finishURL, "The next refresh (plan or apply) shows the services"))
		if services, ok := created.state["services"].([]any); !ok || len(services) != 0 {
			t.Errorf("services is %v, want an empty list", created.state["services"])
		}

		// Nobody has been there yet: kept, and nothing to change.
		refreshed := s.rerun(nil).read(created.instance)
		expect(t, refreshed.diags)
		expectState(t, refreshed.state, created.state)

		server.a.PersonConnects()
		s = s.rerun(nil)
		refreshed = s.read(refreshed.instance)
		expect(t, refreshed.diags)
		expectState(t, refreshed.state, with(created.state, object{"services": listed(primary)}))
		p := s.plan(refreshed.instance, object{})
		expect(t, p.diags)
		expectState(t, p.state, refreshed.state)
	})
}

func TestCreateWaitForServices(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeouts any
		consent  cloudflaretest.LinkModel
		fault    cloudflaretest.Fault
		took     time.Duration
		fails    bool
	}{
		"shows":        {consent: cloudflaretest.LinkModel{Delay: 5 * time.Minute}, took: 5 * time.Minute},
		"never":        {consent: cloudflaretest.LinkModel{NeedsPerson: true}, took: 10 * time.Minute, fails: true},
		"own time":     {consent: cloudflaretest.LinkModel{Delay: 5 * time.Minute}, timeouts: object{"create": "1m"}, took: time.Minute, fails: true},
		"more time":    {consent: cloudflaretest.LinkModel{Delay: 50 * time.Minute}, timeouts: object{"create": "1h"}, took: 50 * time.Minute},
		"list fails":   {consent: cloudflaretest.LinkModel{Delay: 2 * time.Minute}, fault: cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 2, Times: 10, Status: http.StatusForbidden}, took: 2 * time.Minute},
		"list blocked": {consent: cloudflaretest.LinkModel{}, fault: cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 2, Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}}, took: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetLinkModel(test.consent)
				if test.fault.Op != "" {
					server.Fail(test.fault)
				}
				started := time.Now()
				created := newCore(t, server, nil).create(object{"wait_for_services": true, "timeouts": test.timeouts})
				took(t, started, test.took-time.Second, test.took+15*time.Second)
				if !test.fails {
					expect(t, created.diags)
					if services, _ := created.state["services"].([]any); len(services) != 1 {
						t.Errorf("services is %v", created.state["services"])
					}
					return
				}
				expect(t, created.diags, anError("Unable to Connect PagerDuty", "Account "+accountA, "no service was listed within "+test.took.String(),
					"The link may still become live", finishURL, "Nothing was saved to the state", "import {", "terraform import", "timeouts.create"))
				if created.state != nil {
					t.Errorf("kept %v", created.state)
				}
			})
		})
	}
}

// openOutcomes are answers to the link that leave open whether it happened.
var openOutcomes = map[string]cloudflaretest.Fault{
	"dropped": {Drop: true},
	"500":     {Status: http.StatusInternalServerError, Body: `{"success":false,"errors":[{"code":1000,"message":"oops"}]}`},
	"408":     {Status: http.StatusRequestTimeout},
	"HTML":    {Status: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Bad gateway</html>"},
	"stalled": {Stall: time.Hour},
}

func TestCreateLostAnswerIsSettledByLooking(t *testing.T) {
	t.Parallel()
	for name, fault := range openOutcomes {
		for _, linked := range []bool{true, false} {
			fault := fault
			fault.Op, fault.After = cloudflaretest.Link, linked
			if name == "stalled" && !linked {
				// A stall alone does not keep the fake API from linking.
				fault.Drop = true
			}
			t.Run(map[bool]string{true: "linked/", false: "not linked/"}[linked]+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(server *fakeAPI) {
					t := server.t
					server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Lists: 2})
					server.Fail(fault)
					created := newCore(t, server, nil).create(object{})
					if n := server.Count(cloudflaretest.Link); n != 1 {
						t.Errorf("linked %d times", n)
					}
					if linked {
						expect(t, created.diags)
						expectState(t, created.state, object{"connection_id": nil, "services": listed(primary)})
						return
					}
					expect(t, created.diags, anError("Unable to Connect PagerDuty", "Account "+accountA, "it is not known whether PagerDuty was linked",
						"pagerduty/connect/[redacted]", "Nothing was saved to the state. Apply again", "import {"))
					if created.state != nil {
						t.Errorf("kept %v", created.state)
					}
				})
			})
		}
	}
}

func TestCreateLinkThatDidNotArriveIsRepeated(t *testing.T) {
	t.Parallel()
	t.Run("429", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"100"}}})
			started := time.Now()
			expect(t, newCore(t, server, nil).create(object{}).diags)
			took(t, started, 100*time.Second, 101*time.Second)
			expectRequests(t, server, "list list token link link list")
		})
	})
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			refusals := 2
			s := newCore(t, server, nil, func(config *cloudflare.Config) {
				next := config.Transport
				config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					if server.Count(cloudflaretest.Token) > 0 && refusals > 0 {
						refusals--
						httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host) // It wants a connection, and gets none.
						return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: syscall.ECONNREFUSED}
					}
					return next.RoundTrip(r)
				})
			})
			expect(t, s.create(object{}).diags)
			expectRequests(t, server, "list list token link list")
		})
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A connection that was used before and dies makes net/http send a GET again.
func TestCreateLinksOnceOverSockets(t *testing.T) {
	t.Parallel()
	server := online(t)
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, After: true, Drop: true})
	s := newCore(t, server, nil, func(config *cloudflare.Config) { config.Transport, config.Clock = nil, &fastClock{} })
	expect(t, s.create(object{}).diags)
	expectRequests(t, server, "list list token link list")
}

func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	forbidden := cloudflaretest.Fault{Status: http.StatusForbidden, Body: `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`}
	for name, test := range map[string]struct {
		call  cloudflaretest.Op
		calls string
	}{
		"list":  {cloudflaretest.List, "list list"},
		"token": {cloudflaretest.Token, "list list token"},
		"link":  {cloudflaretest.Link, "list list token link"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault := forbidden
				fault.Op = test.call
				server.Fail(fault)
				created := newCore(t, server, nil).create(object{})
				expect(t, created.diags, anError("Unable to Connect PagerDuty", "Account "+accountA, "403", "CF-Ray", "Authentication error (code 10000)", writePermission, "Business plan", "`api_token`", envAPIToken))
				if created.state != nil {
					t.Errorf("kept %v", created.state)
				}
				expectRequests(t, server, test.calls)
			})
		})
	}
}

func TestCreateKeepsWhatIsLinked(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op, fault.Skip = cloudflaretest.List, 2
				server.Fail(fault)
				s := newCore(t, server, nil)
				created := s.create(object{})
				expect(t, created.diags, aWarning("No PagerDuty Service Connected Yet", "The look for services ended early"))
				expectState(t, created.state, object{"id": accountA, "services": listed()})
				if created.state["connection_id"] == nil {
					t.Error("connection_id is null although the link was answered")
				}

				server.Heal()
				refreshed := s.rerun(nil).read(created.instance)
				expect(t, refreshed.diags)
				if services, _ := refreshed.state["services"].([]any); len(services) != 1 {
					t.Errorf("services is %v", refreshed.state["services"])
				}
			})
		})
	}
}

func TestCreateInterrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config object
		want   wanted
		kept   bool
	}{
		"while services settle": {object{}, aWarning("No PagerDuty Service Connected Yet", "The look for services ended early", "interrupted"), true},
		"while waiting for services": {
			object{"wait_for_services": true},
			anError("Unable to Connect PagerDuty", "no service was listed", "The link may still become live", "import {"), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetLinkModel(cloudflaretest.LinkModel{NeedsPerson: true})
				s := newCore(t, server, nil)
				started := time.Now()
				time.AfterFunc(5*time.Second, s.interrupt)
				created := s.create(test.config)
				took(t, started, 5*time.Second, 7*time.Second)
				expect(t, created.diags, test.want)
				if kept := created.state != nil; kept != test.kept || created.tainted {
					t.Errorf("kept %v, tainted %t", created.state, created.tainted)
				}
			})
		})
	}
	t.Run("while the link is under way", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, After: true, Stall: time.Hour})
			s := newCore(t, server, nil)
			started := time.Now()
			time.AfterFunc(5*time.Second, s.interrupt)
			created := s.create(object{})
			took(t, started, 5*time.Second, 7*time.Second)
			expect(t, created.diags)
			expectState(t, created.state, object{"id": accountA, "connection_id": nil})
		})
	})
	t.Run("before the link", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Status: http.StatusServiceUnavailable})
			s := newCore(t, server, nil)
			started := time.Now()
			time.AfterFunc(time.Second, s.interrupt)
			created := s.create(object{})
			took(t, started, time.Second, time.Second)
			expect(t, created.diags, anError("Unable to Connect PagerDuty", "interrupted", "Run again", "503"))
			if created.state != nil || server.Count(cloudflaretest.Link) > 0 {
				t.Errorf("kept %v, %d links", created.state, server.Count(cloudflaretest.Link))
			}
		})
	})
}

// Two resources that both find the account empty would both link it, and the
// destruction of one would delete the services of the other.
func TestCreateOneAtATime(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Delay: 3 * time.Second})
		s := newCore(t, server, nil)
		plans := []plan{s.plan(instance{}, object{}), s.plan(instance{}, object{})}
		results := make(chan outcome)
		for _, p := range plans {
			expect(t, p.diags)
			go func() { results <- s.apply(p) }()
		}
		one, other := <-results, <-results
		if one.diags.hasError() {
			one, other = other, one // Both are done at the same time.
		}
		expect(t, one.diags)
		expect(t, other.diags, anError("Unable to Connect PagerDuty", "already connected", `"Primary"`))
		if one.state == nil || other.state != nil {
			t.Errorf("kept %v and %v", one.state, other.state)
		}
		if n := server.Count(cloudflaretest.Link); n != 1 {
			t.Errorf("linked %d times", n)
		}
		expectServices(t, server.a, primary)
	})
}

func TestCreateOnTwoAccountsAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Delay: 6 * time.Second})
		server.b.SetLinkModel(cloudflaretest.LinkModel{Delay: 6 * time.Second})
		s := newCore(t, server, nil)
		started := time.Now()
		results := make(chan outcome)
		for _, account := range []string{accountA, accountB} {
			go func() { results <- s.create(object{"account_id": account}) }()
		}
		for range 2 {
			expect(t, (<-results).diags)
		}
		took(t, started, 6*time.Second, 9*time.Second)
	})
}
