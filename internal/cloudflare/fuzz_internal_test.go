// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	fuzzToken       = "Cf-API-token_0123456789abcdefghijklmnop"
	fuzzIntegration = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
)

// leapClock passes the time at once, from a fixed point on.
type leapClock struct{ now time.Time }

func (c *leapClock) Now() time.Time { return c.now }

func (c *leapClock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fuzzClient makes a client whose first request gets this response, and every
// later one 400, until it is told that the next one is the first again.
func fuzzClient(t *testing.T, clock Clock, status int, header http.Header, body []byte) (client *Client, again func()) {
	t.Helper()
	first := true
	client, err := New(Config{
		Credentials: Credentials{APIToken: fuzzToken}, Clock: clock, MaxRetries: 1,
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			response := &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: http.NoBody, Request: r}
			if first {
				first = false
				response.StatusCode, response.Header, response.Body = status, header, io.NopCloser(bytes.NewReader(body))
			}
			return response, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, func() { first = true }
}

// mustBeSafe holds a text to what is true of all that is shown: it drives no
// terminal, has an end, and gives no secret away.
func mustBeSafe(t *testing.T, text string, secrets ...string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) {
		t.Errorf("not safe for a terminal: %q", text)
	}
	if len(text) > 200_000 {
		t.Errorf("%d bytes of text", len(text))
	}
	for _, secret := range secrets {
		if strings.Contains(bare(text), bare(secret)) {
			t.Errorf("the secret %q is in %q", secret, text)
		}
	}
}

// bare is what is left of a text when case and dashes don't count.
func bare(s string) string {
	return strings.Map(caseless, strings.ReplaceAll(s, "-", ""))
}

// caseless stands for all characters that differ from r by case alone.
func caseless(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// Whatever the API returns, each request ends in a success that the response bears
// out, or in an error that is safe to show.
func FuzzResponse(f *testing.F) {
	const ok = `, "success": true, "errors": [], "messages": []}`
	for _, body := range []string{
		`{"result": [{"id": "1", "name": "On-call"}]` + ok, `{"result": []` + ok, `{"result": null` + ok, `{"x": 0` + ok,
		`{"result": {"id": "` + fuzzIntegration + `"}` + ok, `{"result": {"id": ".."}` + ok, `{"result": [{"name": "x"}]` + ok,
		`{"success": false, "errors": [{"code": 7003, "message": "Could not route to ` + fuzzToken + `", "documentation_url": "https://example.com/?t=` + fuzzIntegration + `",
			"source": {"pointer": "/\u001b[2J"}, "error_chain": [{"code": "x", "message": "\u202e", "error_chain": ["deep"]}]}], "result": {"id": "x"}}`,
		`{"success": false, "errors": [7, null, {}, [], "text", {"code": null, "error_chain": {}}]}`,
		`<html>` + strings.ToUpper(fuzzToken) + "\x1b]0;x\x07</html>", `{"success": true`, "", "null", "[]", "\xff\xfe", `{"SUCCESS": true, "Result": [{"ID": "1"}]}`,
		strings.Repeat("[", 100), `{"errors": ` + strings.Repeat(`[{"error_chain": `, 20) + `[]` + strings.Repeat(`}]`, 20) + `}`,
	} {
		for _, status := range []int{200, 201, 302, 400, 429, 503} {
			f.Add(status, "application/json", "8f1e-AMS", "1", []byte(body))
		}
	}
	f.Add(403, "text/html\x1b", "\x1b"+fuzzToken, "9999999999999999999", []byte(fuzzIntegration))
	f.Fuzz(func(t *testing.T, status int, contentType, ray, retryAfter string, body []byte) {
		if status < 200 || status > 999 {
			return // net/http lets no such status through.
		}
		header := http.Header{"Content-Type": {contentType}, "Cf-Ray": {ray}, "Retry-After": {retryAfter}}
		first, again := fuzzClient(t, &leapClock{now: time.Unix(1e9, 0)}, status, header, body)
		client := func() *Client {
			again()
			return first
		}
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1e9, 0).Add(time.Hour))
		defer cancel()
		ctx = patient{Context: ctx}
		var envelope struct {
			Success bool
			Result  any
		}
		succeeded := json.Unmarshal(body, &envelope) == nil && envelope.Success

		services, err := client().ListServices(ctx, "a")
		fuzzOutcome(t, err, succeeded && status == 200)
		for i, service := range services {
			if service.ID == "" || i > 0 && services[i-1].Name > service.Name {
				t.Errorf("services: %v", services)
			}
		}
		// An account without services is what state is given up for.
		if list, isList := envelope.Result.([]any); err == nil && len(services) == 0 && envelope.Result != nil && (!isList || len(list) > 0) {
			t.Errorf("no services in %q", body)
		}
		mustBeSafe(t, ServiceNames(services))

		token, err := client().createToken(ctx, "a")
		fuzzOutcome(t, err, succeeded && status < 300)
		if err == nil && ValidateIntegrationToken(token) != nil {
			t.Errorf("token %q", token)
		}
		_, _, err = client().link(ctx, "a", fuzzIntegration)
		fuzzOutcome(t, err, succeeded && status < 300)
		if err != nil {
			mustBeSafe(t, err.Error(), fuzzIntegration)
		}
		_, err = client().deleteServices(ctx, "a", nil)
		fuzzOutcome(t, err, succeeded && status < 300)
	})
}

