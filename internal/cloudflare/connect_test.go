// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

var (
	waiting  = cloudflare.ConnectOptions{WaitForServices: true}
	adopting = cloudflare.ConnectOptions{AdoptExisting: true}
)

// lists is the log of n lists.
func lists(n int) string { return strings.Repeat(" list", n) }

func TestConnect(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.consent(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{beta, alpha}})
		started := time.Now()
		connection, err := b.connect(t.Context())
		noError(t, err)
		equal(t, "services", connection.Services, services(alpha, beta))
		equal(t, "length of the connection's ID", len(connection.ID), 32)
		equal(t, "errors", fmt.Sprint(connection.LinkErr, connection.PollErr), "<nil> <nil>")
		equal(t, "adopted", connection.Adopted, false)
		equal(t, "time taken", time.Since(started), 0)
		b.wantLog(t, "list token link list")
		equal(t, "token", b.server.Requests()[2].Token, b.server.Account(b.account).Tokens()[0])
		equal(t, "connected in this run", b.ConnectedInRun(strings.ToUpper(b.account)), true)
	})
}

func TestConnectRefusesAConnectedAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(beta, alpha)
		connection, err := b.connect(t.Context())
		equal(t, "connection", connection, nil)
		equal(t, "services", wants[*cloudflare.AlreadyConnectedError](t, err).Services, services(alpha, beta))
		says(t, err, `already connected to PagerDuty, with "Alpha" (ID a1), "Beta" (ID b2)`)
		b.wantLog(t, "list")

		equal(t, "connected in this run", b.ConnectedInRun(b.account), false)
	})
}

func TestConnectAdopts(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(beta, alpha)
		connection, err := b.Connect(t.Context(), b.account, adopting)
		noError(t, err)
		equal(t, "connection", *connection, cloudflare.Connection{Services: services(alpha, beta), Adopted: true})
		equal(t, "connected in this run", b.ConnectedInRun(b.account), true)
		b.wantLog(t, "list")
	})
	bubble(t, func(b *bench) {
		t := b.t
		connection, err := b.Connect(t.Context(), b.account, adopting)
		noError(t, err)
		equal(t, "services", len(connection.Services), 1)
		b.wantLog(t, "list token link list")
	})
}

// Without a list of the account nothing is done to it.
func TestConnectStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	for op, log := range map[cloudflaretest.Op]string{cloudflaretest.List: "list", cloudflaretest.Token: "list token"} {
		for name, fault := range map[string]cloudflaretest.Fault{
			"403":  {Status: 403, Body: `{"success": false, "errors": [{"code": 10000, "message": "Authentication error"}]}`},
			"404":  {Status: 404, Body: `{"success": false, "errors": [{"code": 7003, "message": "Could not route"}]}`},
			"HTML": {Status: 200, Body: "<html>"},
			"204":  {Status: 204},
			"none": {Status: 200, Body: `{"result": []}`},
			"503":  {Status: 503},
			"drop": {Drop: true},
		} {
			t.Run(string(op)+" "+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(b *bench) {
					t := b.t
					fault.Op = op
					b.server.Fail(fault)
					connection, err := b.connect(t.Context())
					equal(t, "connection", connection, nil)
					equal(t, "fails", err != nil, true)
					equal(t, "connected in this run", b.ConnectedInRun(b.account), false)
					b.wantLog(t, log)
				}, retries(0))
			})
		}
	}
}

// Services may show a little later, and the lists of them become fewer.
func TestConnectPolls(t *testing.T) {
	t.Parallel()
	for delay, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Second, 3 * time.Second: 4750 * time.Millisecond, 9 * time.Second: 10 * time.Second,
	} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.consent(cloudflaretest.LinkModel{Delay: delay})
				started := time.Now()
				connection, err := b.connect(t.Context())
				noError(t, err)
				equal(t, "time taken", time.Since(started), want)
				equal(t, "services", len(connection.Services), 1)
			})
		})
	}
}

// A list that fails is followed by the next poll, and not by a retry of its own.
func TestPollsAreNotRetried(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Status: 503, Body: refusal})
		connection, err := b.connect(t.Context())
		noError(t, err)
		equal(t, "status", wants[*cloudflare.APIError](t, connection.PollErr).StatusCode, 503)
		b.wantLog(t, "list token link"+lists(6))
	})
}

