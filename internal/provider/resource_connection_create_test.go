// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

const connectFailed = "Unable to Connect PagerDuty"

func TestCreate(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.Connects(second, primary))
		c := newCore(t, server, nil)
		p := c.plan(instance{}, object{})
		expect(t, p.diags)
		expectState(t, p.state, object{
			"account_id": accountA, "id": accountA, "adopt_existing": false, "wait_for_services": false, "disconnect_on_destroy": true, "timeouts": nil,
			"dashboard_url": "https://dash.cloudflare.com/" + accountA + "/notifications",
			"connection_id": unknown, "status": unknown, "services": unknown, "service_ids": unknown,
		})
		expectRequests(t, server, "list")

		c.nextProcess()
		started := time.Now()
		created := c.apply(p)
		expect(t, created.diags)
		took(t, started, 0, 0)
		expectRequests(t, server, "list list token link list policies")
		expectState(t, created.state, object{
			"account_id": accountA, "id": accountA, "status": "connected",
			"services": listed(primary, second), "service_ids": object{"Primary": primary.ID, "Second": second.ID},
		})
		if id, _ := created.state["connection_id"].(string); len(id) != 32 {
			t.Errorf("connection_id is %v", created.state["connection_id"])
		}
		expectState(t, created.identity, object{"account_id": accountA})

		next := c.rerun(nil)
		refreshed := next.read(created.instance)
		expect(t, refreshed.diags)
		expectState(t, refreshed.state, created.state)
		p = next.plan(refreshed.instance, object{})
		expect(t, p.diags)
		expectState(t, p.state, refreshed.state)
		expectRequests(t, server, "list")
	})
}

// Where the plan could not check the account, create does.
func TestCreateRefusesConnectedAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 2, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		created := newCore(t, server, nil).create(object{})
		expect(t, created.diags, aWarning(titleUnableToCheck), anError(connectFailed, append(named([]cloudflaretest.Service{primary, second}),
			"already connected", "Nothing was changed", "`moved` block", "adopt_existing = true", "terraform import pagerduty_connection.NAME "+accountA, "terraform destroy -refresh=false")...))
		if created.state != nil {
			t.Errorf("kept %v", created.state)
		}
		expectServices(t, server.a, primary, second)
		expectRequests(t, server, "list list list")
	})
}

func TestCreateAdopts(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		created := newCore(t, server, nil).create(object{"adopt_existing": true, "wait_for_services": true})
		expect(t, created.diags, aWarning(titleAdopts))
		expectState(t, created.state, object{"adopt_existing": true, "connection_id": nil, "status": "connected", "services": listed(primary), "service_ids": object{"Primary": primary.ID}})
		expectRequests(t, server, "list list list")
	})
}

func TestCreateAdoptingNothingConnects(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		created := newCore(t, server, nil).create(object{"adopt_existing": true})
		expect(t, created.diags)
		expectRequests(t, server, "list list list token link list policies")
		if created.state["connection_id"] == nil {
			t.Error("connection_id is null after a link")
		}
	})
}

// Services may take some seconds to show after the link.
func TestCreatePollsForServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Delay: 8 * time.Second})
		created := newCore(t, server, nil).create(object{})
		expect(t, created.diags)
		expectState(t, created.state, object{"status": "connected", "services": listed(primary)})
	})
}

// A refusal is followed by one list: a person has not acted yet.
func TestCreateListsOnceAfterRefusal(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102))
		started := time.Now()
		created := newCore(t, server, nil).create(object{})
		took(t, started, 0, 0)
		expect(t, created.diags, isPending("Cloudflare refuses to connect the account until someone has chosen services", "(code 17102)", "Then apply again"))
		expectState(t, created.state, object{"connection_id": nil, "status": "pending", "services": listed(), "service_ids": object{}})
		expectRequests(t, server, "list list list token link list policies")
	})
}

