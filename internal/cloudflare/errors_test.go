// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func TestErrorTellsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	client, _ := responding(t, 400, http.Header{"Cf-Ray": {"8f1e-AMS"}}, `{
		"success": false, "result": {"id": "x"}, "messages": [],
		"errors": [
			{"code": 1004, "message": "Validation failed", "documentation_url": "https://example.com/1004", "source": {"pointer": "/name"},
				"error_chain": [{"code": "E2", "message": "Name is too long", "error_chain": [{"message": "by 3"}]}]},
			{"code": 9999, "message": "And more"}
		]}`)
	_, err := client.ListServices(t.Context(), "abc")
	equal(t, "error", fmt.Sprint(err), `GET …/pagerduty returned 400 Bad Request (CF-Ray 8f1e-AMS)
  - Validation failed (code 1004) at /name, see https://example.com/1004
    - Name is too long (code E2)
      - by 3
  - And more (code 9999)`)

	api := wants[*cloudflare.APIError](t, err)
	equal(t, "operation", api.Op.String(), "list the PagerDuty services")
	equal(t, "method and path", api.Method+" "+api.Path, "GET /accounts/abc/alerting/v3/destinations/pagerduty")
	for code, want := range map[string]bool{"1004": true, "E2": true, "9999": true, "": true, "7003": false, "100": false} {
		equal(t, "has code "+code, api.HasCode(code), want)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	err := &cloudflare.APIError{Errors: []cloudflare.ErrorDetail{
		{Code: "9109", Message: "Invalid ACCOUNT identifier"},
		{Code: "1", Message: "Outer", Chain: []cloudflare.ErrorDetail{{Code: "2", Message: "Valid zone"}}},
	}}
	for _, test := range []struct {
		code, word string
		want       bool
	}{{code: "9109", word: "account", want: true}, {code: "9109", word: "Account", want: true}, {code: "9109", word: "zone"}, {code: "1", word: "zone"}, {code: "2", word: "zone", want: true}, {code: "2", word: "outer"}, {code: "3", word: "zone"}} {
		equal(t, fmt.Sprintf("mentions %q with %s", test.word, test.code), err.Mentions(test.code, test.word), test.want)
	}
}

// Each error names its operation by what it does, so that an error can start with
// "Unable to".
func TestErrorsNameTheOperation(t *testing.T) {
	t.Parallel()
	names := map[cloudflaretest.Op]string{
		cloudflaretest.List: "list the PagerDuty services", cloudflaretest.Delete: "disconnect the PagerDuty services",
		cloudflaretest.Token: "create an integration token", cloudflaretest.Link: "link PagerDuty with the account",
	}
	refused, _ := responding(t, 403, nil, refusal)
	lost := newClient(t, cloudflare.Config{Credentials: byToken, Transport: transport(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })})
	for op, name := range names {
		equal(t, "operation of a response", wants[*cloudflare.APIError](t, requestsOf(refused, "a")[op](t.Context())).Op.String(), name)
		equal(t, "operation without a response", wants[*cloudflare.TransportError](t, requestsOf(lost, "a")[op](t.Context())).Op.String(), name)
	}
}

func TestErrorsOfOddShapes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	many, deep := `"m"`, `"m"`
	for code := 149; code >= 100; code-- {
		many = fmt.Sprintf(`{"code": %d, "message": "m"}, %s`, code, many)
		deep = fmt.Sprintf(`{"code": %d, "message": "m", "error_chain": [%s]}`, code, deep)
	}
	for name, test := range map[string]struct{ errors, want, without string }{
		"code as text":          {errors: `[{"code": "7003", "message": "m"}]`, want: "m (code 7003)", without: `"`},
		"no code":               {errors: `[{"message": "m"}]`, want: "\n  - m", without: "code"},
		"null code":             {errors: `[{"code": null, "message": "m"}]`, want: "\n  - m", without: "code"},
		"no message":            {errors: `[{"code": 1}]`, want: "(code 1)"},
		"message of a type":     {errors: `[{"code": 1, "message": {"text": "m"}}]`, want: "(code 1)"},
		"a chain alone":         {errors: `[{"error_chain": [{"message": "m"}]}]`, want: "    - m", without: "code"},
		"source of a type":      {errors: `[{"code": 1, "message": "m", "source": "here"}]`, want: "m (code 1)"},
		"chain of a type":       {errors: `[{"code": 1, "message": "m", "error_chain": "none"}]`, want: "m (code 1)"},
		"text":                  {errors: `["plain words"]`, want: "\n  - plain words"},
		"one of them odd":       {errors: `[7, null, {}, [], {"code": 1, "message": "m"}]`, want: "400 Bad Request\n  - m (code 1)"},
		"all of them odd":       {errors: `[7, null, {}, []]`, want: "the errors in the response can't be read", without: "  - "},
		"too long to read":      {errors: `["` + strings.Repeat("x", 1<<16) + `"]`, want: "the errors in the response can't be read", without: "  - "},
		"after a long chain":    {errors: `[{"code": 1, "error_chain": [` + strings.Repeat(`{"code": 2}, `, 40) + `{"code": 3}], "message": "m"}]`, want: "m (code 1)"},
		"empty":                 {errors: `[ ]`, want: "the response gives no reason"},
		"an object":             {errors: `{"code": 1, "message": "m"}`, want: "\n  - m (code 1)"},
		"a text":                {errors: `"m"`, want: "\n  - m"},
		"an empty object":       {errors: `{}`, want: "the response gives no reason"},
		"null":                  {errors: `null`, want: "the response gives no reason"},
		"control characters":    {errors: `[{"code": "\u001b", "message": "a\u001b[2Jb\r\nc\u0000\u202e", "documentation_url": "\u001b", "source": {"pointer": "\u001b"}}]`, want: `a\u001b[2Jb c\u0000\u202e (code \u001b) at \u001b, see \u001b`, without: "\x1b"},
		"long":                  {errors: `[{"code": 1, "message": "` + long + `"}]`, want: strings.Repeat("x", 500) + "… (code 1)", without: strings.Repeat("x", 501)},
		"many":                  {errors: `[` + many + `]`, want: "(code 109)", without: "(code 110)"},
		"many texts":            {errors: `["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11"]`, want: "\n  - a10", without: "a11"},
		"deep":                  {errors: `[` + deep + `]`, want: "(code 109)", without: "(code 110)"},
		"cut between two bytes": {errors: `["x` + strings.Repeat("é", 9000) + `"]`, want: "xé", without: "\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := responding(t, 400, nil, `{"success": false, "errors": `+test.errors+`}`)
			_, err := client.ListServices(t.Context(), "a")
			says(t, err, test.want)
			if test.without != "" && strings.Contains(err.Error(), test.without) {
				t.Errorf("error %q has %q", err, test.without)
			}
		})
	}
}