// patient is a context with a deadline that only the client's clock meets.
type patient struct{ context.Context }

func (patient) Done() <-chan struct{} { return nil }

func (patient) Err() error { return nil }

func fuzzOutcome(t *testing.T, err error, mayBeSuccess bool) {
	t.Helper()
	if err == nil {
		if !mayBeSuccess {
			t.Error("success")
		}
		return
	}
	mustBeSafe(t, err.Error(), fuzzToken)
	if api, ok := errors.AsType[*APIError](err); ok {
		_ = api.HasCode("7003")
	}
}

// Whatever the headers of the rate limit say, a wait is within bounds, and an
// operation never outlasts its deadline for it.
func FuzzRateLimit(f *testing.F) {
	for _, limit := range []string{`"default";r=50;t=30`, `"default";r=0;t=300`, `"a";r=1;t=2, "b";r=0;t=9`, `"default";r=-1;t=-1`, `"default";r=999999999999999;t=999999999999999`, `default;r=1`, `"x";r=1.5;t="3"`, "\x00", ""} {
		for _, after := range []string{"0", "1", "300", "-1", "9223372036854775807", "99999999999999999999", "1.5", "Mon, 23 Nov 2026 10:00:00 GMT", "Mon, 01 Jan 9999 00:00:00 GMT", "soon", ""} {
			f.Add(limit, `"default";q=1200;w=300`, after, 429)
		}
		f.Add(limit, `"default";q=0`, "", 200)
		f.Add(limit, `"default";q=999999999999999;w=0`, "", 503)
	}
	f.Fuzz(func(t *testing.T, limit, policy, after string, status int) {
		if status < 200 || status > 999 {
			return // net/http lets no such status through.
		}
		header := http.Header{"Ratelimit": {limit}, "Ratelimit-Policy": {policy, policy}, "Retry-After": {after}}
		start := time.Unix(1e9, 0)
		if wait := limitWait(header, start); wait < limitWaitMin || wait > retryAfterMax {
			t.Errorf("waits %s after a 429", wait)
		}
		if left, reset, _ := parseRateLimit(header); left < 0 || reset < 0 || reset > retryAfterMax {
			t.Errorf("rate limit of %d, reset in %s", left, reset)
		}

		clock := &leapClock{now: start}
		gate := newGate(clock)
		for range 20 {
			before := clock.now
			f, _, err := gate.enter(t.Context(), &request{})
			if err != nil {
				t.Fatal(err)
			}
			if wait := clock.now.Sub(before); wait < 0 || wait > retryAfterMax {
				t.Fatalf("a request waited %s", wait)
			}
			gate.leave(f, &response{status: status, header: header})
		}

		const left = 10 * time.Minute
		clock = &leapClock{now: start}
		client, _ := fuzzClient(t, clock, status, header, nil)
		ctx, cancel := context.WithDeadline(t.Context(), start.Add(left))
		defer cancel()
		for range 3 {
			if _, err := client.createToken(patient{Context: ctx}, "a"); err != nil {
				mustBeSafe(t, err.Error())
			}
		}
		if took := clock.now.Sub(start); took > left {
			t.Errorf("took %s where there were %s", took, left)
		}
	})
}

