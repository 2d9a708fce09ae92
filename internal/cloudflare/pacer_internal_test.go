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

func budget(remaining, reset int) http.Header {
	return http.Header{"Ratelimit": {fmt.Sprintf(`"default";r=%d;t=%d`, remaining, reset)}}
}

// call passes through the pacer and tells how long that took.
func (p *pacer) call(t *testing.T, answer http.Header) time.Duration {
	t.Helper()
	started := time.Now()
	if err := p.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.release(answer)
	return time.Since(started)
}

func TestBackoffGrowsWithinBounds(t *testing.T) {
	t.Parallel()
	for failures, full := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 4: 8 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second,
		15: 30 * time.Second, 16: 30 * time.Second, 40: 30 * time.Second, 64: 30 * time.Second, 1 << 40: 30 * time.Second,
	} {
		same(t, "longest", backoff(failures, 0), full)
		same(t, "middle", backoff(failures, 0.5), full*3/4)
		same(t, "shortest", backoff(failures, 1), full/2)
	}
}

func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	none := rateLimit{}
	for name, test := range map[string]struct {
		limit, policy []string
		want          rateLimit
	}{
		"Cloudflare's":    {[]string{`"default";r=50;t=30`}, []string{`"default";q=600;w=300`}, rateLimit{50, 30 * time.Second, 600}},
		"no policy":       {[]string{`"default";r=50;t=30`}, nil, rateLimit{50, 30 * time.Second, 1200}},
		"another policy":  {[]string{`"default";r=50;t=30`}, []string{`"burst";q=10;w=1`}, rateLimit{50, 30 * time.Second, 1200}},
		"the tightest":    {[]string{`"a";r=50;t=30, "b";r=2;t=5`}, []string{`"a";q=9, "b";q=7`}, rateLimit{2, 5 * time.Second, 7}},
		"two lines":       {[]string{`"a";r=5;t=3`, `"b";r=9;t=1`}, nil, rateLimit{5, 3 * time.Second, 1200}},
		"absurd reset":    {[]string{`"a";r=0;t=999999999999999`}, nil, rateLimit{0, 24 * time.Hour, 1200}},
		"one of them bad": {[]string{`"a";r=5, "b";r=9;t=1, c;r=1;t=1, ("d");r=1;t=1`}, nil, rateLimit{9, time.Second, 1200}},
		"bad policy":      {[]string{`"a";r=5;t=3`}, []string{`"a";q=`}, rateLimit{5, 3 * time.Second, 1200}},
		"none":            {nil, nil, none},
		"empty":           {[]string{""}, nil, none},
		"no numbers":      {[]string{`"default";r="5";t=3`}, nil, none},
		"fractions":       {[]string{`"default";r=5.5;t=3`}, nil, none},
		"negative":        {[]string{`"default";r=-1;t=3`}, nil, none},
		"older notation":  {[]string{`limit=10, remaining=5, reset=3`}, nil, none},
		"syntax error":    {[]string{`"default";r=5;t=3,`}, nil, none},
	} {
		got, ok := parseRateLimit(http.Header{"Ratelimit": test.limit, "Ratelimit-Policy": test.policy})
		same(t, name, got, test.want)
		same(t, name+": found", ok, test.want != none)
	}
}

func TestPacerLetsCallsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		for _, answer := range []http.Header{nil, {}, {"Ratelimit": {"nonsense"}}, budget(1000, 300), budget(122, 300), nil} {
			same(t, "wait", p.call(t, answer), 0)
			same(t, "wait announced", p.wait(), 0)
		}
	})
}

func TestPacerSpreadsWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		p.call(t, budget(120, 240))
		// A tenth of the window's 1,200 calls is left: one every two seconds.
		same(t, "first wait", p.call(t, nil), 0)
		for range 3 {
			between(t, p.wait(), 1900*time.Millisecond, 2100*time.Millisecond)
			between(t, p.call(t, nil), 1900*time.Millisecond, 2100*time.Millisecond)
		}
		// Other programs spend from the budget as well.
		p.call(t, budget(2, 100))
		same(t, "wait in the new spread", p.wait() > 0, true)
		p.call(t, nil)
		between(t, p.call(t, nil), 40*time.Second, 60*time.Second)
		// Nothing is left until the reset, and after it all is.
		between(t, p.call(t, nil), 20*time.Second, 60*time.Second)
		same(t, "time of the reset", p.wait(), 0)
		for range 200 {
			same(t, "wait after the reset", p.call(t, nil), 0)
		}
	})
}

func between(t *testing.T, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("wait = %s, want %s to %s", got, low, high)
	}
}

// Calls that are under way are not in the answers that come in meanwhile.
func TestPacerCountsCallsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		for range 5 {
			if err := p.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p.release(budget(4, 60)) // All of it is taken by the other four.
		same(t, "wait", p.wait(), 60*time.Second)
		for range 4 {
			p.release(nil)
		}
		same(t, "in flight", p.inFlight, 0)
	})
}

// Of two answers within one window the one that tells of less is the later one,
// in whatever order they come in.
func TestPacerTakesAnswersOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		p.call(t, budget(0, 60))
		p.inFlight++
		p.release(budget(1000, 61))
		same(t, "wait after an answer that was overtaken", p.wait(), 60*time.Second)
		p.inFlight++
		p.release(budget(1000, 300))
		same(t, "wait in another window", p.wait(), 0)
		// The reset of the window before does not make this one's word older.
		time.Sleep(300 * time.Second)
		p.call(t, budget(1000, 1))
		same(t, "wait in the next window", p.wait(), 0)
	})
}

func TestPacerBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		p.block(10 * time.Second)
		p.block(3 * time.Second) // The longer one counts.
		same(t, "wait announced", p.wait(), 10*time.Second)
		same(t, "wait", p.call(t, nil), 10*time.Second)
		same(t, "wait after it", p.call(t, nil), 0)

		// A call that waits already is kept back, too.
		p.call(t, budget(0, 5))
		time.AfterFunc(time.Second, func() { p.block(time.Minute) })
		same(t, "wait of a call that waits", p.call(t, nil), time.Minute+time.Second)
	})
}

// A call that its guard forbids is not under way.
func TestForbiddenCallsAreReleased(t *testing.T) {
	t.Parallel()
	client, err := New(Config{Credentials: Credentials{APIToken: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	forbidden := errors.New("forbidden")
	err = client.DeleteServices(t.Context(), "a", func(context.Context) error { return forbidden })
	same(t, "error", err, forbidden)
	same(t, "in flight", client.pacer.inFlight, 0)
}

func TestPacerGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pacer{clock: realClock{}}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		same(t, "a context that is done", errors.Is(p.acquire(done), context.Canceled), true)

		p.block(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		started := time.Now()
		same(t, "a context that ends", errors.Is(p.acquire(ctx), context.DeadlineExceeded), true)
		same(t, "time taken", time.Since(started), time.Minute)
		same(t, "in flight", p.inFlight, 0)
	})
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
	same(t, "a sleep that fits", sleepUntilDeadline(ctx, clock, 59*time.Minute), nil)
	same(t, "a sleep that does not", errors.Is(sleepUntilDeadline(ctx, clock, 2*time.Minute), context.DeadlineExceeded), true)
	same(t, "time slept", clock.now.Sub(started), time.Hour)
	same(t, "no sleep after it", errors.Is(sleepUntilDeadline(ctx, clock, 0), context.DeadlineExceeded), true)
	same(t, "no sleep without a deadline", sleepUntilDeadline(t.Context(), clock, -time.Minute), nil)
	same(t, "time slept", clock.now.Sub(started), time.Hour)
}
