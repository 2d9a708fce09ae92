// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// MaxAnswerSize bounds what is read of an answer, in bytes, after decompression.
const MaxAnswerSize = 10 << 20

// masked stands for a secret in logs and errors.
const masked = "[redacted]"

// Attempt is one HTTP attempt as the log shows it. It holds no header, no body
// and no secret.
type Attempt struct {
	Method   string
	Path     string        // below the base URL, an integration token masked
	Number   int           // 1 is the first attempt of a call
	Status   int           // 0 when there was no answer
	Ray      string        // Cloudflare's ID of the request, from CF-Ray
	Duration time.Duration // until the answer was read whole
	Err      error         // why there was no answer
}

// newTransport is the standard library's transport: proxies from the
// environment, TLS verified.
func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // The standard library says so.
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	// Terraform runs ten operations at once by default.
	transport.MaxIdleConnsPerHost = 10
	// For that, HTTP/1.1 does, and HTTP/2 would be a third of what this package
	// adds to the binary: a release leaves it out (nethttpomithttp2).
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	// The default lets headers take many times what is read of an answer.
	transport.MaxResponseHeaderBytes = 256 << 10
	return transport
}

// newSingleUseTransport opens a connection for each request. On a connection
// that it used before, net/http takes it upon itself to send a GET again, which
// must not happen to the link.
func newSingleUseTransport() *http.Transport {
	transport := newTransport()
	transport.DisableKeepAlives = true
	return transport
}

// answer is an HTTP answer, read whole. It is never changed, so that callers can
// share one.
type answer struct {
	call   call
	status int
	header http.Header
	body   []byte
	redact func(string) string
}

// RoundTrip makes one attempt, or joins one that another caller has under way.
// It hands http.Client and retryablehttp no more than the status, so that neither
// acts on a header (a Location, say): the answer stays here.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := x.rateLimited(req.Context(), x.client.pacer.wait(), nil); err != nil {
		return nil, err
	}
	x.attempts++
	result := x.attemptShared(req)
	x.answer, x.lost, x.jitter = result.answer, result.err, result.jitter
	if result.err != nil {
		return nil, result.err
	}
	return &http.Response{
		StatusCode: x.answer.status, Header: http.Header{}, Body: http.NoBody, Request: req,
		ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// attempted is what an attempt comes to. The jitter is part of it so that callers
// that shared an attempt also come back at the same time, and share again.
type attempted struct {
	answer *answer
	jitter float64
	err    error
}

func (x *exchange) attemptShared(req *http.Request) attempted {
	if !x.call.shared {
		return x.attempt(req)
	}
	ctx := req.Context()
	// One caller that gives up must not end the attempt for the others. What
	// nobody waits for any more runs out by its own time limit.
	done := x.client.lists.DoChan(x.call.path, func() (any, error) {
		return x.attempt(req.WithContext(context.WithoutCancel(ctx))), nil
	})
	select {
	case <-ctx.Done():
		return attempted{err: ctx.Err()}
	case result := <-done:
		return result.Val.(attempted) //nolint:forcetypeassert // The function above returns nothing else.
	}
}

// attempt waits for its turn, asks whether the call may still be made, sends the
// request with the credentials, reads the whole answer within the request timeout,
// and reports to the observer.
func (x *exchange) attempt(req *http.Request) attempted {
	ctx, jitter := req.Context(), newJitter()
	if err := x.client.pacer.acquire(ctx); err != nil {
		unsent := x.transportError(err)
		unsent.Unsent = true
		return attempted{err: unsent, jitter: jitter}
	}
	if x.call.guard != nil {
		if x.stop = x.call.guard(ctx); x.stop != nil {
			x.client.pacer.release(nil)
			return attempted{err: x.stop}
		}
	}
	started := x.client.clock.Now()
	answer, err := x.roundTrip(req)
	var header http.Header
	report := Attempt{Method: x.call.method, Path: x.call.logPath, Number: x.attempts, Duration: x.client.clock.Now().Sub(started)}
	if err == nil {
		header, report.Status, report.Ray = answer.header, answer.status, answer.ray()
	} else {
		err = x.transportError(err)
		report.Err = err
	}
	x.client.pacer.release(header)
	x.client.observe(ctx, report)
	return attempted{answer: answer, jitter: jitter, err: err}
}

func (x *exchange) roundTrip(req *http.Request) (*answer, error) {
	ctx, cancel := withGrace(req.Context(), x.call.grace)
	defer cancel()
	ctx, cancelTimeout := context.WithTimeoutCause(ctx, x.client.requestTimeout, errAttemptTimeout)
	defer cancelTimeout()

	sent := req.Clone(ctx)
	x.client.authorize(sent)
	transport := x.client.pooled
	if x.call.singleUse {
		transport = x.client.singleUse
	}
	resp, err := transport.RoundTrip(sent)
	var body []byte
	if err == nil {
		defer resp.Body.Close()
		body, err = readBounded(resp.Body)
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errAttemptTimeout) {
			err = fmt.Errorf("%w of %s", errAttemptTimeout, x.client.requestTimeout)
		}
		return nil, err
	}
	return &answer{call: x.call, status: resp.StatusCode, header: resp.Header, body: body, redact: x.redact}, nil
}