// A secret never survives, wherever it is in a text, in any case, with
// dashes or without, and escaped as in a URL.
func FuzzRedact(f *testing.F) {
	for _, secret := range []string{fuzzToken, fuzzIntegration, "k3y/with+odd%chars=and&more", "pässwörd-ſK", "--------", "a-b-c-d-e-f-"} {
		for form := range uint8(12) {
			f.Add(secret, "before ", " after", form, uint8(3))
		}
		f.Add(secret, strings.Repeat("x", 8000-len(secret)/2), secret, uint8(0), uint8(1))
		f.Add(secret, strings.Repeat(secret+",", 40), "", uint8(0), uint8(1))
		f.Add(secret, "https://example.com/", "?"+secret, uint8(5), uint8(0))
	}
	f.Add(strings.Repeat("long.", 25), "", "", uint8(0), uint8(45))
	f.Fuzz(func(t *testing.T, secret, before, after string, form, times uint8) {
		if ValidateIntegrationToken(secret) != nil || len(strings.ReplaceAll(secret, "-", "")) < 8 || !utf8.ValidString(secret) {
			return // No secret.
		}
		written := variant(secret, form)
		for _, text := range []string{before, after, masked} {
			for _, half := range append(halves(secret), halves(written)...) {
				if strings.Contains(bare(text), bare(half)) {
					return // A part of the secret is in the text anyway.
				}
			}
		}
		text := before + strings.Repeat(written+" ", int(times%50)) + written + after
		m := masker{}.with(fuzzToken, secret)
		for _, limit := range []int{64, 100, maxExcerpt, maxMessage} {
			mustBeSafe(t, safeText(text, limit, m), append(halves(written), secret)...)
		}
		failed := newTransportError(TransportError{Err: &url.Error{Op: "Get", URL: "https://example.com/" + written, Err: errors.New(text)}}, m)
		mustBeSafe(t, failed.Error(), secret, written)
	})
}

