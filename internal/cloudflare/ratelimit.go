// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dunglas/httpsfv"
)

// limitWaitMin keeps a 429 that says "at once" from becoming a busy loop.
const limitWaitMin = time.Second

// gate keeps a client within the API's rate limit. Each request takes one off
// what the last response said is left to the user, over all programs; at none
// left, and after a 429, requests wait.
//
// It also joins requests that are the same: a shared one that finds another under
// way takes part in its attempt.
type gate struct {
	clock Clock

	mu       sync.Mutex
	left     int64     // requests until resetAt, after which it means nothing
	resetAt  time.Time // when all of them are left again
	blocked  time.Time // until then each request would get a 429
	inFlight int64
	flights  map[string]*flight // shared attempts that can be joined, by path

	changed context.Context // ends when the gate has changed
	change  context.CancelFunc
}

func newGate(clock Clock) *gate {
	g := &gate{clock: clock, flights: map[string]*flight{}}
	g.changed, g.change = context.WithCancel(context.Background())
	return g
}

// flight is an attempt on its way. What joins it gets its result.
type flight struct {
	path   string
	done   chan struct{}
	result attemptResult
}

// enter waits until the request may be sent. A shared request may join a flight
// that is under way instead, and then waits for nothing. Else the caller owns the
// flight, makes the attempt, and lets it leave. The error is a *RateLimitedError
// where the wait would outlast the context, or the context's.
func (g *gate) enter(ctx context.Context, req *request) (f *flight, joined bool, err error) {
	for {
		if err := expired(ctx, g.clock); err != nil {
			return nil, false, err
		}
		f, joined, wait, changed := g.tryEnter(req)
		if f != nil {
			return f, joined, nil
		}
		if req.noWait || wait >= timeLeft(ctx, g.clock) {
			return nil, false, &RateLimitedError{Request: req.Request, Wait: wait}
		}
		woken, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(changed, cancel) //nolint:contextcheck // It signals, and cancels nothing of the request.
		_ = g.clock.Sleep(woken, wait)             // What ended it shows in the next iteration.
		stop()
		cancel()
	}
}

// tryEnter returns a flight, or how long to wait, unless the gate changes.
func (g *gate) tryEnter(req *request) (f *flight, joined bool, wait time.Duration, changed context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.flights[req.path]; f != nil && req.shared {
		return f, true, 0, nil
	}
	now := g.clock.Now()
	opens := g.blocked
	if g.left <= 0 && g.resetAt.After(opens) {
		opens = g.resetAt
	}
	if opens.After(now) {
		return nil, false, opens.Sub(now), g.changed
	}
	g.left--
	g.inFlight++
	f = &flight{path: req.path, done: make(chan struct{})}
	if req.shared {
		g.flights[req.path] = f
	}
	return f, false, 0, nil
}

// announce wakes what waits. The caller holds the lock.
func (g *gate) announce() {
	g.change()
	g.changed, g.change = context.WithCancel(context.Background())
}

// close lets nobody join the flight any more: its response has begun, so it does
// not tell of the time after.
func (g *gate) close(f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.flights[f.path] == f {
		delete(g.flights, f.path)
	}
}

// forget lets nobody join what is under way on a path: something has changed.
func (g *gate) forget(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.flights, path)
}

// leave ends a flight and takes over what the response, if there is one, says of
// the rate limit.
func (g *gate) leave(f *flight, res *response) {
	g.close(f)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if res == nil {
		return
	}
	now := g.clock.Now()
	if res.status == http.StatusTooManyRequests {
		// What it asks for counts, whatever was said of the limit before.
		g.left, g.resetAt = 0, time.Time{}
		if until := now.Add(limitWait(res.header, now)); until.After(g.blocked) {
			g.blocked = until
		}
		g.announce()
		return
	}
	left, reset, ok := parseRateLimit(res.header)
	if !ok {
		return
	}
	// Requests that are still on their way may not be counted in the response.
	left -= g.inFlight
	resetAt := now.Add(reset)
	// Responses overtake each other: within one window the lower number counts.
	// Resets are given in whole seconds, so two within that are the same.
	const sameWindow = 2 * time.Second
	if now.Before(g.resetAt) && resetAt.Sub(g.resetAt).Abs() < sameWindow {
		left, resetAt = min(left, g.left), g.resetAt
	}
	g.left, g.resetAt = left, resetAt
	g.announce()
}

// limitWait is how long a 429 asks to wait: as Retry-After says, or else until
// the rate limit's reset.
func limitWait(header http.Header, now time.Time) time.Duration {
	wait, ok := retryAfter(header, now)
	if !ok {
		if _, wait, ok = parseRateLimit(header); !ok {
			wait = backoffMax
		}
	}
	return max(wait, limitWaitMin)
}

// parseRateLimit reads the structured field Ratelimit ("default";r=50;t=30): how
// many requests are left, and the time until all are. Of several limits, the
// tightest counts.
//
// Source: https://developers.cloudflare.com/fundamentals/api/reference/limits/
func parseRateLimit(header http.Header) (left int64, reset time.Duration, ok bool) {
	list, err := httpsfv.UnmarshalList(slices.Clone(header["Ratelimit"]))
	if err != nil {
		return 0, 0, false
	}
	for _, member := range list {
		item, isItem := member.(httpsfv.Item)
		if !isItem {
			continue
		}
		r, okR := param(item, "r")
		t, okT := param(item, "t")
		if okR && okT && (!ok || r < left) {
			left, reset, ok = r, clampSeconds(t), true
		}
	}
	return left, reset, ok
}

func param(item httpsfv.Item, name string) (int64, bool) {
	value, ok := item.Params.Get(name)
	n, isInt := value.(int64)
	return n, ok && isInt && n >= 0
}