// What is not JSON is named with its status, its content type and a short excerpt.
func TestNotJSON(t *testing.T) {
	t.Parallel()
	page := "<!DOCTYPE html>\n\n<title>Blocked\x1b</title>" + strings.Repeat("é", 20000)
	client, _ := responding(t, 403, http.Header{"Content-Type": {"text/html; charset=UTF-8"}, "Cf-Ray": {"ray"}}, page)
	for op, send := range requestsOf(client, "a") {
		err := send(t.Context())
		says(t, err, "403 Forbidden (CF-Ray ray)", fmt.Sprintf("not JSON from the Cloudflare API (text/html; charset=UTF-8, %d bytes)", len(page)))
		if op == cloudflaretest.Token {
			mustNotHold(t, err.Error(), "Blocked")
			continue
		}
		_, excerpt, _ := strings.Cut(err.Error(), "; it begins: ")
		equal(t, "beginning of the excerpt", strings.HasPrefix(excerpt, `<!DOCTYPE html> <title>Blocked\u001b</title>é`), true)
		if length := utf8.RuneCountInString(excerpt); length > 210 {
			t.Errorf("the excerpt has %d characters", length)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for _, location := range []string{"", "/elsewhere", "https://example.com/" + someToken, "https://exa mple.com:x/" + someToken} {
			client, requests := responding(t, status, http.Header{"Location": {location}}, "<html>Moved to "+location, retries(2))
			for op, send := range requestsOf(client, "a") {
				*requests = nil
				err := send(t.Context())
				says(t, err, fmt.Sprint(status), "does not follow redirects")
				equal(t, "is the API's", wants[*cloudflare.APIError](t, err).NotAPI, true)
				mustNotHold(t, err.Error(), someToken)
				equal(t, fmt.Sprintf("requests of %s to %q", op, location), len(*requests), 1)
			}
		}
	}
}

// variants are the ways in which something outside may write a secret down.
func variants(secret string) []string {
	undashed := strings.ReplaceAll(secret, "-", "")
	dashed := undashed[:8] + "-" + undashed[8:12] + "-" + undashed[12:]
	return []string{secret, strings.ToUpper(secret), strings.ToLower(secret), undashed, strings.ToUpper(undashed), dashed, url.PathEscape(secret), url.QueryEscape(secret)}
}

// No secret is in an error, wherever the response or the failure has it.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const odd = "k3y/with+odd%chars=and more-of.them$^"
	for name, test := range map[string]struct {
		credentials cloudflare.Credentials
		secret      string
	}{
		"integration token": {credentials: byToken, secret: someToken},
		"API token":         {credentials: byToken, secret: cloudflaretest.APIToken},
		"odd API token":     {credentials: cloudflare.Credentials{APIToken: strings.ReplaceAll(odd, " ", "")}, secret: strings.ReplaceAll(odd, " ", "")},
		"API key":           {credentials: cloudflare.Credentials{APIKey: cloudflaretest.APIKey, Email: cloudflaretest.Email}, secret: cloudflaretest.APIKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range variants(test.secret) {
				quoted, _ := json.Marshal("before " + secret + " after")
				entry := strings.ReplaceAll(`{"code": S, "message": S, "documentation_url": S, "source": {"pointer": S}, "error_chain": [{"message": S}]}`, "S", string(quoted))
				header := http.Header{"Cf-Ray": {secret}, "Content-Type": {secret}, "Location": {"https://example.com/" + secret}}
				texts := map[string]func() (int, string, error){
					"errors":   func() (int, string, error) { return 400, `{"success": false, "errors": [` + entry + `]}`, nil },
					"HTML":     func() (int, string, error) { return 403, "<html>before " + secret + " after", nil },
					"indented": func() (int, string, error) { return 403, strings.Repeat(" ", 3180) + secret + " after", nil },
					"result":   func() (int, string, error) { return 200, `{"success": true, "result": ` + string(quoted) + `}`, nil },
					"redirect": func() (int, string, error) { return 302, "moved to " + secret, nil },
					"URL error": func() (int, string, error) {
						return 0, "", &url.Error{Op: "Get", URL: "https://example.com/" + secret, Err: fmt.Errorf("dial %s: %w", secret, io.ErrUnexpectedEOF)}
					},
					"wrapped URL error": func() (int, string, error) {
						return 0, "", fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: secret, Err: &url.Error{Op: "Get", URL: secret, Err: io.EOF}})
					},
				}
				for text, respond := range texts {
					var reported []cloudflare.Attempt
					client := newClient(t, cloudflare.Config{
						Credentials: test.credentials,
						Observe:     func(_ context.Context, a cloudflare.Attempt) { reported = append(reported, a) },
						Transport: transport(func(r *http.Request) (*http.Response, error) {
							status, body, err := respond()
							if err != nil {
								return nil, err
							}
							return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
						}),
					})
					_, _, err := client.Link(t.Context(), "a", someToken)
					if err == nil {
						t.Fatalf("%s: no error", text)
					}
					says(t, err, "/connect/[redacted]")
					for cause := err; cause != nil; cause = errors.Unwrap(cause) {
						mustNotHold(t, fmt.Sprintf("%s %q %+v", text, cause, cause), test.secret, secret, someToken)
					}
					mustNotHold(t, fmt.Sprintf("%s %+v", text, reported), test.secret, secret, someToken)
					switch text {
					case "errors", "HTML":
						says(t, err, "before [redacted] after")
					case "indented": // Not a part of it, either.
						says(t, err, "begins: [redacted] after")
					}
				}
			}
		})
	}
}

