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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
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
		equal(t, "error of the look", connection.LookErr, nil)
		equal(t, "time taken", time.Since(started), 0)
		b.wantLog(t, "list token link list")
		equal(t, "token", b.server.Requests()[2].Token, b.server.Account(b.account).Tokens()[0])
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

		// It has no claim to the account, either.
		handedOver, err := b.Disconnect(t.Context(), b.account, services(alpha, beta))
		noError(t, err)
		equal(t, "handed over", handedOver, false)
	})
}

func TestConnectAdopts(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(beta, alpha)
		connection, err := b.Connect(t.Context(), b.account, adopting)
		noError(t, err)
		equal(t, "connection", *connection, cloudflare.Connection{Services: services(alpha, beta)})
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

// Without a look at the account nothing is done to it.
func TestConnectStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	for call, log := range map[cloudflaretest.Op]string{cloudflaretest.List: "list", cloudflaretest.Token: "list token"} {
		for name, fault := range map[string]cloudflaretest.Fault{
			"403":  {Status: 403, Body: `{"success": false, "errors": [{"code": 10000, "message": "Authentication error"}]}`},
			"404":  {Status: 404, Body: `{"success": false, "errors": [{"code": 7003, "message": "Could not route"}]}`},
			"HTML": {Status: 200, Body: "<html>"},
			"204":  {Status: 204},
			"none": {Status: 200, Body: `{"result": []}`},
			"503":  {Status: 503},
			"drop": {Drop: true},
		} {
			t.Run(string(call)+" "+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(b *bench) {
					t := b.t
					fault.Op = call
					b.server.Fail(fault)
					connection, err := b.connect(t.Context())
					equal(t, "connection", connection, nil)
					equal(t, "fails", err != nil, true)
					b.wantLog(t, log)
				}, retries(0))
			})
		}
	}
}

// Services may show a little later, and the looks for them thin out.
func TestConnectSettles(t *testing.T) {
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

// A link that nobody has finished yet is a connection without services.
func TestConnectIsPending(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
		started := time.Now()
		connection, err := b.connect(t.Context())
		noError(t, err)
		equal(t, "length of the connection's ID", len(connection.ID), 32)
		equal(t, "services", len(connection.Services), 0)
		equal(t, "error of the look", connection.LookErr, nil)
		equal(t, "time taken", time.Since(started), 10*time.Second)
		b.wantLog(t, "list token link"+lists(6))
	})
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
			between(t, "time between looks", gap, 0, 10*time.Second)
		}
	})
}

func TestWaitForServicesEndsWithTheTime(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.consent(cloudflaretest.LinkModel{NeedsPerson: true})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		connection, err := b.Connect(ctx, b.account, waiting)
		equal(t, "connection", connection, nil)
		none := wants[*cloudflare.NoServicesError](t, err)
		equal(t, "time waited", none.Waited, 10*time.Minute)
		equal(t, "time is up", errors.Is(err, context.DeadlineExceeded), true)
		says(t, err, "PagerDuty is linked with the account, but no service was listed within 10m0s", "the time for this operation is up")
		equal(t, "links", b.server.Count(cloudflaretest.Link), 1)

		// It does not count as a connection of this client.
		b.server.Account(b.account).PersonConnects()
		_, err = b.Disconnect(t.Context(), b.account, nil)
		_ = wants[*cloudflare.UnseenServicesError](t, err)
	})
}

// A list that fails while services are waited for is tried again until the time
// is up.
func TestWaitForServicesOutlastsFailures(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"503": {Status: 503}, "403": {Status: 403}, "drop": {Drop: true}, "HTML": {Status: 200, Body: "<html>"},
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
				_, err := b.Connect(ctx, b.account, waiting)
				waited := wants[*cloudflare.NoServicesError](t, err).Waited
				between(t, "time waited", waited, 10*time.Minute-20*time.Second, 10*time.Minute)
				says(t, err, "Last, ", "GET /accounts/") // What failed last.
				b.mustNotLeak(t, err.Error())
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
		_, err := b.Connect(ctx, b.account, waiting)
		equal(t, "time waited", wants[*cloudflare.NoServicesError](t, err).Waited, 100*time.Second)
		equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
		says(t, err, "Last, the operation was interrupted")
	})
}