// variant is a way in which something outside may write a secret down.
func variant(secret string, form uint8) string {
	undashed := strings.ReplaceAll(secret, "-", "")
	every := func(n int, sep string) string {
		var b strings.Builder
		for i, r := range []rune(undashed) {
			if i > 0 && i%n == 0 {
				b.WriteString(sep)
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	switch form % 12 {
	case 1:
		return undashed
	case 2:
		return every(4, "-")
	case 3:
		return strings.Map(unicode.SimpleFold, secret)
	case 4:
		return strings.Map(caseless, undashed)
	case 5:
		return url.PathEscape(secret)
	case 6:
		return url.QueryEscape(secret)
	case 7:
		return strings.ToLower(url.QueryEscape(secret))
	case 8:
		return every(1, "-")
	case 9:
		return url.PathEscape(every(3, "-"))
	case 10:
		return strings.ReplaceAll(secret, "-", "%2D")
	case 11:
		return strings.ReplaceAll(secret, "-", "%2d")
	default:
		return secret
	}
}

// halves are the first and the last half of a secret, each of which is too much.
func halves(s string) []string {
	runes := []rune(s)
	return []string{string(runes[:len(runes)/2+1]), string(runes[len(runes)/2:])}
}

// What is printable drives no terminal and keeps to its limit.
func FuzzEscapeTerminal(f *testing.F) {
	for _, s := range []string{"plain", "a\x1b[31mred\x1b]0;title\x07", "  a \r\n\t b  ", "\u202e\u200b\u2066\ufeff\u00ad", "\x00\x7f\u009b\u2028", "\xff\xfe", "Überlauf 🚨", strings.Repeat("é", 600)} {
		f.Add(s, 5)
		f.Add(s, 500)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 10_000 {
			return // Nobody asks for such a limit.
		}
		got := EscapeTerminal(s, limit)
		mustBeSafe(t, got[:min(len(got), 100_000-utf8.UTFMax)])
		if strings.ContainsAny(got, "\n\r\t") || strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
			t.Errorf("white space in %q", got)
		}
		// A character that is escaped takes up to ten, and each may have a space.
		if n := utf8.RuneCountInString(got); n > 11*limit+1 {
			t.Errorf("%d characters where %d are allowed", n, limit)
		}
		if utf8.RuneCountInString(s) <= limit && strings.Contains(got, "…") && !strings.Contains(s, "…") {
			t.Errorf("%q was cut", s)
		}
	})
}

// A base URL that is accepted goes nowhere else, and never sends credentials in
// the clear over a network.
func FuzzParseBaseURL(f *testing.F) {
	for _, s := range []string{
		DefaultBaseURL, "https://[2001:db8::1]:8443/v4/", "http://localhost:8080/client/v4", "http://127.0.0.1", "http://[::1]", "http://[::ffff:127.0.0.1]",
		"http://example.com", "http://127.0.0.1.example.com", "http://127.1", "http://0x7f000001", "http://localhost.", "http://[::1%25eth0]", "https://user:pw@example.com",
		"https://@example.com", "https://example.com?", "https://example.com#a", "https:example.com", "//example.com", "https://:443", "https://exa\nmple.com", "https://example.com/%2e%2e/..//;",
		"http://localhost\\@example.com", "http://example.com:80@localhost", "https://例え.jp", "http://loCAlhost:", "0000000000com/client/", "HTTPS://EXAMPLE.COM", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseBaseURL(s)
		if err != nil {
			mustBeSafe(t, err.Error())
			if len(s) > 20 && strings.Contains(strings.ReplaceAll(err.Error(), DefaultBaseURL, ""), s[len(s)/2:]) {
				t.Errorf("error %q quotes its input", err)
			}
			return
		}
		host := strings.ToLower(u.Hostname())
		loopback := host == "localhost" || strings.HasPrefix(host, "127.") && strings.Count(host, ".") == 3 || strings.Trim(host, "0:") == "1" || strings.HasPrefix(host, "::ffff:")
		if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
			t.Errorf("%q is accepted", s)
		}
		if u.User != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
			t.Errorf("%q has more than a host and a path: %#v", s, u)
		}
		const path = "/accounts/a/alerting/v3/destinations/pagerduty"
		client, err := New(Config{BaseURL: s, Credentials: Credentials{APIToken: fuzzToken}, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme != u.Scheme || r.URL.Hostname() != u.Hostname() || r.URL.Port() != u.Port() || r.URL.User != nil || r.URL.RawQuery != "" || !strings.HasSuffix(r.URL.EscapedPath(), path) {
				t.Errorf("%q goes to %q", s, r.URL)
			}
			return nil, io.EOF
		})})
		if err != nil {
			t.Fatalf("%q is accepted by ParseBaseURL, not by New: %v", s, err)
		}
		if _, err := client.CheckServices(t.Context(), "a"); !errors.Is(err, io.EOF) {
			t.Errorf("no request to %q: %v", s, err)
		}
	})
}