func TestCreateWaitForServices(t *testing.T) {
	t.Parallel()
	after := func(d time.Duration) cloudflaretest.LinkModel { return cloudflaretest.LinkModel{Delay: d} }
	listFault := func(fault cloudflaretest.Fault) cloudflaretest.Fault {
		fault.Op, fault.Skip = cloudflaretest.List, 3 // Of the plan, of the plan that apply makes, and before the link.
		return fault
	}
	for name, test := range map[string]struct {
		timeouts any
		model    cloudflaretest.LinkModel
		fault    cloudflaretest.Fault
		took     time.Duration
		pending  []string // what the warning says; nil for a connection with services
	}{
		"shows":                {model: after(5 * time.Minute), took: 5 * time.Minute},
		"never":                {model: cloudflaretest.Silent(), took: 10 * time.Minute, pending: []string{"nobody chose services within 10 minutes"}},
		"less time":            {model: after(5 * time.Minute), timeouts: object{"create": "1m"}, took: time.Minute, pending: []string{"nobody chose services within 1 minute."}},
		"more time":            {model: after(50 * time.Minute), timeouts: object{"create": "1h"}, took: 50 * time.Minute},
		"list fails a while":   {model: after(2 * time.Minute), fault: listFault(cloudflaretest.Fault{Times: 10, Status: http.StatusBadGateway}), took: 2 * time.Minute},
		"list is forbidden":    {model: after(2 * time.Minute), fault: listFault(cloudflaretest.Fault{Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")}), pending: []string{"The services could not be listed", "403"}},
		"list is unauthorized": {model: after(2 * time.Minute), fault: listFault(cloudflaretest.Fault{Status: http.StatusUnauthorized}), pending: []string{"The services could not be listed", "401"}},
		"rate limit":           {model: after(0), fault: listFault(once(cloudflaretest.RetryAfter(http.StatusTooManyRequests, "300"))), took: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetLinkModel(test.model)
				if test.fault.Op != "" {
					server.Fail(test.fault)
				}
				started := time.Now()
				created := newCore(t, server, nil).create(object{"wait_for_services": true, "timeouts": test.timeouts})
				took(t, started, max(0, test.took-time.Second), test.took+15*time.Second)
				want, status := []wanted{aWarning(titleWaits)}, "connected"
				if test.pending != nil {
					want, status = append(want, isPending(test.pending...)), "pending"
				}
				expect(t, created.diags, want...)
				expectState(t, created.state, object{"status": status})
				if server.Count(cloudflaretest.Token) != 1 || server.Count(cloudflaretest.Link) != 1 {
					t.Errorf("%d tokens and %d links", server.Count(cloudflaretest.Token), server.Count(cloudflaretest.Link))
				}
			})
		})
	}
}

// A connection that nobody has chosen services for in time still names the policies
// that page nobody.
func TestCreateNamesPoliciesAfterItsTime(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.Silent())
		server.a.SetPolicies(cloudflaretest.Policy{Name: "DDoS", AlertType: "dos_attack_l7", Enabled: true, PagerDuty: []string{primary.ID}})
		created := newCore(t, server, nil).create(object{"wait_for_services": true})
		expect(t, created.diags, aWarning(titleWaits), aWarning(of(titlePending, accountA), "nobody chose services", `"DDoS"`))
	})
}

// A time that nothing fits into blames itself, and no other operation.
func TestCreateWithoutTime(t *testing.T) {
	t.Parallel()
	server := offline(t) // In a bubble, no time passes.
	created := newCore(t, server, nil).create(object{"timeouts": object{"create": "1ns"}})
	expect(t, created.diags, anError(connectFailed, "timed out", "raise `timeouts.create`"))
	if strings.Contains(created.diags.String(), "another operation") {
		t.Errorf("blames another operation:\n%s", created.diags)
	}
	if created.state != nil || server.Count(cloudflaretest.Token) > 0 {
		t.Errorf("kept %v", created.state)
	}
}

// unknownOutcomes are responses to the link that leave open whether it happened.
var unknownOutcomes = map[string]cloudflaretest.Fault{
	"dropped":  {Drop: true},
	"500":      {Status: http.StatusInternalServerError, Body: cloudflaretest.Failure(1000, "oops")},
	"503":      cloudflaretest.RetryAfter(http.StatusServiceUnavailable, "10"),
	"408":      {Status: http.StatusRequestTimeout},
	"HTML":     cloudflaretest.HTML(http.StatusBadGateway),
	"HTML 200": cloudflaretest.HTML(http.StatusOK),
	"redirect": {Status: http.StatusFound, Header: http.Header{"Location": {"https://dash.cloudflare.com/"}}},
	"stalled":  {Stall: time.Hour},
}

// What became of a link whose outcome is unknown is found by polling. It is not
// sent again, and no other token is linked.
func TestCreateAfterUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, fault := range unknownOutcomes {
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
					if server.Count(cloudflaretest.Token) != 1 || server.Count(cloudflaretest.Link) != 1 {
						t.Errorf("%d tokens and %d links", server.Count(cloudflaretest.Token), server.Count(cloudflaretest.Link))
					}
					expectState(t, created.state, object{"connection_id": nil})
					if linked {
						expect(t, created.diags)
						expectState(t, created.state, object{"status": "connected", "services": listed(primary)})
						return
					}
					expect(t, created.diags, isPending("outcome of the request to connect is unknown", "terraform apply -replace=pagerduty_connection.NAME", "Details: GET", "pagerduty/connect/[redacted]"))
					expectState(t, created.state, object{"status": "pending"})
				})
			})
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withoutConnection has the first requests after the token get no connection, as
// net/http tells its trace.
func withoutConnection(server *fakeAPI, times int, err error) func(*cloudflare.Config) {
	return func(config *cloudflare.Config) {
		next := config.Transport
		config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if server.Count(cloudflaretest.Token) == 0 || times == 0 {
				return next.RoundTrip(r)
			}
			times--
			if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GetConn != nil {
				trace.GetConn(r.URL.Host)
			}
			return nil, err
		})
	}
}