// A link whose answer is lost is settled by looking.
func TestLostLinkAnswers(t *testing.T) {
	t.Parallel()
	lost := map[string]cloudflaretest.Fault{
		"dropped":    {Drop: true},
		"cut short":  {Status: 200, Body: `{"success":`},
		"500":        {Status: 500},
		"HTML 502":   {Status: 502, Body: "<html>"},
		"408":        {Status: 408},
		"redirect":   {Status: 302, Header: http.Header{"Location": {"/"}}},
		"204":        {Status: 204},
		"no success": {Status: 200, Body: `{}`},
		"not listed": {Status: 200, Body: `{"success": true, "result": []}`},
		"time-out":   {Stall: time.Hour, Drop: true},
	}
	for name, fault := range lost {
		fault.Op = cloudflaretest.Link
		for _, options := range []cloudflare.ConnectOptions{{}, waiting} {
			t.Run(fmt.Sprint(name, " ", options.WaitForServices), func(t *testing.T) {
				t.Parallel()
				connect := func(ctx context.Context, b *bench) (*cloudflare.Connection, time.Duration, error) {
					ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
					defer cancel()
					started := time.Now()
					connection, err := b.Connect(ctx, b.account, options)
					taken := time.Since(started)
					if name == "time-out" {
						taken -= cloudflare.DefaultRequestTimeout
					}
					return connection, taken, err
				}
				bubble(t, func(b *bench) { // It was linked.
					t := b.t
					fault := fault
					fault.After = true
					b.server.Fail(fault)
					b.consent(cloudflaretest.LinkModel{Lists: 2})
					connection, taken, err := connect(t.Context(), b)
					noError(t, err)
					equal(t, "time taken", taken, 2500*time.Millisecond)
					equal(t, "connection's ID", connection.ID, "")
					equal(t, "services", len(connection.Services), 1)
					b.wantLog(t, "list token link list list list")
				})
				bubble(t, func(b *bench) { // It was not.
					t := b.t
					b.server.Fail(fault)
					connection, taken, err := connect(t.Context(), b)
					equal(t, "connection", connection, nil)
					equal(t, "time taken", taken, 10*time.Second)
					unsettled := wants[*cloudflare.LinkUnsettledError](t, err)
					equal(t, "error of the look", unsettled.LookErr, nil)
					equal(t, "outcome is open", cloudflare.IsOutcomeOpen(unsettled.Err), true)
					says(t, err, "it is not known whether PagerDuty was linked", "/connect/[redacted]")
					b.mustNotLeak(t, err.Error())
					b.wantLog(t, "list token link"+lists(6))
				})
			})
		}
	}
}

// Where the looks fail too, the error has both reasons.
func TestLostLinkAnswerAndFailingLooks(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Status: 500, After: true})
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Status: 503})
		_, err := b.connect(t.Context())
		unsettled := wants[*cloudflare.LinkUnsettledError](t, err)
		equal(t, "status of the link", wants[*cloudflare.APIError](t, err).StatusCode, 500)
		equal(t, "status of the look", wants[*cloudflare.APIError](t, unsettled.LookErr).StatusCode, 503)
		says(t, err, "500 Internal", "\nLast, GET", "503 Service")
	})
	// One that passes does no harm.
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Status: 500, After: true})
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Status: 503, Times: 2})
		connection, err := b.connect(t.Context())
		noError(t, err)
		equal(t, "services", len(connection.Services), 1)
	})
}

// A refusal is certain: there is nothing to look for.
func TestRefusedLink(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Status: status})
				started := time.Now()
				_, err := b.connect(t.Context())
				equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, status)
				equal(t, "time taken", time.Since(started), 0)
				b.wantLog(t, "list token link")
			})
		})
	}
}

// What surely never arrived is sent again, with the same token.
func TestLinkIsRepeatedAfter429AndRefusal(t *testing.T) {
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
							return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
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
			equal(t, "surely never arrived", wants[*cloudflare.TransportError](t, err).Unsent, true)
			b.wantLog(t, "list token")
		})
	}
}