// Whatever the link returns, the list that follows decides. Without services the
// connection is pending.
func TestConnectAfterAnyLink(t *testing.T) {
	t.Parallel()
	const refused, unknown = "refused", "unknown"
	links := map[string]struct {
		fault   cloudflaretest.Fault
		outcome string // "" is a success
	}{
		"200":               {},
		"messages":          {fault: cloudflaretest.Fault{Status: 200, Body: `{"success": true, "result": {"id": "c1"}, "messages": ["Hello\u001b", "Hello\u001b", {"message": "TOKEN"}, {"code": 7}]}`}},
		"no ID":             {fault: cloudflaretest.Fault{Status: 200, Body: `{"success": true}`}},
		"400":               {fault: cloudflaretest.Fault{Status: 400, Body: refusal}, outcome: refused},
		"401":               {fault: cloudflaretest.Fault{Status: 401, Body: refusal}, outcome: refused},
		"403":               {fault: cloudflaretest.Fault{Status: 403, Body: refusal}, outcome: refused},
		"404":               {fault: cloudflaretest.Fault{Status: 404, Body: `{"success": false, "errors": [{"code": 7003, "message": "Could not route"}]}`}, outcome: refused},
		"409":               {fault: cloudflaretest.Fault{Status: 409, Body: refusal}, outcome: refused},
		"422":               {fault: cloudflaretest.Fault{Status: 422, Body: refusal}, outcome: refused},
		"HTML 403":          {fault: cloudflaretest.Fault{Status: 403, Body: "<html>"}, outcome: refused},
		"dropped":           {fault: cloudflaretest.Fault{Drop: true}, outcome: unknown},
		"cut short":         {fault: cloudflaretest.Fault{Status: 200, Body: `{"success":`}, outcome: unknown},
		"500":               {fault: cloudflaretest.Fault{Status: 500, Body: refusal}, outcome: unknown},
		"HTML 502":          {fault: cloudflaretest.Fault{Status: 502, Body: "<html>"}, outcome: unknown},
		"408":               {fault: cloudflaretest.Fault{Status: 408, Body: refusal}, outcome: unknown},
		"redirect":          {fault: cloudflaretest.Fault{Status: 302, Header: http.Header{"Location": {"/"}}}, outcome: unknown},
		"HTML":              {fault: cloudflaretest.Fault{Status: 200, Body: "<html>"}, outcome: unknown},
		"204":               {fault: cloudflaretest.Fault{Status: 204}, outcome: unknown},
		"no success":        {fault: cloudflaretest.Fault{Status: 200, Body: `{"success": false}`}, outcome: unknown},
		"errors as well":    {fault: cloudflaretest.Fault{Status: 200, Body: `{"success": true, "errors": [{"message": "m"}]}`}, outcome: unknown},
		"an ID of its kind": {fault: cloudflaretest.Fault{Status: 200, Body: `{"success": true, "result": {"id": 7}}`}, outcome: unknown},
		"timeout":           {fault: cloudflaretest.Fault{Stall: time.Hour, Drop: true}, outcome: unknown},
	}
	for name, test := range links {
		test.fault.Op = cloudflaretest.Link
		for _, wait := range []bool{false, true} {
			for linked, model := range map[string]cloudflaretest.LinkModel{"linked": {Lists: 2}, "not": {NeedsPerson: true}} {
				t.Run(fmt.Sprint(name, " ", linked, " ", wait), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(b *bench) {
						t, fault := b.t, test.fault
						fault.After = true
						b.consent(model)
						b.server.Fail(fault)
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
						defer cancel()
						started := time.Now()
						connection, err := b.Connect(ctx, b.account, cloudflare.ConnectOptions{WaitForServices: wait})
						taken := time.Since(started)
						noError(t, err)
						equal(t, "the link failed", connection.LinkErr != nil, test.outcome != "")
						equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(connection.LinkErr), test.outcome == unknown)
						equal(t, "tokens and links", b.server.Count(cloudflaretest.Token)+b.server.Count(cloudflaretest.Link), 2)
						equal(t, "connected in this run", b.ConnectedInRun(b.account), true)
						if connection.LinkErr != nil {
							says(t, connection.LinkErr, "/connect/[redacted]")
							b.mustNotLeak(t, connection.LinkErr.Error())
						}

						if name == "timeout" && (!wait || linked != "not") {
							taken -= cloudflare.DefaultRequestTimeout
						}
						switch {
						case linked == "linked" && (wait || test.outcome != refused):
							equal(t, "services", len(connection.Services), 1)
							equal(t, "error of the poll", connection.PollErr, nil)
							equal(t, "time taken", taken, 2500*time.Millisecond)
							b.wantLog(t, "list token link list list list")
						case wait:
							equal(t, "services", len(connection.Services), 0)
							equal(t, "time taken", taken, 10*time.Minute)
							equal(t, "interrupted", wants[*cloudflare.EndedError](t, connection.PollErr).Interrupted(), false)
						case test.outcome == refused:
							equal(t, "services", len(connection.Services), 0)
							equal(t, "error of the poll", connection.PollErr, nil)
							equal(t, "time taken", taken, 0)
							b.wantLog(t, "list token link list")
						default:
							equal(t, "services", len(connection.Services), 0)
							equal(t, "error of the poll", connection.PollErr, nil)
							equal(t, "time taken", taken, 10*time.Second)
							b.wantLog(t, "list token link"+lists(6))
						}
						if name == "messages" {
							equal(t, "messages", connection.Messages, []string{`Hello\u001b`, "TOKEN"})
							equal(t, "ID", connection.ID, "c1")
						}
					})
				})
			}
		}
	}
}

// A link that returns the token as its ID must not put it into the state, nor may
// its messages show it.
func TestLinkDoesNotReturnTheToken(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		someToken: "", strings.ToUpper(someToken): "", strings.ReplaceAll(someToken, "-", ""): "",
		strings.Repeat("x", 129): "", strings.Repeat("x", 128): strings.Repeat("x", 128), someToken + "0": someToken + "0",
	} {
		client, _ := responding(t, 200, nil, `{"success": true, "result": {"id": "`+id+`"}, "messages": ["Used `+id+`", "2", "3", "4"]}`)
		got, messages, err := client.Link(t.Context(), "a", someToken)
		noError(t, err)
		equal(t, "ID", got, want)
		if want == "" && len(id) < 100 {
			equal(t, "messages", messages, []string{"Used [redacted]", "2", "3"})
		}
	}
}

func TestWaitForServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.consent(cloudflaretest.LinkModel{Delay: 5 * time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		started := time.Now()
		connection, err := b.Connect(ctx, b.account, waiting)
		noError(t, err)
		equal(t, "length of the connection's ID", len(connection.ID), 32)
		equal(t, "services", len(connection.Services), 1)
		between(t, "time taken", time.Since(started), 5*time.Minute, 5*time.Minute+10*time.Second)
		for _, gap := range b.gaps() {
			between(t, "time between lists", gap, 0, 10*time.Second)
		}
	})
}

// A 401 or 403 for the list ends the wait, since waiting mends neither.
func TestWaitForServicesEndsWithARefusal(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403} {
		bubble(t, func(b *bench) {
			t := b.t
			b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 3, Status: status, Body: refusal})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			started := time.Now()
			connection, err := b.Connect(ctx, b.account, waiting)
			noError(t, err)
			equal(t, "status", wants[*cloudflare.APIError](t, connection.PollErr).StatusCode, status)
			equal(t, "time taken", time.Since(started), 2500*time.Millisecond)
		})
	}
}

// A list that fails while services are waited for is tried again until the time
// is up.
func TestWaitForServicesOutlastsFailures(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"503": {Status: 503}, "404": {Status: 404}, "drop": {Drop: true}, "HTML": {Status: 200, Body: "<html>"},
		"429": {Status: 429, Header: http.Header{"Retry-After": {"20"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				fault.Op, fault.Skip, fault.Times = cloudflaretest.List, 1, 20
				b.server.Fail(fault)
				connection, err := b.Connect(ctx, b.account, waiting)
				noError(t, err)
				equal(t, "services", len(connection.Services), 1)
				b.wantLog(t, "list token link"+lists(21))
			})
			bubble(t, func(b *bench) {
				t := b.t
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				fault.Op, fault.Skip, fault.Times = cloudflaretest.List, 1, 0
				b.server.Fail(fault)
				started := time.Now()
				connection, err := b.Connect(ctx, b.account, waiting)
				noError(t, err)
				between(t, "time waited", time.Since(started), 10*time.Minute-20*time.Second, 10*time.Minute)
				says(t, connection.PollErr, "GET …/pagerduty") // What failed last, rather than the time.
				equal(t, "time is up", errors.Is(connection.PollErr, context.DeadlineExceeded), false)
				b.mustNotLeak(t, connection.PollErr.Error())
			})
		})
	}
}

func TestInterruptWhileWaitingForServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Second, cancel)
		started := time.Now()
		connection, err := b.Connect(ctx, b.account, waiting)
		noError(t, err)
		equal(t, "time waited", time.Since(started), 100*time.Second)
		equal(t, "is an interrupt", wants[*cloudflare.EndedError](t, connection.PollErr).Interrupted(), true)
		equal(t, "error of the poll", connection.PollErr.Error(), "the operation was interrupted")
	})
}

// What surely had no effect is sent again, with the same token.
func TestLinkIsRetriedAfter429AndWithoutAConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(tooMany(cloudflaretest.Link, 2, "60"))
		connection, err := b.connect(t.Context())
		noError(t, err)
		equal(t, "length of the connection's ID", len(connection.ID), 32)
		b.wantLog(t, "list token link link link list")
		for _, request := range b.server.Requests()[2:5] {
			equal(t, "token", request.Token, b.server.Account(b.account).Tokens()[0])
		}
	}, retries(0))

	for _, refusals := range []int{2, 3} {
		synctest.Test(t, func(t *testing.T) {
			server := cloudflaretest.NewOffline()
			tried := 0
			b := on(t, server, retries(2), func(c *cloudflare.Config) {
				c.Transport = transport(func(r *http.Request) (*http.Response, error) {
					if strings.Contains(r.URL.Path, "/connect/") {
						if tried++; tried <= refusals {
							return nil, refuseConnection(r)
						}
					}
					return server.RoundTripper().RoundTrip(r)
				})
			})
			_, err := b.connect(t.Context())
			equal(t, "attempts", tried, 3)
			if refusals == 2 {
				noError(t, err)
				b.wantLog(t, "list token link list")
				return
			}
			equal(t, "surely never left", wants[*cloudflare.TransportError](t, err).Unsent, true)
			equal(t, "connected in this run", b.ConnectedInRun(b.account), false)
			b.wantLog(t, "list token")
		})
	}
}