// A connection that drops within a link over the real network: net/http's own
// error holds the URL.
func TestDroppedLinkHoldsNoToken(t *testing.T) {
	t.Parallel()
	b := online(t)
	b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true})
	token, err := b.CreateIntegrationToken(t.Context(), b.account)
	noError(t, err)
	_, _, err = b.Link(t.Context(), b.account, token)
	_ = wants[*cloudflare.TransportError](t, err)
	says(t, err, "GET …/pagerduty/connect/[redacted]: EOF")
	b.mustNotLeak(t, err.Error())
}

func TestTransportErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		text string
	}{
		"URL":     {err: &url.Error{Op: "Get", URL: "u", Err: fmt.Errorf("read: %w", syscall.ECONNRESET)}, text: "read: connection reset by peer"},
		"dropped": {err: io.ErrUnexpectedEOF, text: "unexpected EOF"},
		"control": {err: errors.New("a\x1bb\nc"), text: `a\u001bb c`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, cloudflare.Config{Credentials: byToken, Transport: transport(func(*http.Request) (*http.Response, error) { return nil, test.err })})
			_, err := client.ListServices(t.Context(), "a")
			lost := wants[*cloudflare.TransportError](t, err)
			equal(t, "error", err.Error(), "GET …/pagerduty: "+test.text)
			equal(t, "unsent", lost.Unsent, false)
			equal(t, "method and path", lost.Method+" "+lost.Path, "GET /accounts/a/alerting/v3/destinations/pagerduty")
		})
	}
}

func TestIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{err: nil},
		{err: errors.New("other")},
		{err: context.Canceled},
		{err: &cloudflare.APIError{StatusCode: 200}, want: true},
		{err: &cloudflare.APIError{StatusCode: 302}, want: true},
		{err: &cloudflare.APIError{StatusCode: 400}},
		{err: &cloudflare.APIError{StatusCode: 404}},
		{err: &cloudflare.APIError{StatusCode: 408}, want: true},
		{err: &cloudflare.APIError{StatusCode: 429}},
		{err: &cloudflare.APIError{StatusCode: 499}},
		{err: &cloudflare.APIError{StatusCode: 500}, want: true},
		{err: &cloudflare.APIError{StatusCode: 530}, want: true},
		{err: &cloudflare.TransportError{Err: io.EOF}, want: true},
		{err: &cloudflare.TransportError{Err: io.EOF, Unsent: true}},
		{err: &cloudflare.ProxyError{}},
		{err: &cloudflare.EndedError{Err: context.Canceled}, want: true},
		{err: &cloudflare.EndedError{Err: context.Canceled, Unsent: true}},
		{err: &cloudflare.EndedError{Err: context.Canceled, Unsent: true, Before: &cloudflare.APIError{StatusCode: 500}}},
		{err: &cloudflare.RateLimitedError{Err: &cloudflare.APIError{StatusCode: 500}}},
		{err: fmt.Errorf("wrapped: %w", &cloudflare.APIError{StatusCode: 500}), want: true},
	} {
		equal(t, fmt.Sprintf("IsOutcomeUnknown of %#v", test.err), cloudflare.IsOutcomeUnknown(test.err), test.want)
	}
}