// A link that waits to be sent again and is interrupted has surely not happened.
func TestInterruptBeforeARepeatedLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudflaretest.NewOffline()
		b := on(t, server, retries(50), func(c *cloudflare.Config) {
			c.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, "/connect/") {
					return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
				}
				return server.RoundTripper().RoundTrip(r)
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		_, err := b.connect(ctx)
		equal(t, "outcome is open", cloudflare.IsOutcomeOpen(err), false)
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
		equal(t, "outcome is open", cloudflare.IsOutcomeOpen(err), false)
		says(t, err, "interrupted", "429 Too Many Requests")
		b.wantLog(t, "list token link")
	})
	// Nor has one that waits for its turn.
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Header: http.Header{"Ratelimit": {`"default";r=0;t=60`}}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		_, err := b.connect(ctx)
		equal(t, "outcome is open", cloudflare.IsOutcomeOpen(err), false)
		equal(t, "surely never arrived", wants[*cloudflare.TransportError](t, err).Unsent, true)
		b.wantLog(t, "list token")
	})
}

// Once the link has succeeded, nothing is an error any more.
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
				says(t, connection.LookErr, "")
				between(t, "time taken", time.Since(started), 0, 40*time.Second)
				if name == "429" {
					equal(t, "wait", wants[*cloudflare.RateLimitedError](t, connection.LookErr).Wait, 601*time.Second)
					equal(t, "time taken, as it does not fit", time.Since(started), 0)
				}
			})
		})
	}
}

// The rate limit is waited out in the settle time as well, where it fits.
func TestSettlingWaitsForTheRateLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		fault := tooMany(cloudflaretest.List, 1, "300")
		fault.Skip = 1
		b.server.Fail(fault)
		b.consent(cloudflaretest.LinkModel{Lists: 2})
		connection, err := b.connect(ctx)
		noError(t, err)
		equal(t, "services", len(connection.Services), 1)
		b.wantLog(t, "list token link list list list list")
	})
}

func TestInterruptWhileSettling(t *testing.T) {
	t.Parallel()
	for name, stall := range map[string]time.Duration{"between looks": 0, "in a look": time.Hour} {
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
				equal(t, "is an interrupt", errors.Is(connection.LookErr, context.Canceled), true)
				equal(t, "says so once", strings.Count(connection.LookErr.Error(), "interrupted"), 1)
				equal(t, "time taken", time.Since(started), 4*time.Second)
			})
		})
	}
}

// A link that is on its way when Terraform is interrupted has a second to end,
// and what became of it is looked at.
func TestInterruptWithinTheLink(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		link, list time.Duration // how long they take
		linked     bool
		taken      time.Duration
	}{
		"an answer in time":         {800 * time.Millisecond, 0, true, 800 * time.Millisecond},
		"an answer and a slow look": {800 * time.Millisecond, time.Hour, true, 1800 * time.Millisecond},
		"no answer, but linked":     {time.Hour, 0, true, 1500 * time.Millisecond},
		"no answer, not linked":     {time.Hour, 0, false, 1500 * time.Millisecond},
		"no answer and a slow look": {time.Hour, time.Hour, true, 2500 * time.Millisecond},
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
				switch answered, looked := test.link < time.Hour, test.list == 0; {
				case !answered && (!looked || !test.linked):
					unsettled := wants[*cloudflare.LinkUnsettledError](t, err)
					equal(t, "is an interrupt", errors.Is(err, context.Canceled), true)
					says(t, unsettled.LookErr, "interrupted")
				default:
					noError(t, err)
					equal(t, "has the connection's ID", connection.ID != "", answered)
					equal(t, "has services", len(connection.Services) > 0, looked)
					equal(t, "error of the look", connection.LookErr != nil, !looked)
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
		_, err := b.connect(ctx)
		_ = wants[*cloudflare.LinkUnsettledError](t, err)
		equal(t, "time is up", errors.Is(err, context.DeadlineExceeded), true)
		says(t, err, "[redacted]: the time for this operation is up")
	})
}