// A link that waits to be sent again and is interrupted has surely not happened.
func TestInterruptBeforeALinkIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudflaretest.NewOffline()
		b := on(t, server, retries(50), func(c *cloudflare.Config) {
			c.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, "/connect/") {
					return nil, refuseConnection(r)
				}
				return server.RoundTripper().RoundTrip(r)
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		_, err := b.connect(ctx)
		equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)
		equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
		says(t, err, "interrupted", "Before that, ", "connection refused")
		b.wantLog(t, "list token")
	})
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(tooMany(cloudflaretest.Link, 0, "60"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		_, err := b.connect(ctx)
		equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)
		says(t, err, "interrupted", "429 Too Many Requests")
		b.wantLog(t, "list token link")
	})
	// Nor has one that waits for the rate limit.
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Header: http.Header{"Ratelimit": {`"default";r=0;t=60`}}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		_, err := b.connect(ctx)
		equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)
		equal(t, "surely never left", wants[*cloudflare.EndedError](t, err).Unsent, true)
		b.wantLog(t, "list token")
	})
}

// An interrupt right after a 429, before anything waits, is no unknown outcome.
func TestInterruptRightAfterALimitedLink(t *testing.T) {
	t.Parallel()
	for _, retryAfter := range []string{"0", "60"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			b := offline(t, func(c *cloudflare.Config) {
				c.Observe = func(_ context.Context, a cloudflare.Attempt) {
					if a.Op == cloudflare.OpLink {
						cancel()
					}
				}
			})
			b.server.Fail(tooMany(cloudflaretest.Link, 0, retryAfter))
			started := time.Now()
			_, err := b.connect(ctx)
			equal(t, "never left", wants[*cloudflare.EndedError](t, err).Unsent, true)
			says(t, err, "interrupted", "Before that, ", "429 Too Many Requests")
			equal(t, "time taken", time.Since(started), 0)
			b.wantLog(t, "list token link")
		})
	}
}

// A link that gets nothing but 429, until the wait doesn't fit, has done nothing.
func TestLinkThatIsOnlyLimited(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(tooMany(cloudflaretest.Link, 0, "100"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		connection, err := b.Connect(ctx, b.account, waiting)
		equal(t, "connection", connection, nil)
		equal(t, "status", wants[*cloudflare.APIError](t, wants[*cloudflare.RateLimitedError](t, err)).StatusCode, 429)
		equal(t, "connected in this run", b.ConnectedInRun(b.account), false)
		b.wantLog(t, "list token link link link link link link")
	})
}

// Once the link has been sent, nothing is an error any more.
func TestNothingFailsAfterTheLink(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"403": {Status: 403}, "503": {Status: 503}, "drop": {Drop: true}, "HTML": {Status: 200, Body: "<html>"},
		"stall": {Stall: time.Hour}, "429": {Status: 429, Header: http.Header{"Retry-After": {"601"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				fault.Op, fault.Skip = cloudflaretest.List, 1
				b.server.Fail(fault)
				started := time.Now()
				connection, err := b.connect(ctx)
				noError(t, err)
				equal(t, "length of the connection's ID", len(connection.ID), 32)
				equal(t, "services", len(connection.Services), 0)
				says(t, connection.PollErr, "")
				between(t, "time taken", time.Since(started), 0, 40*time.Second)
				if name == "429" {
					equal(t, "wait", wants[*cloudflare.RateLimitedError](t, connection.PollErr).Wait, 601*time.Second)
					equal(t, "time taken, as it does not fit", time.Since(started), 0)
				}
			})
		})
	}
}

// Polls wait for the rate limit as well, where that fits.
func TestPollsWaitForTheRateLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		fault := tooMany(cloudflaretest.List, 1, "300")
		fault.Skip = 1
		b.server.Fail(fault)
		b.consent(cloudflaretest.LinkModel{Delay: 200 * time.Second})
		connection, err := b.connect(ctx)
		noError(t, err)
		equal(t, "services", len(connection.Services), 1)
		b.wantLog(t, "list token link list list")
	})
}

func TestInterruptWhilePolling(t *testing.T) {
	t.Parallel()
	for name, stall := range map[string]time.Duration{"between lists": 0, "in a list": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Stall: stall})
				ctx, cancel := context.WithCancel(t.Context())
				started := time.Now()
				time.AfterFunc(4*time.Second, cancel)
				connection, err := b.connect(ctx)
				noError(t, err)
				equal(t, "length of the connection's ID", len(connection.ID), 32)
				equal(t, "is an interrupt", wants[*cloudflare.EndedError](t, connection.PollErr).Interrupted(), true)
				equal(t, "says so once", strings.Count(connection.PollErr.Error(), "interrupted"), 1)
				equal(t, "time taken", time.Since(started), 4*time.Second)
			})
		})
	}
}

// A link that is on its way when Terraform is interrupted has a second to end,
// and what became of it is worth one list.
func TestInterruptWithinTheLink(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		link, list time.Duration // how long they take
		linked     bool
		taken      time.Duration
	}{
		"a response in time":          {link: 800 * time.Millisecond, list: 0, linked: true, taken: 800 * time.Millisecond},
		"a response and a slow list":  {link: 800 * time.Millisecond, list: time.Hour, linked: true, taken: 1800 * time.Millisecond},
		"no response, but linked":     {link: time.Hour, list: 0, linked: true, taken: 1500 * time.Millisecond},
		"no response, not linked":     {link: time.Hour, list: 0, taken: 1500 * time.Millisecond},
		"no response and a slow list": {link: time.Hour, list: time.Hour, linked: true, taken: 2500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				if !test.linked {
					b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
				}
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, After: true, Stall: test.link})
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Stall: test.list})
				ctx, cancel := context.WithCancel(t.Context())
				started := time.Now()
				time.AfterFunc(500*time.Millisecond, cancel)
				connection, err := b.connect(ctx)
				equal(t, "time taken", time.Since(started), test.taken)
				b.wantLog(t, "list token link list")
				noError(t, err)
				equal(t, "has the connection's ID", connection.ID != "", test.link < time.Hour)
				if test.link == time.Hour {
					equal(t, "link was interrupted", wants[*cloudflare.EndedError](t, connection.LinkErr).Interrupted(), true)
				}
				equal(t, "has services", len(connection.Services) > 0, test.linked && test.list == 0)
				if len(connection.Services) == 0 {
					equal(t, "poll was interrupted", wants[*cloudflare.EndedError](t, connection.PollErr).Interrupted(), true)
					says(t, connection.PollErr, "interrupted")
				} else {
					equal(t, "error of the poll", connection.PollErr, nil)
				}
			})
		})
	}
}

