// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// Each call is repeated after the failures that design allows, max_retries times.
func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	const never, always, unlessLink = 0, 1, 2
	type failure struct {
		status  int
		err     error
		retried int
	}
	failures := map[string]failure{
		"dropped":   {0, io.ErrUnexpectedEOF, unlessLink},
		"reset":     {0, syscall.ECONNRESET, unlessLink},
		"refused":   {0, syscall.ECONNREFUSED, always},
		"untrusted": {0, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}, never},
	}
	for _, status := range []int{408, 500, 501, 502, 503, 504, 520, 525, 599} {
		failures[fmt.Sprint(status)] = failure{status, nil, unlessLink}
	}
	for _, status := range []int{201, 204, 302, 400, 401, 403, 404, 405, 409, 410, 422, 425, 451} {
		failures[fmt.Sprint(status)] = failure{status, nil, never}
	}
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, most := range []int{0, 1, 3} {
					var requests int
					client := newClient(t, cloudflare.Config{Credentials: byToken, MaxRetries: most, Transport: transport(func(r *http.Request) (*http.Response, error) {
						requests++
						if errors.Is(f.err, syscall.ECONNREFUSED) {
							return nil, refuseConnection(r)
						}
						if f.err != nil {
							return nil, f.err
						}
						return &http.Response{StatusCode: f.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"success": false}`)), Request: r}, nil
					})})
					for call, try := range callsOf(client, "a") {
						requests = 0
						err := try(t.Context())
						if err == nil {
							t.Errorf("%s: no error", call)
						}
						want := 1
						if f.retried == always || f.retried == unlessLink && call != cloudflaretest.Link {
							want += most
						}
						equal(t, fmt.Sprintf("requests of %s with max_retries %d", call, most), requests, want)
					}
				}
			})
		})
	}
}

// A failure that passes is not seen by the caller.
func TestRepeatingSucceeds(t *testing.T) {
	t.Parallel()
	for call := range callsOf(nil, "") {
		for name, fault := range map[string]cloudflaretest.Fault{"5xx": {Status: 503}, "408": {Status: 408}, "dropped": {Drop: true}, "cut short": {Truncate: 5}} {
			if call == cloudflaretest.Link {
				continue
			}
			t.Run(string(call)+" "+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(b *bench) {
					t := b.t
					fault.Op, fault.Times = call, 2
					b.server.Fail(fault)
					noError(t, b.calls()[call](t.Context()))
					equal(t, "requests", b.server.Count(call), 3)
				}, retries(2))
			})
		}
	}
}

// tooMany is a 429; wait is what Retry-After has, unless it is empty.
func tooMany(call cloudflaretest.Op, times int, wait string) cloudflaretest.Fault {
	fault := cloudflaretest.Fault{Op: call, Times: times, Status: 429, Header: http.Header{"Retry-After": {wait}},
		Body: `{"success": false, "errors": [{"code": 971, "message": "Please wait"}]}`}
	if wait == "" {
		fault.Header.Del("Retry-After")
	}
	return fault
}

func TestRateLimitIsWaitedOutAndNotCounted(t *testing.T) {
	t.Parallel()
	for call := range callsOf(nil, "") {
		t.Run(string(call), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(tooMany(call, 6, "7"))
				err := b.calls()[call](t.Context())
				if call == cloudflaretest.Link { // The stand-in does not know its token.
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
		"seconds":            {http.Header{"Retry-After": {"123"}}, 123 * time.Second},
		"rather than reset":  {http.Header{"Retry-After": {"3"}, "Ratelimit": {`"default";r=50;t=42`}, "Ratelimit-Policy": {}}, 3 * time.Second},
		"zero":               {http.Header{"Retry-After": {"0"}}, time.Second},
		"negative":           {http.Header{"Retry-After": {"-5"}}, time.Second},
		"date":               {http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:30 GMT"}}, 90 * time.Second},
		"date that is past":  {http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:59 GMT"}}, time.Second},
		"missing":            {http.Header{"Ratelimit": {`"default";r=0;t=42`}}, 42 * time.Second},
		"not a number":       {http.Header{"Retry-After": {"soon"}, "Ratelimit": {`"default";r=0;t=42`}}, 42 * time.Second},
		"nothing to go by":   {http.Header{"Ratelimit": {}}, 30 * time.Second},
		"days":               {http.Header{"Retry-After": {"9999999999"}}, 24 * time.Hour},
		"more than a number": {http.Header{"Retry-After": {"99999999999999999999999"}, "Ratelimit": {}}, 30 * time.Second},
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
// call ran into: no request is spent on it.
func TestRateLimitThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for call := range callsOf(nil, "") {
		t.Run(string(call), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				started := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				b.server.Fail(tooMany("", 0, "300"))
				err := b.calls()[call](ctx)
				equal(t, "time taken", time.Since(started), 0)
				limited := wants[*cloudflare.RateLimitedError](t, err)
				equal(t, "wait", limited.Wait, 5*time.Minute)
				equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, 429)
				says(t, err, "rate limit", "in 5m0s", "Please wait (code 971)")
				equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)

				time.Sleep(10 * time.Second)
				for next, try := range b.calls() {
					err = try(ctx)
					equal(t, "wait of "+string(next), wants[*cloudflare.RateLimitedError](t, err).Wait, 290*time.Second)
					says(t, err, "in 4m50s")
				}
				equal(t, "requests", b.server.Count(""), 1)
			})
		})
	}
}

// A 429 keeps back the client's other calls, those that wait for their turn
// included, and nobody else's.
func TestRateLimitBlocksOtherCalls(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		started := time.Now()
		other := on(t, b.server, inMemory(b.server))
		// The budget is nearly spent, so that a call at a time may pass every ten seconds.
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
			between(t, fmt.Sprintf("time of call %d", i), ended[i], 100*time.Second, 101*time.Second)
		}
	})
}

func TestCheckWaitsForNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, fault *cloudflaretest.Fault // of a list before, and of the peek
		wait          time.Duration         // that the error has, if it is about the rate limit
		requests      int
	}{
		"429":     {nil, &cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"2"}}}, 2 * time.Second, 1},
		"503":     {nil, &cloudflaretest.Fault{Status: 503}, 0, 1},
		"dropped": {nil, &cloudflaretest.Fault{Drop: true}, 0, 1},
		"blocked": {&cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"9"}}, Times: 1}, nil, 9 * time.Second, 0},
		"budget that is spent": {&cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=0;t=8`}}, Times: 1},
			nil, 8 * time.Second, 0},
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

func TestBackoff(t *testing.T) {
	t.Parallel()
	var all [][]time.Duration
	for range 2 {
		bubble(t, func(b *bench) {
			t := b.t
			b.server.Fail(cloudflaretest.Fault{Status: 503, Body: refusal})
			_, err := b.ListServices(t.Context(), b.account)
			equal(t, "status", wants[*cloudflare.APIError](t, err).StatusCode, 503)
			full := []int{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} // milliseconds
			gaps := b.gaps()
			equal(t, "number of waits", len(gaps), len(full))
			for i, gap := range gaps {
				longest := time.Duration(full[i]) * time.Millisecond
				between(t, fmt.Sprintf("wait %d", i), gap, longest/2, longest)
			}
			all = append(all, gaps)
		}, retries(8))
	}
	if reflect.DeepEqual(all[0], all[1]) {
		t.Errorf("the waits have no jitter: %v", all)
	}
}

// When the next wait would outlast the operation, the error is the API's.
func TestBackoffThatDoesNotFit(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		b.server.Fail(cloudflaretest.Fault{Status: 503, Body: `{"success": false, "errors": [{"code": 5, "message": "Down"}]}`})
		_, err := b.ListServices(ctx, b.account)
		says(t, err, "503 Service Unavailable", "Down (code 5)")
		equal(t, "deadline is exceeded", errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil, false)
	}, retries(100))
}

func TestInterruptEndsEveryWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault cloudflaretest.Fault
		says  string
	}{
		"backoff":           {cloudflaretest.Fault{Status: 503}, "Before that, GET"},
		"after a drop":      {cloudflaretest.Fault{Drop: true}, "Before that, GET"},
		"429":               {cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}}, "429 Too Many Requests"},
		"request":           {cloudflaretest.Fault{Stall: time.Hour}, "interrupted"},
		"budget":            {cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=0;t=600`}}}, "interrupted"},
		"request after 503": {cloudflaretest.Fault{Status: 503, Times: 1}, "503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(b *bench) {
				t := b.t
				b.server.Fail(test.fault)
				b.server.Fail(cloudflaretest.Fault{Stall: time.Hour})
				ctx, cancel := context.WithCancel(t.Context())
				started := time.Now()
				time.AfterFunc(20*time.Second, cancel)
				for ctx.Err() == nil {
					_, err := b.ListServices(ctx, b.account)
					if err == nil {
						continue // That was the answer that spends the budget.
					}
					if !errors.Is(err, context.Canceled) {
						t.Errorf("error %v is not Canceled", err)
					}
					says(t, err, "the operation was interrupted", test.says)
				}
				equal(t, "time taken", time.Since(started), 20*time.Second)
			}, retries(100), func(c *cloudflare.Config) { c.RequestTimeout = time.Hour })
		})
	}
}

// An operation whose time is up while a repeated request is on its way still
// says what was wrong before.
func TestDeadlineKeepsTheLastError(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		b.server.Fail(cloudflaretest.Fault{Times: 1, Status: 500, Body: `{"success": false, "errors": [{"code": 5, "message": "Down"}]}`})
		b.server.Fail(cloudflaretest.Fault{Stall: time.Hour})
		started := time.Now()
		_, err := b.ListServices(ctx, b.account)
		equal(t, "time taken", time.Since(started), 10*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v is not DeadlineExceeded", err)
		}
		says(t, err, "the time for this operation is up", "Before that,", "Down (code 5)")
	})
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Stall: time.Hour})
		for call, try := range b.calls() {
			b.server.ResetRequests()
			err := try(t.Context())
			says(t, err, "no complete response within the request timeout of 7s")
			equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), true)
			want := 2
			if call == cloudflaretest.Link {
				want = 1
			}
			equal(t, "requests of "+string(call), b.server.Count(call), want)
		}
		for _, attempt := range b.attempts.list() {
			equal(t, "duration", attempt.Duration, 7*time.Second)
		}
	}, retries(1), func(c *cloudflare.Config) { c.RequestTimeout = 7 * time.Second })
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

// A budget whose next turn is too far off is told of like a 429.
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
		for call, try := range b.calls() {
			err := try(ctx)
			equal(t, "wait of "+string(call), wants[*cloudflare.RateLimitedError](t, err).Wait, time.Minute)
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

// A caller that gives up, be it the first, leaves the others their answer.
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
func TestListAfterSettlingIsNotShared(t *testing.T) {
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
		b.stubborn(2) // It is listed until 1.5 seconds before the next look.
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

// Neither a look nor a flow joins a list that is under way.
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
