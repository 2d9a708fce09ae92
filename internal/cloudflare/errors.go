// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// Bounds on what an error shows of an answer, in runes and in entries.
	maxMessage = 500
	maxExcerpt = 200
	maxDetails = 10
	// cutFactor is how many bytes, white space folded, are looked at for a rune
	// that is shown.
	cutFactor = 16
	// longestSecret is more than a secret takes, escaped as it may be, in bytes.
	longestSecret = 2048
)

// APIError is an answer of the API that is not a success, or not an answer of
// the API at all. All text in it is safe to show: secrets are masked and
// characters that could drive a terminal are escaped.
type APIError struct {
	Call       string // completes "Unable to …"
	Method     string
	Path       string // below the base URL, an integration token masked
	StatusCode int
	Ray        string // Cloudflare's ID of the request
	// Errors are the API's own words, empty when there are none.
	Errors []ErrorDetail
	// Problem says what is wrong with the answer where the API itself does not:
	// that it is not JSON, say, with its content type and an excerpt.
	Problem string
	NotAPI bool
}
func (e *APIError) Mentions(code, word string) bool { return false }


// ErrorDetail is one entry of the errors that the API answers with.
type ErrorDetail struct {
	Code             string
	Message          string
	DocumentationURL string
	Pointer          string        // to the part of the request at fault
	Chain            []ErrorDetail // what led to the error
}

// Error gives everything that is known, a line for each entry.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s answered %s", e.Method, e.Path, strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))))
	if e.Ray != "" {
		fmt.Fprintf(&b, " (CF-Ray %s)", e.Ray)
	}
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	writeDetails(&b, e.Errors, "\n  - ")
	return b.String()
}

func writeDetails(b *strings.Builder, details []ErrorDetail, prefix string) {
	for _, detail := range details {
		b.WriteString(prefix + detail.Message)
		if detail.Code != "" {
			fmt.Fprintf(b, " (code %s)", detail.Code)
		}
		if detail.Pointer != "" {
			fmt.Fprintf(b, " at %s", detail.Pointer)
		}
		if detail.DocumentationURL != "" {
			fmt.Fprintf(b, ", see %s", detail.DocumentationURL)
		}
		writeDetails(b, detail.Chain, strings.Replace(prefix, "\n", "\n  ", 1))
	}
}

// HasCode tells whether the API gave this error code, in a chain too.
func (e *APIError) HasCode(code string) bool { return hasCode(e.Errors, code) }

func hasCode(details []ErrorDetail, code string) bool {
	return slices.ContainsFunc(details, func(d ErrorDetail) bool { return d.Code == code || hasCode(d.Chain, code) })
}

// TransportError is a call that got no answer. Its text holds no URL: the path
// of a link is a secret.
type TransportError struct {
	Call   string // completes "Unable to …"
	Method string
	Path   string // below the base URL, an integration token masked
	Err    error
	Unsent bool // the request surely never arrived

	text string
}

// Error names the request and what happened to it.
func (e *TransportError) Error() string { return e.text }

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *TransportError) Unwrap() error { return e.Err }

// transportError makes a TransportError of err; of one that is, or holds, one
// already, that one.
func (x *exchange) transportError(err error) *TransportError {
	if transport, ok := errors.AsType[*TransportError](err); ok {
		return transport
	}
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	text := safeText(err.Error(), maxMessage, x.redact)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		text = (&endedError{err}).Error()
	}
	return &TransportError{
		Call: x.call.name, Method: x.call.method, Path: x.call.logPath, Err: err,
		Unsent: isConnectionRefused(err),
		text:   fmt.Sprintf("%s %s: %s", x.call.method, x.call.logPath, text),
	}
}

// endedError says in plain words that a context has ended.
type endedError struct{ cause error }

func (e *endedError) Error() string {
	if errors.Is(e.cause, context.Canceled) {
		return "the operation was interrupted"
	}
	return "the time for this operation is up"
}

func (e *endedError) Unwrap() error { return e.cause }

// RateLimitedError is a call that would have to wait for the rate limit for
// longer than the operation has left.
type RateLimitedError struct {
	Call string        // completes "Unable to …"
	Wait time.Duration // until calls are answered again
	Err  error         // the answer that said so, when it was this call's
}

// Error says how long to wait.
func (e *RateLimitedError) Error() string {
	text := fmt.Sprintf("unable to %s: the rate limit of the Cloudflare API is reached; calls are answered again in %s", e.Call, e.Wait.Round(time.Second))
	if e.Err != nil {
		text += "\n" + e.Err.Error()
	}
	return text
}

// Unwrap returns the API's answer, if there was one.
func (e *RateLimitedError) Unwrap() error { return e.Err }