// A link that the operation's time ends says so, rather than of an interrupt.
func TestDeadlineWithinTheLink(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Stall: time.Hour, Drop: true})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		connection, err := b.connect(ctx)
		noError(t, err)
		equal(t, "interrupted", wants[*cloudflare.EndedError](t, connection.LinkErr).Interrupted(), false)
		says(t, connection.LinkErr, "[redacted]: the operation timed out")
	})
}

// An interrupt before the link leaves the account alone.
func TestInterruptBeforeTheLink(t *testing.T) {
	t.Parallel()
	for _, op := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Token} {
		bubble(t, func(b *bench) {
			t := b.t
			b.server.Fail(cloudflaretest.Fault{Op: op, Stall: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			started := time.Now()
			time.AfterFunc(time.Second, cancel)
			_, err := b.connect(ctx)
			equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
			equal(t, "time taken", time.Since(started), time.Second)
			equal(t, "links", b.server.Count(cloudflaretest.Link), 0)
		})
	}
}

// Of two resources that connect an account at once, one does.
func TestConcurrentConnects(t *testing.T) {
	t.Parallel()
	for name, two := range map[string]bool{"one client": false, "two clients": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(cloudflaretest.Fault{Stall: time.Second})
				clients := []*cloudflare.Client{b.Client, b.Client}
				if two {
					clients[1] = on(t, b.server, inMemory(b.server)).Client
				}
				var group sync.WaitGroup
				errs := make([]error, len(clients))
				for i, client := range clients {
					group.Go(func() {
						_, errs[i] = client.Connect(t.Context(), b.account, cloudflare.ConnectOptions{})
					})
				}
				group.Wait()
				if errs[0] == nil {
					errs[0], errs[1] = errs[1], errs[0]
				}
				noError(t, errs[1])
				_ = wants[*cloudflare.AlreadyConnectedError](t, errs[0])
				b.wantLog(t, "list token link list list")
			})
		})
	}
}

// While a flow is under way on an account, others wait: for this account, in
// whatever case its ID is written, and for no other.
func TestFlowsTakeTurns(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		other := strings.Repeat("f", 32)
		b.server.Account(other)
		upper := strings.ToUpper(b.account)
		b.server.Account(upper)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Account: b.account, Stall: 20 * time.Second})
		started := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := b.connect(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		_, err := b.Connect(t.Context(), other, cloudflare.ConnectOptions{})
		noError(t, err)
		equal(t, "time of another account", time.Since(started), time.Second)

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		_, err = b.Disconnect(ctx, b.account, nil)
		equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
		says(t, err, "while another operation on account "+b.account+" was under way: the operation was interrupted")
		equal(t, "time until the interrupt", time.Since(started), 6*time.Second)

		_, err = b.Connect(t.Context(), upper, cloudflare.ConnectOptions{AdoptExisting: true})
		noError(t, err)
		equal(t, "time of the account in upper case", time.Since(started), 20*time.Second)
		group.Wait()
	})
}

func TestDisconnectTakesItsTurn(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: 20 * time.Second})
		started := time.Now()
		time.AfterFunc(time.Second, func() {
			if _, err := b.connect(t.Context()); err != nil {
				t.Error(err)
			}
			equal(t, "time of the connection", time.Since(started), 21*time.Second)
		})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		synctest.Wait()
		b.wantLog(t, "list delete list list list token link list")
	})
}

func disconnect(ctx context.Context, b *bench, approved ...cloudflaretest.Service) (cloudflare.Disconnection, error) {
	return b.Disconnect(ctx, b.account, services(approved...))
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		started := time.Now()
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Edit: func([]byte) []byte {
			return []byte(`{"success": true, "errors": [], "messages": [{"code": 1, "message": "Policies\u001b are left"}, "Policies\u001b are left"]}`)
		}})
		disconnection, err := disconnect(t.Context(), b, beta, alpha)
		noError(t, err)
		equal(t, "disconnection", disconnection, cloudflare.Disconnection{Messages: []string{`Policies\u001b are left`}})
		equal(t, "time taken", time.Since(started), time.Second)
		equal(t, "services", len(b.server.Account(b.account).Services()), 0)
		b.wantLog(t, "list delete list list")
	})
}