// Every attempt is reported once, with its number in the request.
func TestAttempts(t *testing.T) {
	t.Parallel()
	bubble(t, func(b *bench) {
		t := b.t
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: 503, Header: http.Header{"CF-Ray": {"a-AMS"}}, Stall: time.Second, Times: 1})
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: 429, Header: http.Header{"CF-Ray": {"b-AMS"}, "Retry-After": {"2"}}, Times: 1})
		b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Drop: true, Stall: 2 * time.Second, Times: 1})
		b.server.Fail(cloudflaretest.Fault{Header: http.Header{"CF-Ray": {"c-AMS"}}})
		_, err := b.connect(t.Context())
		noError(t, err)

		path := "/accounts/" + b.account + "/alerting/v3/destinations/pagerduty"
		attempts := b.attempts.list()
		equal(t, "dropped attempt has an error", attempts[2].Err != nil, true)
		says(t, attempts[2].Err, "GET …/pagerduty: connection dropped")
		attempts[2].Err = nil
		list := cloudflare.Request{Op: cloudflare.OpList, Method: "GET", Path: path}
		token := cloudflare.Request{Op: cloudflare.OpToken, Method: "POST", Path: path + "/connect"}
		link := cloudflare.Request{Op: cloudflare.OpLink, Method: "GET", Path: path + "/connect/[redacted]"}
		equal(t, "attempts", attempts, []cloudflare.Attempt{
			{Request: list, Number: 1, Status: 503, Ray: "a-AMS", Duration: time.Second},
			{Request: list, Number: 2, Status: 429, Ray: "b-AMS"},
			{Request: list, Number: 3, Duration: 2 * time.Second},
			{Request: list, Number: 4, Status: 200, Ray: "c-AMS"},
			{Request: token, Number: 1, Status: 201, Ray: "c-AMS"},
			{Request: link, Number: 1, Status: 200, Ray: "c-AMS"},
			{Request: list, Number: 1, Status: 200, Ray: "c-AMS"},
		})
	})
}

// The observer gets the context of its request, by which a log knows its place.
func TestObserverGetsTheContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		var seen []any
		b := offline(t, func(c *cloudflare.Config) {
			c.Observe = func(ctx context.Context, _ cloudflare.Attempt) { seen = append(seen, ctx.Value(key{})) }
		})
		_, err := b.ListServices(context.WithValue(t.Context(), key{}, "mine"), b.account)
		noError(t, err)
		equal(t, "values", seen, []any{"mine"})
	})
}

// The messages of a list go to the log, those of what changes something do not, and
// nor do those of a failure.
func TestMessagesOfLists(t *testing.T) {
	t.Parallel()
	var reported [][]string
	observe := func(c *cloudflare.Config) {
		c.Observe = func(_ context.Context, a cloudflare.Attempt) { reported = append(reported, a.Messages) }
	}
	client, _ := responding(t, 200, nil, `{"success": true, "result": [], "messages": ["Soon\u001b", "Soon\u001b", "`+cloudflaretest.APIToken+`"]}`, observe)
	_, listErr := client.ListServices(t.Context(), "a")
	_, policiesErr := client.CheckPolicies(t.Context(), "a")
	_, deleteErr := client.DeleteServices(t.Context(), "a", nil)
	_, _ = client.CreateIntegrationToken(t.Context(), "a") // It has no token.
	equal(t, "errors", fmt.Sprint(listErr, policiesErr, deleteErr), "<nil> <nil> <nil>")
	said := []string{`Soon\u001b`, "[redacted]"}
	equal(t, "messages", reported, [][]string{said, said, nil, nil})

	reported = nil
	client, _ = responding(t, 400, nil, `{"success": false, "messages": ["Soon"]}`, observe)
	_, err := client.ListServices(t.Context(), "a")
	says(t, err, "Soon")
	equal(t, "messages of a failure", reported, [][]string{nil})
}
