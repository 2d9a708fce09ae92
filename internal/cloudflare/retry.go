// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/hashicorp/go-retryablehttp"
)

const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 30 * time.Second
	// retryAfterMin keeps a 429 that says "at once" from becoming a busy loop.
	retryAfterMin = time.Second
	// retryAfterMax keeps a nonsensical wait within what a duration can hold.
	retryAfterMax = 24 * time.Hour
	// defaultQuota is how many calls a window has, where an answer does not say.
	defaultQuota = 1200
	// budgetReserve is the part of the budget that is spread over the time to
	// the reset: the last tenth.
	budgetReserve = 10
)

// call describes one call of the API: what to send, and after which failures it
// may be sent again.
type call struct {
	name          string // completes "Unable to …"
	method        string
	path          string // below the base URL, escaped
	logPath       string // path, with what is secret masked
	secret        string // the integration token in the path
	answersSecret bool   // the answer holds an integration token: never quote it
	status        []int  // what is a success; empty is any 2xx
	repeat        func(*answer, error) bool
	guard         func(context.Context) error // asked right before each attempt; its error ends the call
	once          bool                        // one attempt, no waiting
	shared        bool                        // may join another caller's attempt
	singleUse     bool                        // goes over a connection of its own
	grace         time.Duration               // how long an attempt outlives its context
}

// repeatAlways is for calls that do no harm when they arrive twice.
func repeatAlways(answer *answer, err error) bool {
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		return !errors.As(err, &untrusted) && !errors.Is(err, errAnswerTooLarge)
	}
	return answer.status == http.StatusRequestTimeout || answer.status == http.StatusTooManyRequests || answer.status >= 500
}

// repeatUnsent is for the link: again only where the API surely never saw it.
func repeatUnsent(answer *answer, err error) bool {
	if err != nil {
		return isConnectionRefused(err)
	}
	return answer.status == http.StatusTooManyRequests
}

func isConnectionRefused(err error) bool {
	const windowsConnectionRefused = syscall.Errno(10061) // WSAECONNREFUSED
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, windowsConnectionRefused)
}

// exchange is one call under way: retryablehttp drives it attempt by attempt
// through RoundTrip, check and wait.
type exchange struct {
	client   *Client
	call     call
	attempts int
	failures int     // those that count towards MaxRetries
	answer   *answer // of the last attempt, unless it was lost
	lost     error
	earlier  error // what was wrong with the attempt before that
	jitter   float64
	delay    time.Duration // before the next attempt
	stop     error         // why there is none, when the answer itself does not say
}

