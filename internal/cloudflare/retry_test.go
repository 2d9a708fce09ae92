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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// Each request is retried after the failures that its rules allow, max_retries times.
func TestWhatIsRetried(t *testing.T) {
	t.Parallel()
	const never, always, unlessLink = 0, 1, 2
	type failure struct {
		status  int
		err     error
		retried int
	}
	failures := map[string]failure{
		"dropped":   {status: 0, err: io.ErrUnexpectedEOF, retried: unlessLink},
		"reset":     {status: 0, err: syscall.ECONNRESET, retried: unlessLink},
		"refused":   {status: 0, err: syscall.ECONNREFUSED, retried: always},
		"untrusted": {status: 0, err: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}, retried: never},
	}
	for _, status := range []int{408, 500, 501, 502, 503, 504, 520, 525, 599} {
		failures[fmt.Sprint(status)] = failure{status: status, retried: unlessLink}
	}
	for _, status := range []int{201, 204, 302, 400, 401, 403, 404, 405, 409, 410, 422, 425, 451} {
		failures[fmt.Sprint(status)] = failure{status: status, retried: never}
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
					for op, send := range requestsOf(client, "a") {
						requests = 0
						err := send(t.Context())
						if err == nil {
							t.Errorf("%s: no error", op)
						}
						want := 1
						if f.retried == always || f.retried == unlessLink && op != cloudflaretest.Link {
							want += most
						}
						equal(t, fmt.Sprintf("requests of %s with max_retries %d", op, most), requests, want)
					}
				}
			})
		})
	}
}

// A failure that passes is not seen by the caller.
func TestRetriesSucceed(t *testing.T) {
	t.Parallel()
	for op := range requestsOf(nil, "") {
		for name, fault := range map[string]cloudflaretest.Fault{"5xx": {Status: 503}, "408": {Status: 408}, "dropped": {Drop: true}, "cut short": {Truncate: 5}} {
			if op == cloudflaretest.Link {
				continue
			}
			t.Run(string(op)+" "+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(b *bench) {
					t := b.t
					fault.Op, fault.Times = op, 2
					b.server.Fail(fault)
					noError(t, b.requests()[op](t.Context()))
					equal(t, "requests", b.server.Count(op), 3)
				}, retries(2))
			})
		}
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

// A 503 that says how long to wait is heeded, and does not block other requests.
func TestRetryAfterOf503(t *testing.T) {
	t.Parallel()
	for retryAfter, want := range map[string]time.Duration{"7": 7 * time.Second, "0": 0, "": 0, "soon": 0} {
		bubble(t, func(b *bench) {
			t := b.t
			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: 503, Header: http.Header{"Retry-After": {retryAfter}}})
			started := time.Now()
			time.AfterFunc(100*time.Millisecond, func() {
				if _, err := b.CreateIntegrationToken(t.Context(), b.account); err != nil {
					t.Error(err)
				}
				equal(t, "time of another request", time.Since(started), 100*time.Millisecond)
			})
			_, err := b.ListServices(t.Context(), b.account)
			noError(t, err)
			if want == 0 {
				between(t, "time taken with "+retryAfter, time.Since(started), 250*time.Millisecond, 500*time.Millisecond)
			} else {
				equal(t, "time taken with "+retryAfter, time.Since(started), want)
			}
		})
	}
	bubble(t, func(b *bench) {
		t := b.t
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		b.server.Fail(cloudflaretest.Fault{Status: 503, Header: http.Header{"Retry-After": {"300"}}})
		started := time.Now()
		_, err := b.ListServices(ctx, b.account)
		equal(t, "time taken", time.Since(started), 0)
		equal(t, "status, as the wait does not fit", wants[*cloudflare.APIError](t, err).StatusCode, 503)
		equal(t, "requests", b.server.Count(""), 1)
	})
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
		"backoff":           {fault: cloudflaretest.Fault{Status: 503}, says: "Before that, GET"},
		"after a drop":      {fault: cloudflaretest.Fault{Drop: true}, says: "Before that, GET"},
		"429":               {fault: cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}}, says: "429 Too Many Requests"},
		"request":           {fault: cloudflaretest.Fault{Stall: time.Hour}, says: "interrupted"},
		"budget":            {fault: cloudflaretest.Fault{Header: http.Header{"Ratelimit": {`"default";r=0;t=600`}}}, says: "interrupted"},
		"request after 503": {fault: cloudflaretest.Fault{Status: 503, Times: 1}, says: "503 Service Unavailable"},
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
						continue // That was the response that spends the budget.
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

// An operation whose time is up while a retry is on its way still
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
		says(t, err, "the operation timed out", "Before that,", "Down (code 5)")
	})
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Stall: time.Hour})
		for op, send := range b.requests() {
			b.server.ResetRequests()
			err := send(t.Context())
			says(t, err, "no complete response within the request timeout of 7s")
			equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), true)
			want := 2
			if op == cloudflaretest.Link {
				want = 1
			}
			equal(t, "requests of "+string(op), b.server.Count(op), want)
		}
		for _, attempt := range b.attempts.list() {
			equal(t, "duration", attempt.Duration, 7*time.Second)
		}
	}, retries(1), func(c *cloudflare.Config) { c.RequestTimeout = 7 * time.Second })
}