// IsOutcomeOpen tells of an error whether the call may have had its effect all
// the same: the connection was lost, the time was up, or the answer says nothing
// certain. A refusal (4XX) is certain, and so is a request that never arrived.
func IsOutcomeOpen(err error) bool {
	var api *APIError
	var transport *TransportError
	switch {
	case errors.As(err, new(*RateLimitedError)):
		return false
	case errors.As(err, &api):
		return api.StatusCode == http.StatusRequestTimeout || api.StatusCode < 400 || api.StatusCode >= 500
	case errors.As(err, &transport):
		return !transport.Unsent
	default:
		return false
	}
}

func (a *answer) ray() string { return safeText(a.header.Get("CF-Ray"), 64, a.redact) }

// envelope is what every answer is wrapped in, without its result.
type envelope struct {
	Success *bool `json:"success"`
	Errors  view  `json:"errors"`
}

// check returns an *APIError unless the answer is a success.
func (a *answer) check() error {
	if a.status >= 300 && a.status < 400 {
		return a.failure("redirects are not followed, since they would carry the credentials elsewhere")
	}
	var envelope envelope
	if err := json.Unmarshal(a.body, &envelope); err != nil {
		return a.notJSON()
	}
	expected := a.status >= 200 && a.status < 300
	if len(a.call.status) > 0 {
		expected = slices.Contains(a.call.status, a.status)
	}
	if expected && envelope.Success != nil && *envelope.Success {
		return nil
	}
	failure := a.failure("")
	failure.Errors = a.safe(readDetails(envelope.Errors))
	switch {
	case len(failure.Errors) > 0:
	case !expected:
		failure.Problem = "the answer gives no reason"
	case envelope.Success == nil:
		failure.Problem = "the answer does not say whether the call succeeded"
	default:
		failure.Problem = "the answer says that the call did not succeed, and gives no reason"
	}
	return failure
}

// decode reads the result of a success into v. A result that is null or missing
// leaves v as it is.
func (a *answer) decode(v any) error {
	envelope := struct {
		Result any `json:"result"`
	}{v}
	if err := json.Unmarshal(a.body, &envelope); errors.Is(err, errTooManyServices) {
		return a.malformed(err.Error())
	} else if err != nil {
		return a.malformed("the result is not what this call answers with")
	}
	return nil
}

func (a *answer) failure(problem string) *APIError {
	return &APIError{
		Call: a.call.name, Method: a.call.method, Path: a.call.logPath,
		StatusCode: a.status, Ray: a.ray(), Problem: problem,
	}
}

// malformed is a success that can't be one.
func (a *answer) malformed(problem string) *APIError {
	return a.failure(problem + a.excerpt())
}

func (a *answer) notJSON() *APIError {
	contentType := safeText(a.header.Get("Content-Type"), 100, a.redact)
	if contentType == "" {
		contentType = "no content type"
	}
	return a.failure(fmt.Sprintf("the answer is not the JSON of the Cloudflare API (%s, %d bytes)%s", contentType, len(a.body), a.excerpt()))
}

// excerpt is the beginning of the body, unless it may hold a fresh secret.
func (a *answer) excerpt() string {
	text := safeText(a.body, maxExcerpt, a.redact)
	if a.call.answersSecret || text == "" {
		return ""
	}
	return "; it begins: " + text
}

// safe makes the API's own words safe to show.
func (a *answer) safe(details []ErrorDetail) []ErrorDetail {
	var safe []ErrorDetail
	text := func(s string) string { return safeText(s, maxMessage, a.redact) }
	for _, d := range details {
		safe = append(safe, ErrorDetail{
			Code: text(d.Code), Message: text(d.Message), Pointer: text(d.Pointer),
			DocumentationURL: text(d.DocumentationURL), Chain: a.safe(d.Chain),
		})
	}
	return safe
}

// safeText masks secrets in text from outside, escapes what could drive a
// terminal and cuts it to limit runes. Long text is cut beforehand too, since
// masking has its price; what may be the beginning of a secret goes with the rest.
func safeText[T string | []byte](s T, limit int, redact func(string) string) string {
	text, cut := fold(s, cutFactor*limit+longestSecret)
	text = redact(text)
	if cut {
		text = text[:max(strings.LastIndex(text, masked)+len(masked), len(text)-longestSecret)]
	}
	return Printable(text, limit)
}

// fold returns the first bytes of s, of which a run of white space counts as one.
func fold[T string | []byte](s T, most int) (folded string, cut bool) {
	var b []byte
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte(" \t\n\v\f\r", c) >= 0 {
			if len(b) == 0 || b[len(b)-1] == ' ' {
				continue
			}
			c = ' '
		}
		if len(b) == most {
			return string(b), true
		}
		b = append(b, c)
	}
	return string(b), false
}
