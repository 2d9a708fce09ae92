// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func limited(left, reset int) http.Header {
	return http.Header{"Ratelimit": {fmt.Sprintf(`"default";r=%d;t=%d`, left, reset)}}
}

func tooMany(seconds int) *response {
	return &response{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {fmt.Sprint(seconds)}}}
}

// pass takes a request through the gate, with this header in its response, and
// returns how long it waited.
func (g *gate) pass(t *testing.T, header http.Header) time.Duration {
	t.Helper()
	started := time.Now()
	f, joined, err := g.enter(t.Context(), &request{})
	if err != nil || joined {
		t.Fatal(joined, err)
	}
	g.leave(f, &response{status: http.StatusOK, header: header})
	return time.Since(started)
}

// wait returns how long a request that came now would wait.
func (g *gate) wait() time.Duration {
	f, _, wait, _ := g.tryEnter(&request{})
	if f != nil {
		g.mu.Lock()
		g.left++
		g.inFlight--
		g.mu.Unlock()
	}
	return wait
}

// gated runs a test of a gate in a bubble of its own time.
func gated(t *testing.T, test func(*testing.T, *gate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newGate(realClock{})) })
}

func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		field []string
		left  int64
		reset time.Duration
		ok    bool
	}{
		"Cloudflare's":    {field: []string{`"default";r=50;t=30`}, left: 50, reset: 30 * time.Second, ok: true},
		"nothing left":    {field: []string{`"default";r=0;t=0`}, ok: true},
		"the tightest":    {field: []string{`"a";r=50;t=30, "b";r=2;t=5, "c";r=3;t=1`}, left: 2, reset: 5 * time.Second, ok: true},
		"the first tie":   {field: []string{`"a";r=2;t=30, "b";r=2;t=5`}, left: 2, reset: 30 * time.Second, ok: true},
		"two lines":       {field: []string{`"a";r=5;t=3`, `"b";r=9;t=1`}, left: 5, reset: 3 * time.Second, ok: true},
		"absurd reset":    {field: []string{`"a";r=0;t=999999999999999`}, reset: 24 * time.Hour, ok: true},
		"one of them bad": {field: []string{`"a";r=5, "b";r=9;t=1, ("d");r=1;t=1`}, left: 9, reset: time.Second, ok: true},
		"none":            {},
		"empty":           {field: []string{""}},
		"no numbers":      {field: []string{`"default";r="5";t=3`}},
		"fractions":       {field: []string{`"default";r=5.5;t=3`}},
		"negative":        {field: []string{`"default";r=-1;t=3`}},
		"negative reset":  {field: []string{`"default";r=1;t=-3`}},
		"older notation":  {field: []string{`limit=10, remaining=5, reset=3`}},
		"syntax error":    {field: []string{`"default";r=5;t=3,`}},
	} {
		left, reset, ok := parseRateLimit(http.Header{"Ratelimit": test.field})
		same(t, name+": left", left, test.left)
		same(t, name+": reset", reset, test.reset)
		same(t, name+": found", ok, test.ok)
	}
}

func TestGateIsOpen(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		for _, header := range []http.Header{nil, {}, {"Ratelimit": {"nonsense"}}, limited(1000, 300), limited(2, 300), nil} {
			same(t, "time until the gate opens", g.wait(), 0)
			same(t, "wait", g.pass(t, header), 0)
		}
	})
}

// Each request takes one off, and at none left requests wait for the reset.
func TestGateCountsDown(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		g.pass(t, limited(3, 60))
		for range 3 {
			same(t, "wait", g.pass(t, nil), 0)
		}
		same(t, "time until the gate opens", g.wait(), time.Minute)
		time.Sleep(20 * time.Second)
		same(t, "wait", g.pass(t, nil), 40*time.Second)
		for range 200 {
			same(t, "wait after the reset", g.pass(t, nil), 0)
		}
		// Other programs spend from the same budget.
		g.pass(t, limited(0, 10))
		same(t, "wait where others have spent it", g.pass(t, nil), 10*time.Second)
	})
}

// Requests that are under way are not in the responses that come in meanwhile.
func TestGateCountsRequestsInFlight(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		var flights []*flight
		for range 5 {
			f, _, err := g.enter(t.Context(), &request{})
			if err != nil {
				t.Fatal(err)
			}
			flights = append(flights, f)
		}
		g.leave(flights[0], &response{header: limited(4, 60)}) // The other four take all of it.
		same(t, "time until the gate opens", g.wait(), time.Minute)
		for _, f := range flights[1:] {
			g.leave(f, nil)
		}
		same(t, "in flight", g.inFlight, 0)
	})
}

// Of two responses within one window the one with the lower number is the later
// one, in whatever order they come in.
func TestGateTakesResponsesOutOfOrder(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		arrive := func(header http.Header) {
			g.inFlight++
			g.leave(&flight{}, &response{header: header})
		}
		arrive(limited(0, 60))
		arrive(limited(1000, 61))
		same(t, "wait after a response that was overtaken", g.wait(), time.Minute)
		arrive(limited(1000, 62))
		same(t, "wait in a window that ends two seconds later", g.wait(), 0)
		arrive(limited(0, 60))
		arrive(limited(1000, 300))
		same(t, "wait in another window", g.wait(), 0)
		// The reset of the window before does not make this one's number older.
		arrive(limited(0, 300))
		time.Sleep(300 * time.Second)
		arrive(limited(1000, 1))
		same(t, "wait in the next window", g.wait(), 0)
		arrive(limited(0, 300))
		time.Sleep(300 * time.Second)
		arrive(limited(0, 1))
		same(t, "wait in a window that others have spent", g.wait(), time.Second)
	})
}