// An interrupt before the link leaves the account alone.
func TestInterruptBeforeTheLink(t *testing.T) {
	t.Parallel()
	for _, call := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Token} {
		bubble(t, func(b *bench) {
			t := b.t
			b.server.Fail(cloudflaretest.Fault{Op: call, Stall: time.Hour})
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
			equal(t, "time of the connection", time.Since(started), 20*time.Second)
		})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		synctest.Wait()
		b.wantLog(t, "list delete list list token link list")
	})
}

func disconnect(ctx context.Context, b *bench, approved ...cloudflaretest.Service) (bool, error) {
	return b.Disconnect(ctx, b.account, services(approved...))
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		started := time.Now()
		handedOver, err := disconnect(t.Context(), b, beta, alpha)
		noError(t, err)
		equal(t, "handed over", handedOver, false)
		equal(t, "time taken", time.Since(started), 0)
		equal(t, "services", len(b.server.Account(b.account).Services()), 0)
		b.wantLog(t, "list delete list")
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

// What the plan did not show is never deleted. It is the ID that tells.
func TestDisconnectGuards(t *testing.T) {
	t.Parallel()
	renamed := cloudflaretest.Service{ID: alpha.ID, Name: "Renamed"}
	for name, test := range map[string]struct{ there, approved, unseen []cloudflaretest.Service }{
		"another":       {[]cloudflaretest.Service{alpha, beta}, []cloudflaretest.Service{alpha}, []cloudflaretest.Service{beta}},
		"all":           {[]cloudflaretest.Service{alpha, beta}, nil, []cloudflaretest.Service{alpha, beta}},
		"same name":     {[]cloudflaretest.Service{{ID: "c3", Name: "Alpha"}}, []cloudflaretest.Service{alpha}, []cloudflaretest.Service{{ID: "c3", Name: "Alpha"}}},
		"ID in capital": {[]cloudflaretest.Service{{ID: "A1", Name: "Alpha"}}, []cloudflaretest.Service{alpha}, []cloudflaretest.Service{{ID: "A1", Name: "Alpha"}}},
		"renamed":       {[]cloudflaretest.Service{renamed}, []cloudflaretest.Service{alpha}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.show(test.there...)
				_, err := disconnect(t.Context(), b, test.approved...)
				if test.unseen == nil {
					noError(t, err)
					return
				}
				unseen := wants[*cloudflare.UnseenServicesError](t, err)
				equal(t, "unseen", unseen.Services, services(test.unseen...))
				for _, service := range test.unseen {
					says(t, err, fmt.Sprintf("%q (ID %s)", service.Name, service.ID))
				}
				equal(t, "services", b.server.Account(b.account).Services(), test.there)
				b.wantLog(t, "list")
			})
		})
	}
}

// The look before the deletion has to succeed.
func TestDisconnectWithoutALook(t *testing.T) {
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
				equal(t, "speaks of a deletion", errors.As(err, new(*cloudflare.StillListedError)), false)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 0)
			})
		})
	}
}

// The account is looked at again before each repeated deletion.
func TestDisconnectGuardsEachAttempt(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudflaretest.Fault{
		"429": {Status: 429, Header: http.Header{"Retry-After": {"60"}}}, "503": {Status: 503}, "drop": {Drop: true},
	}
	for name, fault := range faults {
		fault.Op, fault.Times = cloudflaretest.Delete, 1
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) { // Somebody adds a service in the meantime.
				t := b.t
				fault := fault
				b.show(alpha)
				fault.Hook = func() { b.show(alpha, beta) }
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				equal(t, "unseen", wants[*cloudflare.UnseenServicesError](t, err).Services, services(beta))
				equal(t, "services", len(b.server.Account(b.account).Services()), 2)
				b.wantLog(t, "list delete list")
			})
			bubble(t, func(b *bench) { // Nobody does.
				t := b.t
				b.show(alpha)
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete list delete list")
			})
			bubble(t, func(b *bench) { // It had its effect after all.
				t := b.t
				fault := fault
				fault.After = true
				b.show(alpha)
				b.server.Fail(fault)
				_, err := disconnect(t.Context(), b, alpha)
				noError(t, err)
				b.wantLog(t, "list delete list")
			})
		})
	}
}