func TestDisconnectOfAnEmptyAccount(t *testing.T) {
	t.Parallel()
	for _, approved := range [][]cloudflaretest.Service{nil, {alpha}} {
		bubble(t, func(b *bench) {
			t := b.t
			_, err := disconnect(t.Context(), b, approved...)
			noError(t, err)
			b.wantLog(t, "list")
		})
	}
}

// What was not approved is never disconnected. It is the ID that tells, whatever its
// case and dashes.
func TestDisconnectChecks(t *testing.T) {
	t.Parallel()
	renamed := cloudflaretest.Service{ID: alpha.ID, Name: "Renamed"}
	for name, test := range map[string]struct{ there, approved, unplanned []cloudflaretest.Service }{
		"another":                        {there: []cloudflaretest.Service{alpha, beta}, approved: []cloudflaretest.Service{alpha}, unplanned: []cloudflaretest.Service{beta}},
		"all":                            {there: []cloudflaretest.Service{alpha, beta}, unplanned: []cloudflaretest.Service{alpha, beta}},
		"same name":                      {there: []cloudflaretest.Service{{ID: "c3", Name: "Alpha"}}, approved: []cloudflaretest.Service{alpha}, unplanned: []cloudflaretest.Service{{ID: "c3", Name: "Alpha"}}},
		"ID in capitals and with a dash": {there: []cloudflaretest.Service{{ID: "A-1", Name: "Alpha"}}, approved: []cloudflaretest.Service{alpha}},
		"renamed":                        {there: []cloudflaretest.Service{renamed}, approved: []cloudflaretest.Service{alpha}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.show(test.there...)
				_, err := disconnect(t.Context(), b, test.approved...)
				if test.unplanned == nil {
					noError(t, err)
					return
				}
				unplanned := wants[*cloudflare.UnplannedServicesError](t, err)
				equal(t, "unplanned", unplanned.Services, services(test.unplanned...))
				equal(t, "attempted", unplanned.Attempted, false)
				for _, service := range test.unplanned {
					says(t, err, fmt.Sprintf("%q (ID %s)", service.Name, service.ID))
				}
				equal(t, "services", b.server.Account(b.account).Services(), test.there)
				b.wantLog(t, "list")
			})
		})
	}
}

// The list before the DELETE has to succeed.
func TestDisconnectWithoutAList(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"403": {Status: 403}, "404": {Status: 404, Body: `{"success": false, "errors": [{"code": 7003, "message": "m"}]}`}, "503": {Status: 503},
		"drop": {Drop: true}, "HTML": {Status: 200, Body: "<html>"}, "429": {Status: 429, Header: http.Header{"Retry-After": {"3600"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.show(alpha)
				fault.Op = cloudflaretest.List
				b.server.Fail(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				_, err := disconnect(ctx, b, alpha)
				says(t, err, "")
				equal(t, "speaks of services that are still listed", errors.As(err, new(*cloudflare.StillListedError)), false)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 0)
			})
		})
	}
}

// The account is listed again before each attempt of the DELETE.
func TestDisconnectChecksEachAttempt(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudflaretest.Fault{
		"429": {Status: 429, Header: http.Header{"Retry-After": {"60"}}}, "503": {Status: 503}, "drop": {Drop: true},
	}
	for name, fault := range faults {
		fault.Op, fault.Times = cloudflaretest.Delete, 1
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) { // Someone adds a service in the meantime.
				t := b.t
				fault := fault
				b.show(alpha)
				fault.Hook = func() { b.show(alpha, beta) }
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				unplanned := wants[*cloudflare.UnplannedServicesError](t, err)
				equal(t, "unplanned", unplanned.Services, services(beta))
				equal(t, "attempted", unplanned.Attempted, true)
				equal(t, "services", len(b.server.Account(b.account).Services()), 2)
				b.wantLog(t, "list delete list")
			})
			bubble(t, func(b *bench) { // Nobody does.
				t := b.t
				b.show(alpha)
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete list delete list list")
			})
			bubble(t, func(b *bench) { // It had its effect after all.
				t := b.t
				fault := fault
				fault.After = true
				b.show(alpha)
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete list list list")
			})
		})
	}
}

// A DELETE of unknown outcome that seems to have worked, until its services show
// again, says what is listed.
func TestDisconnectOfServicesThatReturn(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Drop: true})
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Times: 1, Status: 200, Body: `{"success": true, "result": []}`})
		_, err := disconnect(t.Context(), b, alpha)
		listed := wants[*cloudflare.StillListedError](t, err)
		equal(t, "services", listed.Services, services(alpha))
		equal(t, "errors", fmt.Sprint(listed.DeleteErr, listed.PollErr), "<nil> <nil>")
		b.wantLog(t, "list delete"+lists(9))
	})
}