// send makes the call, repeats it as far as it may be, and returns an answer that
// is a success. Any other answer is an *APIError.
func (c *Client) send(ctx context.Context, call call) (*answer, error) {
	x := &exchange{client: c, call: call}
	if path.Clean(call.path) != call.path {
		return nil, fmt.Errorf("unable to %s: an empty ID, or one of dots alone, would change the path", call.name)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, call.method, c.baseURL+call.path, nil)
	if err != nil {
		return nil, x.transportError(err)
	}
	client := retryablehttp.Client{
		HTTPClient: &http.Client{Transport: x},
		CheckRetry: x.check,
		// The wait is in PrepareRetry, which knows the context and the clock.
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		PrepareRetry: x.wait,
		RetryMax:     math.MaxInt, // check counts, since a 429 must not.
		// The default error would quote the URL, token included.
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := client.Do(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	switch {
	case x.stop != nil:
		return nil, x.stop
	case err != nil:
		return nil, x.transportError(err)
	default:
		return x.answer, x.answer.check()
	}
}

// check decides whether the attempt that ended is followed by another.
func (x *exchange) check(ctx context.Context, _ *http.Response, err error) (bool, error) {
	var limited *RateLimitedError
	switch {
	case x.stop != nil:
		return false, x.stop
	case errors.As(err, &limited):
		x.stop = limited
		return false, x.stop
	case !x.call.repeat(x.answer, err):
		return false, nil
	case ctx.Err() != nil:
		x.stop = x.interrupted(ctx.Err())
		return false, x.stop
	case err == nil && x.answer.status == http.StatusTooManyRequests:
		x.delay = retryAfter(x.answer.header, x.client.clock.Now())
		x.client.pacer.block(x.delay)
		x.stop = x.rateLimited(ctx, x.delay, x.answer.check())
		return x.stop == nil, nil
	case x.call.once || x.failures >= x.client.maxRetries:
		return false, nil
	default:
		x.delay = backoff(x.failures, x.jitter)
		x.failures++
		// A wait that outlasts the operation would only hide what went wrong.
		return x.client.fits(ctx, x.delay), nil
	}
}

// rateLimited is an error when the wait that the rate limit asks for does not fit
// into what the operation has left.
func (x *exchange) rateLimited(ctx context.Context, wait time.Duration, cause error) error {
	if wait <= 0 || !x.call.once && x.client.fits(ctx, wait) {
		return nil
	}
	return &RateLimitedError{Call: x.call.name, Wait: wait, Err: cause}
}

// wait passes the time until the next attempt.
func (x *exchange) wait(req *http.Request) error {
	x.earlier = x.failure()
	if err := x.client.sleep(req.Context(), x.delay); err != nil {
		x.stop = x.interrupted(err)
	}
	return x.stop
}

// failure is what went wrong last, other than that the context ended.
func (x *exchange) failure() error {
	switch {
	case x.answer != nil:
		return x.answer.check()
	case x.lost == nil, errors.Is(x.lost, context.Canceled), errors.Is(x.lost, context.DeadlineExceeded):
		return x.earlier
	default:
		return x.lost
	}
}

// interrupted says that the context ended, and what had failed until then. What
// was refused and never sent again did not arrive.
func (x *exchange) interrupted(ctxErr error) error {
	ended := x.transportError(ctxErr)
	ended.Unsent = isConnectionRefused(x.lost)
	if failure := x.failure(); failure != nil {
		return fmt.Errorf("%w\nBefore that, %w", ended, failure)
	}
	return ended
}

// fits tells whether a wait ends before the context does.
func (c *Client) fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || c.clock.Now().Add(d).Before(deadline)
}

// sleep waits for d, or until the context's deadline by the client's clock.
func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	return sleepUntilDeadline(ctx, c.clock, d)
}

func sleepUntilDeadline(ctx context.Context, clock Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if left := deadline.Sub(clock.Now()); left <= d {
			if err := clock.Sleep(ctx, max(left, 0)); err != nil {
				return err
			}
			return context.DeadlineExceeded
		}
	}
	if d <= 0 {
		return nil
	}
	return clock.Sleep(ctx, d)
}

func newJitter() float64 { return rand.Float64() } //nolint:gosec // Jitter is no secret.

// backoff grows exponentially with the failures so far; jitter (0 to 1) takes
// away up to half of it.
func backoff(failures int, jitter float64) time.Duration {
	full := backoffMax
	if failures < 16 {
		full = min(backoffMax, backoffMin<<failures)
	}
	return full - time.Duration(jitter*float64(full/2))
}

// retryAfter reads how long a 429 asks to wait: Retry-After in seconds, as
// Cloudflare sends it, or as a date; failing that, the time to the reset.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	wait := backoffMax
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = clampSeconds(seconds)
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	} else if limit, ok := parseRateLimit(header); ok {
		wait = limit.reset
	}
	return min(max(wait, retryAfterMin), retryAfterMax)
}

// rateLimit is what an answer tells of the budget of calls.
type rateLimit struct {
	remaining int64
	reset     time.Duration // until the budget is whole again
	quota     int64         // calls in a window
}

// parseRateLimit reads the structured fields Ratelimit ("default";r=50;t=30) and
// Ratelimit-Policy ("default";q=1200;w=300). Of several, the tightest counts.
//
// Source: https://developers.cloudflare.com/fundamentals/api/reference/limits/
func parseRateLimit(header http.Header) (rateLimit, bool) {
	var tightest rateLimit
	found := false
	for name, params := range parseItems(header["Ratelimit"]) {
		remaining, okR := param(params, "r")
		seconds, okT := param(params, "t")
		if !okR || !okT || found && remaining >= tightest.remaining {
			continue
		}
		found = true
		tightest = rateLimit{remaining: remaining, reset: clampSeconds(seconds), quota: defaultQuota}
		if policy, ok := parseItems(header["Ratelimit-Policy"])[name]; ok {
			if quota, ok := param(policy, "q"); ok {
				tightest.quota = quota
			}
		}
	}
	return tightest, found
}