// noConnection are the ways to get no connection.
var noConnection = map[string]error{
	"refused":     &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
	"DNS":         &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.cloudflare.com", IsNotFound: true}},
	"unreachable": &net.OpError{Op: "dial", Err: syscall.ENETUNREACH},
	"TLS":         io.EOF,                                      // Of a tunnel that closes before the handshake.
	"proxy":       errors.New("Proxy Authentication Required"), //nolint:staticcheck // The standard library's text.
}

// A link that surely never left is retried.
func TestCreateRetriesLinkThatNeverLeft(t *testing.T) {
	t.Parallel()
	for name, err := range noConnection {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				c := newCore(t, server, nil, withoutConnection(server, 2, err))
				expect(t, c.create(object{}).diags)
				expectRequests(t, server, "list list list token link list policies")
			})
		})
	}
	t.Run("429", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			fault := once(cloudflaretest.RetryAfter(http.StatusTooManyRequests, "100"))
			fault.Op = cloudflaretest.Link
			server.Fail(fault)
			started := time.Now()
			expect(t, newCore(t, server, nil).create(object{}).diags)
			took(t, started, 100*time.Second, 101*time.Second)
			expectRequests(t, server, "list list list token link link list policies")
		})
	})
}

// A link that surely did nothing ends in an error, with nothing in the state.
func TestCreateFailsWhereLinkDidNothing(t *testing.T) {
	t.Parallel()
	fails := func(t *testing.T, server *fakeAPI, c *core, parts ...string) {
		t.Helper()
		created := c.create(object{})
		expect(t, created.diags, anError(connectFailed, parts...))
		if created.state != nil {
			t.Errorf("kept %v", created.state)
		}
		for _, blame := range []string{"`account_id`", "`api_token`", "Business"} {
			if strings.Contains(created.diags.String(), blame) {
				t.Errorf("blames %s, which has just been shown to work:\n%s", blame, created.diags)
			}
		}
		if server.Count(cloudflaretest.Token) != 1 {
			t.Errorf("%d tokens", server.Count(cloudflaretest.Token))
		}
	}
	for name, err := range noConnection {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				fails(server.t, server, newCore(server.t, server, nil, withoutConnection(server, 1000, err)), "Details: GET", "pagerduty/connect/[redacted]")
			})
		})
	}
	t.Run("429", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			fault := cloudflaretest.RetryAfter(http.StatusTooManyRequests, "900")
			fault.Op = cloudflaretest.Link
			server.Fail(fault)
			fails(server.t, server, newCore(server.t, server, nil), "rate limit", "Requests will work again in 15 minutes.")
		})
	})
}

// A connection that was used before and dies makes net/http send a GET again.
func TestCreateLinksOnceOverSockets(t *testing.T) {
	t.Parallel()
	server := online(t)
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, After: true, Drop: true})
	c := newCore(t, server, nil, func(config *cloudflare.Config) { config.Transport, config.Clock = nil, &fastClock{} })
	expect(t, c.create(object{}).diags)
	expectRequests(t, server, "list list list token link list policies")
}

// Before the link, a refusal is an error. After it, the connection is pending.
func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    cloudflaretest.Fault
		requests string
		plan     []wanted
	}{
		"list":  {fault: cloudflaretest.Fault{Op: cloudflaretest.List}, requests: "list list list", plan: []wanted{aWarning(titleUnableToCheck, "403")}},
		"token": {fault: cloudflaretest.Fault{Op: cloudflaretest.Token}, requests: "list list list token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault := test.fault
				fault.Status, fault.Body = http.StatusForbidden, cloudflaretest.Failure(10000, "Authentication error")
				server.Fail(fault)
				created := newCore(t, server, nil).create(object{})
				expect(t, created.diags, append(test.plan, anError(connectFailed, "account "+accountA, "403", "CF-Ray", "Authentication error (code 10000)", writePermission, "Business plan"))...)
				if created.state != nil {
					t.Errorf("kept %v", created.state)
				}
				expectRequests(t, server, test.requests)
			})
		})
	}
}