func TestGateIsBlocked(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		block := func(seconds int) {
			g.inFlight++
			g.leave(&flight{}, tooMany(seconds))
		}
		block(10)
		block(3) // The longer one counts.
		same(t, "time until the gate opens", g.wait(), 10*time.Second)
		same(t, "wait", g.pass(t, nil), 10*time.Second)
		same(t, "wait after it", g.pass(t, nil), 0)

		// What waits already is kept back, too.
		g.pass(t, limited(0, 5))
		time.AfterFunc(time.Second, func() { block(60) })
		same(t, "wait of a request that waits", g.pass(t, nil), time.Minute+time.Second)

		// What a 429 asks for counts, whatever was said of the limit before.
		g.pass(t, limited(0, 300))
		block(5)
		same(t, "wait for less than the reset", g.pass(t, nil), 5*time.Second)
	})
}

// A response that says there is more left wakes what waits.
func TestGateOpensEarly(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		g.pass(t, limited(0, 300))
		time.AfterFunc(7*time.Second, func() {
			g.inFlight++
			g.leave(&flight{}, &response{header: limited(10, 20)})
		})
		same(t, "wait", g.pass(t, nil), 7*time.Second)
	})
}

// Whatever waits fails as soon as the gate is closed for longer than it has left.
func TestGateFailsAtOnce(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		g.pass(t, limited(0, 5))
		time.AfterFunc(time.Second, func() {
			g.inFlight++
			g.leave(&flight{}, tooMany(60))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second)
		defer cancel()
		started := time.Now()
		_, _, err := g.enter(ctx, &request{})
		limited, ok := errors.AsType[*RateLimitedError](err)
		if !ok {
			t.Fatal(err)
		}
		same(t, "wait", limited.Wait, time.Minute)
		same(t, "time taken", time.Since(started), time.Second)
		same(t, "in flight", g.inFlight, 0)
		time.Sleep(time.Nanosecond)
		longer, cancelLonger := context.WithTimeout(t.Context(), time.Minute)
		defer cancelLonger()
		_, _, err = g.enter(longer, &request{})
		same(t, "error where a moment is left after it", err, nil)
	})
}

func TestGateEndsWithTheContext(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		done, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := g.enter(done, &request{})
		same(t, "a context that is done", err, context.Canceled)

		g.pass(t, limited(0, 3600))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		started := time.Now()
		_, _, err = g.enter(ctx, &request{})
		same(t, "a context that ends", err, context.Canceled)
		same(t, "time taken", time.Since(started), time.Minute)
		same(t, "in flight", g.inFlight, 0)
	})
}

// A shared request joins the one that is under way, until its response has begun,
// and waits for nothing.
func TestGateJoins(t *testing.T) {
	t.Parallel()
	gated(t, func(t *testing.T, g *gate) {
		t.Helper()
		enter := func(path string, shared bool) (*flight, bool) {
			f, joined, err := g.enter(t.Context(), &request{path: path, shared: shared})
			if err != nil {
				t.Fatal(err)
			}
			return f, joined
		}
		g.pass(t, limited(4, 300))
		first, joined := enter("/a", true)
		same(t, "first joined", joined, false)
		_, joined = enter("/b", true)
		same(t, "another path joined", joined, false)
		alone, joined := enter("/a", false)
		same(t, "one that is not shared joined", joined || alone == first, false)
		second, joined := enter("/a", true)
		same(t, "second joined", joined && second == first, true)
		g.close(first)
		third, joined := enter("/a", true)
		same(t, "joined after the response began", joined, false)
		g.leave(first, nil) // It ends after the third has begun.

		// Nothing is left, but joining takes nothing.
		same(t, "time until the gate opens", g.wait(), 5*time.Minute)
		fourth, joined := enter("/a", true)
		same(t, "fourth joined the third", joined && fourth == third, true)
		g.forget("/a")
		same(t, "flights under way after a change", g.flights["/a"], nil)
	})
}

// A request that its check forbids is not under way.
func TestForbiddenRequestsLeave(t *testing.T) {
	t.Parallel()
	client, err := New(Config{Credentials: Credentials{APIToken: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	forbidden := errors.New("forbidden")
	_, err = client.deleteServices(t.Context(), "a", func(context.Context) error { return forbidden })
	same(t, "error", err, forbidden)
	same(t, "in flight", client.gate.inFlight, 0)
}

// skippingClock passes the time at once.
type skippingClock struct{ now time.Time }

func (c *skippingClock) Now() time.Time { return c.now }

func (c *skippingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// A deadline holds by the client's clock, be it another one than the context's.
func TestSleepEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	started := time.Now()
	clock := &skippingClock{now: started}
	ctx, cancel := context.WithDeadline(t.Context(), started.Add(time.Hour))
	defer cancel()
	same(t, "a sleep that fits", sleep(ctx, clock, 59*time.Minute), nil)
	same(t, "expired", expired(ctx, clock), nil)
	same(t, "a sleep that does not", sleep(ctx, clock, 2*time.Minute), context.DeadlineExceeded)
	same(t, "time slept", clock.now.Sub(started), time.Hour)
	same(t, "expired", expired(ctx, clock), context.DeadlineExceeded)
	_, _, err := newGate(clock).enter(ctx, &request{})
	same(t, "a gate that is open", err, context.DeadlineExceeded)
	same(t, "no deadline", sleep(t.Context(), clock, time.Minute), nil)
	cancel()
	same(t, "an interrupt", sleep(ctx, clock, 0), context.Canceled)
}