func clampSeconds(seconds int64) time.Duration {
	return time.Duration(min(seconds, int64(retryAfterMax/time.Second))) * time.Second
}

func parseItems(field []string) map[string]*httpsfv.Params {
	list, err := httpsfv.UnmarshalList(slices.Clone(field))
	if err != nil {
		return nil
	}
	items := map[string]*httpsfv.Params{}
	for _, member := range list {
		if item, ok := member.(httpsfv.Item); ok {
			if name, ok := item.Value.(string); ok {
				items[name] = item.Params
			}
		}
	}
	return items
}

func param(params *httpsfv.Params, name string) (int64, bool) {
	value, ok := params.Get(name)
	n, isInt := value.(int64)
	return n, ok && isInt && n >= 0
}

// pacer keeps a client within the rate limit. It lets calls pass until the
// budget is nearly spent, then spreads what is left over the time to the reset.
// The budget is the user's, over all programs: each answer's word replaces what
// was reckoned here.
type pacer struct {
	clock Clock

	mu       sync.Mutex
	limit    rateLimit
	resetAt  time.Time // when limit is void
	next     time.Time // when the next call may start, in a spread
	blocked  time.Time // until then every call would get a 429
	inFlight int64
}

// acquire takes a call out of the budget and waits until it may start. Each
// acquire needs a release.
func (p *pacer) acquire(ctx context.Context) error {
	p.mu.Lock()
	now := p.clock.Now()
	start, next := p.turn(now)
	p.next = next
	p.limit.remaining--
	p.inFlight++
	p.mu.Unlock()
	// While this call waits, another one may run into a 429.
	for wait := start.Sub(now); ; wait = p.blockedFor() {
		if err := sleepUntilDeadline(ctx, p.clock, wait); err != nil {
			p.release(nil)
			return err
		}
		if wait <= 0 {
			return nil
		}
	}
}

// wait is how long a call that came now would have to wait.
func (p *pacer) wait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	start, _ := p.turn(now)
	return start.Sub(now)
}

// turn tells when a call that comes now may start, and in a spread also when the
// one after it may.
func (p *pacer) turn(now time.Time) (start, next time.Time) {
	start = later(now, p.blocked)
	if !start.Before(p.resetAt) || p.limit.remaining > p.limit.quota/budgetReserve {
		return start, p.next
	}
	start = later(start, p.next)
	left := p.resetAt.Sub(start)
	if p.limit.remaining <= 0 || left <= 0 {
		return p.resetAt, p.next
	}
	return start, start.Add(left / time.Duration(p.limit.remaining))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// release ends a call and takes over what its answer says of the budget.
func (p *pacer) release(header http.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	limit, ok := parseRateLimit(header)
	if !ok {
		return
	}
	// Calls that are still on their way may not be counted in the answer.
	limit.remaining -= p.inFlight
	now := p.clock.Now()
	resetAt := now.Add(limit.reset)
	// Answers overtake each other: within one window the lower word counts.
	// Resets are told in whole seconds, so two within that are the same.
	const sameWindow = 2 * time.Second
	if now.Before(p.resetAt) && resetAt.Sub(p.resetAt).Abs() < sameWindow {
		limit.remaining = min(limit.remaining, p.limit.remaining)
		resetAt = p.resetAt
	}
	p.limit, p.resetAt = limit, resetAt
}

// blockedFor is how long calls are kept back after a 429; 0 when they are not.
func (p *pacer) blockedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.blocked.Sub(p.clock.Now()))
}

// block keeps calls back for d, after a 429.
func (p *pacer) block(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(d); until.After(p.blocked) {
		p.blocked = until
	}
}