var (
	errAttemptTimeout = errors.New("no complete answer within the request timeout")
	errAnswerTooLarge = fmt.Errorf("the answer is larger than %d MiB", MaxAnswerSize>>20)
)

// readBounded reads as much as an answer may have. What is large gets its memory at
// once, since a buffer that grows takes several times its size.
func readBounded(r io.Reader) ([]byte, error) {
	const usual = 1 << 20
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(r, usual))
	if err == nil && n == usual {
		const rest = MaxAnswerSize + 1 - usual
		body.Grow(rest + bytes.MinRead)
		n, err = body.ReadFrom(io.LimitReader(r, rest))
		if err == nil && n == rest {
			err = errAnswerTooLarge
		}
	}
	return body.Bytes(), err
}

// withGrace returns a context that outlives its parent by d, and then ends for
// the parent's reason.
func withGrace(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(parent)
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(d, func() { cancel(parent.Err()) })
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel(nil) }
}

func (c *Client) authorize(req *http.Request) {
	req.Header.Set("Accept", "application/json")
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	if c.credentials.APIToken != "" {
		req.Header.Set("Authorization", "Bearer "+c.credentials.APIToken)
		return
	}
	req.Header.Set("X-Auth-Key", c.credentials.APIKey)
	req.Header.Set("X-Auth-Email", c.credentials.Email)
}

// redact masks the credentials and the call's integration token in s, whatever
// their case, with or without the dashes that the API may add or drop, and escaped
// as in a URL.
func (x *exchange) redact(s string) string {
	if x.call.secret != "" {
		s = secretPattern(x.call.secret).ReplaceAllLiteralString(s, masked)
	}
	c := x.client
	c.redactOnce.Do(func() { c.secrets = secretPattern(c.credentials.APIToken, c.credentials.APIKey) })
	return c.secrets.ReplaceAllLiteralString(s, masked)
}

// secretPattern finds secrets, at least one of which is not empty.
func secretPattern(secrets ...string) *regexp.Regexp {
	var patterns []string
	for _, secret := range secrets {
		if secret != "" {
			patterns = append(patterns, dashless(secret), dashless(url.PathEscape(secret)), dashless(url.QueryEscape(secret)))
		}
	}
	// The standard library quotes a proxy's URL that it can't use, password and all.
	const userInfo = `[^\s/@:"]*:[^\s/@"]+@`
	return regexp.MustCompile("(?i)" + strings.Join(append(patterns, userInfo), "|"))
}

func dashless(secret string) string {
	undashed := strings.ReplaceAll(secret, "-", "")
	if undashed == "" {
		return regexp.QuoteMeta(secret)
	}
	var pattern strings.Builder
	for i, r := range undashed {
		if i > 0 {
			pattern.WriteString("(?:-|%2D)*")
		}
		pattern.WriteString(regexp.QuoteMeta(string(r)))
	}
	return pattern.String()
}

// Printable makes text from outside safe for a terminal: what is not graphic
// (control characters, escape sequences, text direction) is shown as its escape,
// white space is folded, and what is longer than limit runes is cut.
func Printable(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if n++; n > limit {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
