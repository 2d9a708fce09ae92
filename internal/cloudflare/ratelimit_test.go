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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// tooMany is a 429; wait is what Retry-After has, unless it is empty.
func tooMany(op cloudflaretest.Op, times int, wait string) cloudflaretest.Fault {
	fault := cloudflaretest.Fault{Op: op, Times: times, Status: 429, Header: http.Header{"Retry-After": {wait}},
		Body: `{"success": false, "errors": [{"code": 971, "message": "Please wait"}]}`}
	if wait == "" {
		fault.Header.Del("Retry-After")
	}
	return fault
}

func TestRateLimitIsWaitedOutAndNotCounted(t *testing.T) {
	t.Parallel()
	for op := range requestsOf(nil, "") {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(tooMany(op, 6, "7"))
				err := b.requests()[op](t.Context())
				if op == cloudflaretest.Link { // The fake API does not know its token.
					equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, 400)
				} else {
					noError(t, err)
				}
				wait := 7 * time.Second
				equal(t, "waits", b.gaps(), []time.Duration{wait, wait, wait, wait, wait, wait})
			}, retries(0))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"seconds":            {header: http.Header{"Retry-After": {"123"}}, want: 123 * time.Second},
		"rather than reset":  {header: http.Header{"Retry-After": {"3"}, "Ratelimit": {`"default";r=50;t=42`}, "Ratelimit-Policy": {}}, want: 3 * time.Second},
		"zero":               {header: http.Header{"Retry-After": {"0"}}, want: time.Second},
		"negative":           {header: http.Header{"Retry-After": {"-5"}}, want: time.Second},
		"date":               {header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:30 GMT"}}, want: 90 * time.Second},
		"date that is past":  {header: http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:59 GMT"}, "Ratelimit": {`"default";r=0;t=42`}}, want: 42 * time.Second},
		"missing":            {header: http.Header{"Ratelimit": {`"default";r=0;t=42`}}, want: 42 * time.Second},
		"not a number":       {header: http.Header{"Retry-After": {"soon"}, "Ratelimit": {`"default";r=0;t=42`}}, want: 42 * time.Second},
		"nothing to go by":   {header: http.Header{"Ratelimit": {}}, want: 30 * time.Second},
		"days":               {header: http.Header{"Retry-After": {"9999999999"}}, want: 24 * time.Hour},
		"more than a number": {header: http.Header{"Retry-After": {"99999999999999999999999"}, "Ratelimit": {}}, want: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(cloudflaretest.Fault{Status: 429, Header: test.header, Times: 1})
				_, err := b.ListServices(t.Context(), b.account)
				noError(t, err)
				equal(t, "waits", b.gaps(), []time.Duration{test.want})
			})
		})
	}
}

// A wait that does not fit is told of at once, and so is one that an earlier
// request ran into: no request is spent on it.
func TestRateLimitThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for op := range requestsOf(nil, "") {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				started := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				b.server.Fail(tooMany("", 0, "300"))
				err := b.requests()[op](ctx)
				equal(t, "time taken", time.Since(started), 0)
				limited := wants[*cloudflare.RateLimitedError](t, err)
				equal(t, "wait", limited.Wait, 5*time.Minute)
				equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, 429)
				says(t, err, "rate limit", "in 300 seconds", "Please wait (code 971)")
				equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)

				time.Sleep(10 * time.Second)
				for next, send := range b.requests() {
					err = send(ctx)
					equal(t, "wait of "+string(next), wants[*cloudflare.RateLimitedError](t, err).Wait, 290*time.Second)
					says(t, err, "in 290 seconds")
				}
				equal(t, "requests", b.server.Count(""), 1)
			})
		})
	}
}