// The deletion may have to wait for its turn: the look comes after that.
func TestDisconnectLooksRightBeforeTheDeletion(t *testing.T) {
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
		_ = wants[*cloudflare.UnseenServicesError](t, err)
		equal(t, "services", len(b.server.Account(b.account).Services()), 2)
	})
	// However long requests wait, a look was the last thing before a deletion.
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=3;t=60`}}})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		b.wantLog(t, "list delete list")
		equal(t, "time from the look to the deletion", b.gaps()[0], 0)
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
		b.wantLog(t, "list delete list")
	})
	// The API's word is not enough: the services have to be gone.
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: 404})
		_, err := disconnect(t.Context(), b, alpha)
		_ = wants[*cloudflare.StillListedError](t, err)
	})
}

func TestRefusedDeletion(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 409} {
		bubble(t, func(b *bench) {
			t := b.t
			b.show(alpha)
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Delete, Status: status})
			started := time.Now()
			_, err := disconnect(t.Context(), b, alpha)
			equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, status)
			equal(t, "time taken", time.Since(started), 0)
			b.wantLog(t, "list delete")
		})
	}
}

// A deletion whose last answer is lost as well is settled by looking.
func TestLostDeletionAnswers(t *testing.T) {
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
				b.wantLog(t, "list delete list")
			}, retries(0))
			bubble(t, func(b *bench) {
				t := b.t
				b.show(alpha)
				b.server.Fail(fault)
				started := time.Now()
				_, err := disconnect(t.Context(), b, alpha)
				says(t, err, "DELETE /accounts/")
				equal(t, "time taken", time.Since(started), 30*time.Second)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 1)
			}, retries(0))
		})
	}
}

// stubborn keeps services listed for n lists after the one before the deletion.
func (b *bench) stubborn(n int) {
	b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1 + n, Status: 200, Body: listsAlpha})
	b.show(alpha)
}

const listsAlpha = `{"success": true, "result": [{"id": "a1", "name": "Alpha"}]}`

func TestDisconnectSettles(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.stubborn(7)
		started := time.Now()
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		equal(t, "time taken", time.Since(started), 30*time.Second)
		b.wantLog(t, "list delete"+lists(8))
	})
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

// Looks that fail prove nothing, and one that passes is followed by another.
func TestDisconnectWithFailingLooks(t *testing.T) {
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
				says(t, err, "that could not be confirmed\nLast, ")
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
				b.wantLog(t, "list delete"+lists(4))
			})
		})
	}
}

func TestInterruptWithinDisconnect(t *testing.T) {
	t.Parallel()
	t.Run("while settling", func(t *testing.T) {
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
				if gone {
					noError(t, err)
				} else {
					_ = wants[*cloudflare.StillListedError](t, err)
				}
				b.wantLog(t, "list delete list")
			})
		}
	})
	t.Run("in the first look", func(t *testing.T) {
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
func TestDisconnectHandsOver(t *testing.T) {
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
					handedOver, err := b.Disconnect(t.Context(), account, connection.Services)
					noError(t, err)
					equal(t, "handed over", handedOver, true)
				}
				equal(t, "requests", b.server.Count(""), 0)

				// Another run, and another account, have nothing to do with that.
				later := on(t, b.server, inMemory(b.server))
				handedOver, err := later.Disconnect(t.Context(), b.account, connection.Services)
				noError(t, err)
				equal(t, "handed over", handedOver, false)
				equal(t, "deletes", b.server.Count(cloudflaretest.Delete), 1)
			})
		})
	}
}

// The texts of errors that hold others.
func TestFlowErrorsUnwrap(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&cloudflare.NoServicesError{Err: io.EOF}, &cloudflare.LinkUnsettledError{Err: io.EOF}, &cloudflare.StillListedError{Err: io.EOF},
		&cloudflare.RateLimitedError{Err: io.EOF}, &cloudflare.TransportError{Err: io.EOF},
	} {
		equal(t, fmt.Sprintf("%T is EOF", err), errors.Is(err, io.EOF), true)
	}
	says(t, &cloudflare.RateLimitedError{Wait: 90 * time.Second}, "in 1m30s")
	says(t, &cloudflare.NoServicesError{Waited: time.Minute}, "within 1m0s")
}