// The DELETE may have to wait for the rate limit: the list comes after that.
func TestDisconnectListsRightBeforeTheDelete(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Times: 1, Header: http.Header{"Ratelimit": {`"default";r=1;t=60`}}})
		_, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		b.server.Fail(cloudflaretest.Fault{Times: 1, Header: http.Header{"Ratelimit": {`"default";r=0;t=60`}}})
		time.AfterFunc(30*time.Second, func() { b.show(alpha, beta) })
		_, err = disconnect(t.Context(), b, alpha)
		_ = wants[*cloudflare.UnplannedServicesError](t, err)
		equal(t, "services", len(b.server.Account(b.account).Services()), 2)
	})
	// However long requests wait, a list was the last thing before a DELETE.
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=3;t=60`}}})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		b.wantLog(t, "list delete list list")
		equal(t, "time from the list to the DELETE", b.gaps()[0], 0)
	})
}

func TestDisconnectFindsNothingToDelete(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: 404, After: true})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		b.wantLog(t, "list delete list list")
	})
	// The API's word is not enough: the services have to be gone, and what it said is kept.
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: 404, Header: http.Header{"CF-Ray": {"ray-AMS"}}, Body: `{"success": false, "errors": [{"code": 17, "message": "No such thing"}]}`})
		_, err := disconnect(t.Context(), b, alpha)
		listed := wants[*cloudflare.StillListedError](t, err)
		equal(t, "services", listed.Services, services(alpha))
		equal(t, "error of the poll", listed.PollErr, nil)
		says(t, err, `still lists "Alpha"`, "DELETE", "404 Not Found (CF-Ray ray-AMS)", "No such thing (code 17)")
	})
}

func TestRefusedDeletion(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 409} {
		bubble(t, func(b *bench) {
			t := b.t
			b.show(alpha)
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: status, Body: refusal})
			started := time.Now()
			_, err := disconnect(t.Context(), b, alpha)
			equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, status)
			equal(t, "time taken", time.Since(started), 0)
			b.wantLog(t, "list delete")
		})
	}
}

// A DELETE whose outcome is unknown to the end is found by lists.
func TestDeleteOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"drop": {Drop: true}, "500": {Status: 500}, "204": {Status: 204}, "HTML": {Status: 200, Body: "<html>"}, "no success": {Status: 200, Body: "{}"},
	} {
		fault.Op = cloudflaretest.Delete
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				fault := fault
				b.show(alpha)
				fault.After = true
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete list list")
			}, retries(0))
			bubble(t, func(b *bench) {
				t := b.t
				b.show(alpha)
				b.server.Fail(fault)
				started := time.Now()
				_, err := disconnect(t.Context(), b, alpha)
				says(t, err, "DELETE …/pagerduty")
				equal(t, "time taken", time.Since(started), 30*time.Second)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 1)
			}, retries(0))
		})
	}
}

// stubborn keeps services listed for n lists after the one before the DELETE.
func (b *bench) stubborn(n int) {
	b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1 + n, Status: 200, Body: listsAlpha})
	b.show(alpha)
}

const listsAlpha = `{"success": true, "result": [{"id": "a1", "name": "Alpha"}]}`

func TestDisconnectPolls(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: time.Second, 3: 8125 * time.Millisecond, 6: 30 * time.Second, 7: 31 * time.Second} {
		bubble(t, func(b *bench) {
			t := b.t
			b.stubborn(n)
			started := time.Now()
			_, err := disconnect(t.Context(), b, alpha)
			noError(t, err)
			equal(t, "time taken", time.Since(started), want)
			b.wantLog(t, "list delete"+lists(n+2))
		})
	}
	bubble(t, func(b *bench) {
		t := b.t
		b.stubborn(8)
		started := time.Now()
		_, err := disconnect(t.Context(), b, alpha)
		equal(t, "services", wants[*cloudflare.StillListedError](t, err).Services, services(alpha))
		says(t, err, `still lists "Alpha" (ID a1)`)
		equal(t, "time taken", time.Since(started), 30*time.Second)
		b.wantLog(t, "list delete"+lists(8))
	})
}

// One empty list is not enough: services may show again.
func TestDisconnectWantsTwoEmptyLists(t *testing.T) {
	t.Parallel()
	const empty = `{"success": true, "result": []}`
	for name, between := range map[string]cloudflaretest.Fault{
		"listed again": {Status: 200, Body: listsAlpha}, "404": {Status: 404, Body: refusal}, "no result": {Status: 200, Body: `{"success": true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.show(alpha)
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 200, Body: listsAlpha})
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 200, Body: empty})
				between.Op, between.Times = cloudflaretest.List, 1
				b.server.Fail(between)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete"+lists(4))
			})
			bubble(t, func(b *bench) { // Each second time until the end, and once more.
				t := b.t
				b.show(alpha)
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 200, Body: listsAlpha})
				between.Op, between.Times = cloudflaretest.List, 1
				for range 4 {
					b.server.Fail(between)
					b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 200, Body: empty})
				}
				b.server.Fail(between)
				started := time.Now()
				_, err := disconnect(t.Context(), b, alpha)
				_ = wants[*cloudflare.StillListedError](t, err)
				equal(t, "time taken", time.Since(started), 31*time.Second)
				b.wantLog(t, "list delete"+lists(9))
			})
		})
	}
}

// Lists that fail prove nothing, and one that passes is followed by another.
func TestDisconnectWithFailingLists(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"403": {Status: 403}, "404": {Status: 404}, "503": {Status: 503}, "drop": {Drop: true}, "HTML": {Status: 200, Body: "<html>"},
		"429": {Status: 429, Header: http.Header{"Retry-After": {"120"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault.Op, fault.Skip = cloudflaretest.List, 1
			bubble(t, func(b *bench) {
				t := b.t
				b.show(alpha)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				b.server.Fail(fault)
				_, err := disconnect(ctx, b, alpha)
				listed := wants[*cloudflare.StillListedError](t, err)
				equal(t, "services", len(listed.Services), 0)
				says(t, err, "that could not be confirmed\n", "GET …/pagerduty")
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 1)
			})
			bubble(t, func(b *bench) {
				t := b.t
				fault := fault
				fault.Times = 3
				b.show(alpha)
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete"+lists(5))
			})
		})
	}
}