// A 429 keeps back the client's other requests, those that wait already
// included, and nobody else's.
func TestRateLimitBlocksOtherRequests(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		started := time.Now()
		other := on(t, b.server, inMemory(b.server))
		// The budget is nearly spent, but not yet.
		b.server.Fail(cloudflaretest.Fault{Times: 1, Header: http.Header{"Ratelimit": {`"default";r=6;t=60`}}})
		_, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		b.server.Fail(cloudflaretest.Fault{Times: 1, Status: 429, Header: http.Header{"Retry-After": {"100"}, "Ratelimit": {}}})

		var ended [3]time.Duration
		var group sync.WaitGroup
		for i := range ended {
			group.Go(func() {
				time.Sleep(time.Duration(i))
				_, err := b.CreateIntegrationToken(t.Context(), b.account)
				ended[i] = time.Since(started)
				if err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(5 * time.Second)
		_, err = other.CreateIntegrationToken(t.Context(), b.account)
		noError(t, err)
		equal(t, "the other client's time", time.Since(started), 5*time.Second)
		group.Wait()
		for i := range ended {
			between(t, fmt.Sprintf("time of request %d", i), ended[i], 100*time.Second, 101*time.Second)
		}
	})
}

func TestCheckWaitsForNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, fault *cloudflaretest.Fault // of a list before, and of the check
		wait          time.Duration         // that the error has, if it is about the rate limit
		requests      int
	}{
		"429":     {fault: &cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"2"}}}, wait: 2 * time.Second, requests: 1},
		"503":     {fault: &cloudflaretest.Fault{Status: 503}, wait: 0, requests: 1},
		"dropped": {fault: &cloudflaretest.Fault{Drop: true}, wait: 0, requests: 1},
		"blocked": {before: &cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"9"}}, Times: 1}, wait: 9 * time.Second, requests: 0},
		"budget that is spent": {before: &cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=0;t=8`}}, Times: 1},
			fault: nil, wait: 8 * time.Second, requests: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				if test.before != nil {
					b.server.Fail(*test.before)
					b.CheckServices(t.Context(), b.account) //nolint:errcheck // Only the budget it leaves is of interest.
				}
				if test.fault != nil {
					b.server.Fail(*test.fault)
				}
				b.server.ResetRequests()
				started := time.Now()
				_, err := b.CheckServices(t.Context(), b.account)
				equal(t, "time taken", time.Since(started), 0)
				equal(t, "requests", b.server.Count(""), test.requests)
				if test.wait == 0 {
					says(t, err, "GET …/pagerduty")
					return
				}
				equal(t, "wait", wants[*cloudflare.RateLimitedError](t, err).Wait, test.wait)
			})
		})
	}
}

// However many requests there are, they never run into the block.
func TestRateLimitIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudflaretest.NewOffline(cloudflaretest.WithRateLimit(100, time.Minute, 5*time.Minute))
		b := on(t, server, inMemory(server))
		started := time.Now()
		var sent atomic.Int32
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				for sent.Add(1) <= 250 {
					if _, err := b.CreateIntegrationToken(t.Context(), b.account); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		var at []time.Duration
		for i, request := range server.Requests() {
			if request.Status == 429 {
				t.Fatalf("request %d ran into the block", i)
			}
			at = append(at, request.Start.Sub(started))
		}
		equal(t, "requests", len(at), 250)
		// Up to four of a window are not used: they may still have been on their way.
		for i, want := range map[int]time.Duration{95: 0, 100: time.Minute, 190: time.Minute, 200: 2 * time.Minute, 249: 2 * time.Minute} {
			equal(t, fmt.Sprintf("time of request %d", i), at[i], want)
		}
	})
}

// A budget whose reset is too far off fails as a 429 does.
func TestSpentBudgetThatDoesNotFit(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Times: 1, Header: http.Header{"Ratelimit": {`"default";r=0;t=60`}}})
		_, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		started := time.Now()
		for op, send := range b.requests() {
			err := send(ctx)
			equal(t, "wait of "+string(op), wants[*cloudflare.RateLimitedError](t, err).Wait, time.Minute)
		}
		equal(t, "time taken", time.Since(started), 0)
		equal(t, "requests", b.server.Count(""), 1)
	})
}

func TestConcurrentListsShareARequest(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.show(alpha)
		b.server.Account("another")
		b.server.Fail(cloudflaretest.Fault{Status: 503, Stall: time.Second, Times: 1, Account: b.account})
		b.server.Fail(cloudflaretest.Fault{Stall: time.Millisecond})
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				listed, err := b.ListServices(t.Context(), b.account)
				if err != nil {
					t.Error(err)
				}
				equal(t, "services", listed, services(alpha))
				listed[0].Name = "Mine" // Nobody else sees that.
			})
		}
		group.Go(func() {
			if _, err := b.ListServices(t.Context(), "another"); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		// One that fails, and one again.
		equal(t, "requests", b.server.CountFor(b.account, cloudflaretest.List), 2)
		equal(t, "requests for another account", b.server.CountFor("another", cloudflaretest.List), 1)

		_, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		equal(t, "requests, as nothing is cached", b.server.CountFor(b.account, cloudflaretest.List), 3)
	})
}

// A caller that gives up, be it the first, leaves the others their response.
func TestSharedListOutlivesACaller(t *testing.T) {
	t.Parallel()
	for first := range 3 {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(cloudflaretest.Fault{Stall: 5 * time.Second})
				started := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				var group sync.WaitGroup
				for i := range 3 {
					group.Go(func() {
						time.Sleep(time.Duration(i))
						if i != first {
							if _, err := b.ListServices(t.Context(), b.account); err != nil {
								t.Errorf("caller %d: %v", i, err)
							}
							equal(t, "time taken", time.Since(started), 5*time.Second)
							return
						}
						_, err := b.ListServices(ctx, b.account)
						if !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("caller %d: %v", i, err)
						}
						equal(t, "time taken", time.Since(started), 2*time.Second)
					})
				}
				group.Wait()
				equal(t, "requests", b.server.Count(""), 1)
			})
		})
	}
}

// A list that began before a change does not tell of the time after it.
func TestListAfterAChangeIsNotShared(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *bench) error{
		"link": func(ctx context.Context, b *bench) error {
			token, err := b.CreateIntegrationToken(ctx, b.account)
			if err == nil {
				_, _, err = b.Link(ctx, b.account, token)
			}
			return err
		},
		"delete": func(ctx context.Context, b *bench) error { _, err := b.DeleteServices(ctx, b.account, nil); return err },
		"connect": func(ctx context.Context, b *bench) error {
			_, err := b.connect(ctx)
			return err
		},
		"disconnect": func(ctx context.Context, b *bench) error {
			_, err := b.Disconnect(ctx, b.account, services(alpha))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				if strings.HasPrefix(name, "d") {
					b.show(alpha)
				}
				// It lists, and takes its time to say so.
				b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, After: true, Stall: 20 * time.Second})
				before := len(b.server.Account(b.account).Services())
				var group sync.WaitGroup
				group.Go(func() {
					listed, err := b.ListServices(t.Context(), b.account)
					if err != nil {
						t.Error(err)
					}
					equal(t, "services before", len(listed), before)
				})
				time.Sleep(time.Second)
				noError(t, change(t.Context(), b))
				listed, err := b.ListServices(t.Context(), b.account)
				noError(t, err)
				equal(t, "services after", len(listed), 1-before)
				group.Wait()
			})
		})
	}
}

// Services that take their time to show, or to go, are listed as they are in the
// end, whatever list began before.
func TestListAfterPollingIsNotShared(t *testing.T) {
	t.Parallel()
	begin := func(b *bench, group *sync.WaitGroup) {
		time.AfterFunc(2*time.Second, func() {
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, After: true, Stall: 25 * time.Second})
			group.Go(func() { b.ListServices(b.t.Context(), b.account) }) //nolint:errcheck // It is only in the way.
		})
	}
	bubble(t, func(b *bench) {
		t := b.t
		var group sync.WaitGroup
		begin(b, &group)
		b.consent(cloudflaretest.LinkModel{Delay: 4 * time.Second})
		_, err := b.connect(t.Context())
		noError(t, err)
		listed, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		equal(t, "services", len(listed), 1)
		group.Wait()
	})
	bubble(t, func(b *bench) {
		t := b.t
		var group sync.WaitGroup
		b.stubborn(2) // It is listed until 1.5 seconds before the next list.
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 200, Body: listsAlpha, Stall: 25 * time.Second})
		time.AfterFunc(2*time.Second, func() {
			group.Go(func() { b.ListServices(t.Context(), b.account) }) //nolint:errcheck // It is only in the way.
		})
		_, err := disconnect(t.Context(), b, alpha)
		noError(t, err)
		listed, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		equal(t, "services", len(listed), 0)
		group.Wait()
	})
}

// Neither a check nor a flow joins a list that is under way.
func TestFlowsDoNotShareLists(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, After: true, Stall: 20 * time.Second})
		var group sync.WaitGroup
		group.Go(func() { b.ListServices(t.Context(), b.account) }) //nolint:errcheck // It is only in the way.
		time.Sleep(time.Second)
		b.show(alpha)
		listed, err := b.CheckServices(t.Context(), b.account)
		noError(t, err)
		equal(t, "services", listed, services(alpha))
		_, err = b.connect(t.Context())
		_ = wants[*cloudflare.AlreadyConnectedError](t, err)
		_, err = b.Disconnect(t.Context(), b.account, nil)
		_ = wants[*cloudflare.UnplannedServicesError](t, err)
		group.Wait()
		equal(t, "lists", b.server.Count(cloudflaretest.List), 4)
	})
}

// A list joins only what has not begun to respond: what began before may not tell
// of the time after.
func TestListsAreJoinedUntilTheResponseBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin, end := make(chan struct{}), make(chan struct{})
		var requests atomic.Int32
		client := newClient(t, cloudflare.Config{Credentials: byToken, Transport: transport(func(r *http.Request) (*http.Response, error) {
			body := io.Reader(strings.NewReader(`{"success": true, "result": []}`))
			if requests.Add(1) == 1 {
				<-begin
				body = io.MultiReader(readerFunc(func([]byte) (int, error) { <-end; return 0, io.EOF }), body)
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
		})})
		var group sync.WaitGroup
		list := func() {
			group.Go(func() {
				if _, err := client.ListServices(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		list()
		list()
		equal(t, "requests before the response", requests.Load(), 1)
		close(begin)
		synctest.Wait()
		list()
		equal(t, "requests after it began", requests.Load(), 2)
		close(end)
		group.Wait()
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What waits at the gate fails at once when another one's 429 blocks it for longer
// than it has left, shared lists too, each by the time that it has itself.
func TestWaitingRequestsFailAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		started := time.Now()
		// One is on its way when the rest of the budget is gone.
		b.server.Fail(cloudflaretest.Fault{Times: 1, Op: cloudflaretest.Token, Stall: 5 * time.Second, Status: 429, Header: http.Header{"Retry-After": {"100"}}})
		b.server.Fail(cloudflaretest.Fault{Times: 1, Header: http.Header{"Ratelimit": {`"default";r=0;t=60`}}})
		var group sync.WaitGroup
		group.Go(func() { b.CreateIntegrationToken(t.Context(), b.account) }) //nolint:errcheck // It is only in the way.
		time.Sleep(time.Second)
		_, err := b.ListServices(t.Context(), b.account)
		noError(t, err)
		for request, send := range map[string]func(context.Context) error{"list": b.requests()[cloudflaretest.List], "DELETE": b.requests()[cloudflaretest.Delete]} {
			for left, taken := range map[time.Duration]time.Duration{90 * time.Second: 5 * time.Second, 110 * time.Second: 105 * time.Second} {
				group.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), left)
					defer cancel()
					err := send(ctx)
					equal(t, fmt.Sprintf("time of a %s that has %s", request, left), time.Since(started), taken)
					if taken > 100*time.Second {
						if err != nil {
							t.Error(err)
						}
						return
					}
					equal(t, "wait", wants[*cloudflare.RateLimitedError](t, err).Wait, 100*time.Second)
				})
			}
		}
		group.Wait()
	})
}

// Polls wait for the rate limit as all do, so that a flow does not starve while
// others spend what is left.
func TestFlowsDoNotStarve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudflaretest.NewOffline(cloudflaretest.WithRateLimit(100, 5*time.Minute, 5*time.Minute), cloudflaretest.WithLatency(100*time.Millisecond))
		b := on(t, server, inMemory(server))
		b.show(alpha)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		readers, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i := range 9 {
			account := fmt.Sprint("reader", i)
			server.Account(account)
			group.Go(func() {
				for readers.Err() == nil {
					_, _ = b.ListServices(readers, account) // It ends with an interrupt.
				}
			})
		}
		_, err := b.Disconnect(ctx, b.account, services(alpha))
		noError(t, err)
		b.consent(cloudflaretest.LinkModel{Delay: 3 * time.Second})
		again := on(t, server, inMemory(server))
		connection, err := again.Connect(ctx, b.account, cloudflare.ConnectOptions{})
		noError(t, err)
		equal(t, "services", len(connection.Services), 1)
		stop()
		group.Wait()
		time.Sleep(time.Hour) // A shared request that all have given up runs out.
	})
}