// Whatever keeps create from listing after the link, the connection is kept.
func TestCreateKeepsWhatIsLinked(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op, fault.Skip = cloudflaretest.List, 3
				server.Fail(fault)
				c := newCore(t, server, nil)
				created := c.create(object{})
				expect(t, created.diags, isPending("The services could not be listed"))
				expectState(t, created.state, object{"id": accountA, "status": "pending", "services": listed()})
				if created.state["connection_id"] == nil {
					t.Error("connection_id is null after a link")
				}

				server.Heal()
				time.Sleep(time.Hour) // Past the rate limit.
				refreshed := c.rerun(nil).read(created.instance)
				expect(t, refreshed.diags)
				expectState(t, refreshed.state, object{"status": "connected"})
			})
		})
	}
}

func TestCreateInterrupted(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]object{"while services propagate": {}, "while waiting for services": {"wait_for_services": true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetLinkModel(cloudflaretest.Silent())
				c := newCore(t, server, nil)
				p := c.plan(instance{}, block)
				c.nextProcess()
				server.ResetRequests()
				started := time.Now()
				time.AfterFunc(5*time.Second, c.interrupt)
				created := c.apply(p)
				took(t, started, 5*time.Second, 7*time.Second)
				want := []wanted{isPending("interrupted before services were listed", "Then apply again")}
				if len(block) > 0 {
					want = append([]wanted{aWarning(titleWaits)}, want...)
				}
				expect(t, created.diags, want...)
				if created.tainted {
					t.Error("tainted")
				}
				expectState(t, created.state, object{"status": "pending", "id": accountA})
				if n := server.Count(cloudflaretest.Policies); n > 0 {
					t.Errorf("%d lists of policies after the interrupt", n)
				}
			})
		})
	}
	t.Run("while the link is under way", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, After: true, Stall: time.Hour})
			c := newCore(t, server, nil)
			started := time.Now()
			time.AfterFunc(5*time.Second, c.interrupt)
			created := c.create(object{})
			took(t, started, 5*time.Second, 7*time.Second)
			expect(t, created.diags)
			expectState(t, created.state, object{"id": accountA, "connection_id": nil, "status": "connected"})
		})
	})
	t.Run("before the link", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Status: http.StatusServiceUnavailable})
			c := newCore(t, server, nil)
			started := time.Now()
			time.AfterFunc(time.Second, c.interrupt)
			created := c.create(object{})
			took(t, started, time.Second, time.Second)
			expect(t, created.diags, anError(connectFailed, "interrupted", "Run it again", "503"))
			if created.state != nil || server.Count(cloudflaretest.Link) > 0 {
				t.Errorf("kept %v, %d links", created.state, server.Count(cloudflaretest.Link))
			}
		})
	})
}

// The messages of a link's success are a warning, once each. Those of a list and
// of the token's response are not shown.
func TestCreateShowsMessagesOfLink(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		for op, texts := range map[cloudflaretest.Op][]string{
			cloudflaretest.Link: {"Almost there", "Almost there", "\u001b[31mRed"}, cloudflaretest.List: {"Of a list"},
			cloudflaretest.Token: {"Of a token"}, cloudflaretest.Policies: {"Of policies"},
		} {
			server.Fail(cloudflaretest.Fault{Op: op, Edit: cloudflaretest.Set("messages", cloudflaretest.Messages(texts...))})
		}
		created := newCore(t, server, nil).create(object{})
		expect(t, created.diags, aWarning(of(titleMessage, accountA), "Almost there", "[31mRed"))
		if said := created.diags.String(); strings.Count(said, "Almost there") != 1 || strings.Contains(said, "Of a") || strings.Contains(said, "Of policies") {
			t.Errorf("%s", said)
		}
	})
}

// Two resources that both find the account empty would both link it, and the
// destruction of one would disconnect the services of the other.
func TestCreateOneAtATime(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Delay: 3 * time.Second})
		c := newCore(t, server, nil)
		plans := []plan{c.plan(instance{}, object{}), c.plan(instance{}, object{})}
		c.nextProcess()
		results := make(chan outcome)
		for _, p := range plans {
			expect(t, p.diags)
			go func() { results <- c.apply(p) }()
		}
		one, other := <-results, <-results
		if one.diags.hasError() {
			one, other = other, one // Both are done at the same time.
		}
		expect(t, one.diags)
		expect(t, other.diags, anError(connectFailed, "already connected", `"Primary"`))
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
		c := newCore(t, server, nil)
		started := time.Now()
		results := make(chan outcome)
		plans := []plan{c.plan(instance{}, object{}), c.plan(instance{}, object{"account_id": accountB})}
		c.nextProcess()
		for _, p := range plans {
			go func() { results <- c.apply(p) }()
		}
		for range 2 {
			expect(t, (<-results).diags)
		}
		took(t, started, 6*time.Second, 9*time.Second)
	})
}