func TestInterruptWithinDisconnect(t *testing.T) {
	t.Parallel()
	t.Run("while polling", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(b *bench) {
			t := b.t
			b.stubborn(100)
			ctx, cancel := context.WithCancel(t.Context())
			started := time.Now()
			time.AfterFunc(4*time.Second, cancel)
			_, err := disconnect(ctx, b, alpha)
			equal(t, "time taken", time.Since(started), 4*time.Second)
			equal(t, "services", wants[*cloudflare.StillListedError](t, err).Services, services(alpha))
			equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
		})
	})
	t.Run("in the deletion", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(b *bench) {
			t := b.t
			b.show(alpha)
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Stall: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			started := time.Now()
			time.AfterFunc(4*time.Second, cancel)
			_, err := disconnect(ctx, b, alpha)
			equal(t, "time taken", time.Since(started), 4*time.Second)
			equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
			b.wantLog(t, "list delete")
		})
	})
	t.Run("as the deletion ends", func(t *testing.T) {
		t.Parallel()
		for _, gone := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				server := cloudflaretest.NewOffline()
				ctx, cancel := context.WithCancel(t.Context())
				b := on(t, server, func(c *cloudflare.Config) {
					c.Transport = transport(func(r *http.Request) (*http.Response, error) {
						resp, err := server.RoundTripper().RoundTrip(r)
						if r.Method == http.MethodDelete {
							cancel()
						}
						return resp, err
					})
				})
				if b.show(alpha); !gone {
					b.stubborn(100)
				}
				_, err := disconnect(ctx, b, alpha)
				listed := wants[*cloudflare.StillListedError](t, err) // One list does not confirm it.
				equal(t, "services are gone", len(listed.Services) == 0, gone)
				equal(t, "is an interrupt", wants[*cloudflare.EndedError](t, listed.PollErr).Interrupted(), true)
				b.wantLog(t, "list delete list")
			})
		}
	})
	t.Run("in the first list", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(b *bench) {
			t := b.t
			b.show(alpha)
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := disconnect(ctx, b, alpha)
			equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
			b.wantLog(t, "list")
		})
	})
}

// An account that the client itself has connected or adopted belongs to another
// resource by the time it is to be disconnected.
func TestDisconnectTransfersOwnership(t *testing.T) {
	t.Parallel()
	for name, existing := range map[string][]cloudflaretest.Service{"connected": nil, "adopted": {alpha}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t, other := b.t, strings.Repeat("F", 31)+name[:1]
				b.show(existing...)
				connection, err := b.Connect(t.Context(), b.account, adopting)
				noError(t, err)
				b.server.Account(other)
				_, err = b.Connect(t.Context(), other, adopting)
				noError(t, err)
				b.server.ResetRequests()
				for _, account := range []string{b.account, strings.ToUpper(b.account), strings.ToLower(other)} {
					disconnection, err := b.Disconnect(t.Context(), account, connection.Services)
					noError(t, err)
					equal(t, "transferred", disconnection.Transferred, true)
				}
				equal(t, "requests", b.server.Count(""), 0)

				// Another run, and another account, have nothing to do with that.
				later := on(t, b.server, inMemory(b.server))
				equal(t, "connected in another run", later.ConnectedInRun(b.account), false)
				disconnection, err := later.Disconnect(t.Context(), b.account, connection.Services)
				noError(t, err)
				equal(t, "transferred", disconnection.Transferred, false)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 1)
			})
		})
	}
}

// The texts of errors that hold others.
func TestErrorsUnwrap(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&cloudflare.StillListedError{DeleteErr: io.EOF}, &cloudflare.StillListedError{PollErr: io.EOF}, &cloudflare.RateLimitedError{Err: io.EOF},
		&cloudflare.TransportError{Err: io.EOF}, &cloudflare.EndedError{Err: io.EOF}, &cloudflare.EndedError{Err: context.Canceled, Before: io.EOF},
	} {
		equal(t, fmt.Sprintf("%T is EOF", err), errors.Is(err, io.EOF), true)
	}
	says(t, &cloudflare.RateLimitedError{Wait: 90 * time.Second}, "in 90 seconds")
	says(t, &cloudflare.StillListedError{DeleteErr: io.EOF, PollErr: io.ErrNoProgress}, "could not be confirmed\nEOF\nmultiple Read calls")
}

// An operation that has no time does not blame another one that has the account.
func TestFlowWithoutTime(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		_, err := b.connect(ctx)
		equal(t, "error", err.Error(), "GET …/pagerduty: the operation timed out")
		_, err = b.Disconnect(ctx, b.account, nil)
		equal(t, "interrupted", wants[*cloudflare.EndedError](t, err).Interrupted(), false)
		equal(t, "requests", b.server.Count(""), 0)
	})
}
