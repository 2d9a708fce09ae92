// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// APIError is a response of the API that is not a success. All text in it is safe
// to show: secrets are masked and what could drive a terminal is escaped.
type APIError struct {
	Request
	StatusCode int
	Ray        string // Cloudflare's ID of the request
	// Errors are the API's own words: its errors, or its messages where it gives
	// none; empty when there are neither.
	Errors []ErrorDetail
	// Problem says what is wrong with the response where the API itself does not.
	Problem string
}

// ErrorDetail is one entry of the errors in a response of the API.
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
	b.WriteString(e.line() + " returned " + statusLine(e.StatusCode, e.Ray))
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

// HasCode reports whether the API gave this error code, in a chain too.
func (e *APIError) HasCode(code string) bool { return hasCode(e.Errors, code) }

func hasCode(details []ErrorDetail, code string) bool {
	return slices.ContainsFunc(details, func(d ErrorDetail) bool { return d.Code == code || hasCode(d.Chain, code) })
}

// ForeignError is a response that is not the API's: a redirect, or a web page of
// something on the way to it, such as a firewall. All text in it is safe to show.
type ForeignError struct {
	Request
	StatusCode  int
	Ray         string // Cloudflare's ID of the request, if it went through Cloudflare
	Problem     string // what is wrong, unless it is that the response is not the API's JSON
	ContentType string
	Size        int    // of the body, in bytes
	Excerpt     string // the beginning of the body, unless it may hold a secret
}

// Error says what kind of response it was, and how it begins.
func (e *ForeignError) Error() string {
	text := e.line() + " returned " + statusLine(e.StatusCode, e.Ray) + ": "
	if e.Problem != "" {
		return text + e.Problem
	}
	contentType := e.ContentType
	if contentType == "" {
		contentType = "no content type"
	}
	text += fmt.Sprintf("the response is not the JSON of the Cloudflare API (%s, %d bytes)", contentType, e.Size)
	if e.Excerpt != "" {
		text += "; it begins: " + e.Excerpt
	}
	return text
}

func statusLine(code int, ray string) string {
	line := strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
	if ray != "" {
		line += fmt.Sprintf(" (CF-Ray %s)", ray)
	}
	return line
}

// TransportError is a request that got no response, for a reason on this machine
// or the network. Its text holds no URL: the path of a link is a secret.
type TransportError struct {
	Request
	Err    error
	Unsent bool // the request surely never left

	text string
}

// Error names the request and what happened to it.
func (e *TransportError) Error() string { return e.line() + ": " + e.text }

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// CertificateError is a request that was not sent because the server's certificate
// could not be verified.
type CertificateError struct {
	Request
	Err *tls.CertificateVerificationError

	text string
}

// Error names the request and what is wrong with the certificate.
func (e *CertificateError) Error() string { return e.line() + ": " + e.text }

// Unwrap returns what the verification said.
func (e *CertificateError) Unwrap() error { return e.Err }

// EndedError is a request that ended with its operation: by an interrupt, or
// because the operation's time was up.
type EndedError struct {
	Request       // the zero value where none was under way
	Err     error // the context's
	Before  error // what had failed until then; may be nil
	Unsent  bool  // the request surely never left
}

// Interrupted reports whether it was an interrupt, rather than the time.
func (e *EndedError) Interrupted() bool { return errors.Is(e.Err, context.Canceled) }

// Error says which of the two it was, and what had failed until then.
func (e *EndedError) Error() string {
	text := "the time for this operation is up"
	if e.Interrupted() {
		text = "the operation was interrupted"
	}
	if e.Method != "" {
		text = e.line() + ": " + text
	}
	if e.Before != nil {
		text += "\nBefore that, " + e.Before.Error()
	}
	return text
}

// Unwrap returns the context's error, and what had failed.
func (e *EndedError) Unwrap() []error {
	if e.Before == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Before}
}

// after returns the error with what had failed before.
func (e *EndedError) after(failure error) *EndedError {
	return &EndedError{Request: e.Request, Err: e.Err, Before: failure, Unsent: e.Unsent}
}

// RateLimitedError is a request that would have to wait for the rate limit for
// longer than the operation has left.
type RateLimitedError struct {
	Request
	Wait time.Duration // until requests are possible again
	Err  error         // what was wrong with the attempt before; may be nil
}

// Error says how long to wait.
func (e *RateLimitedError) Error() string {
	text := fmt.Sprintf("unable to %s: the rate limit of the Cloudflare API is reached; retry in %s", e.Op, e.Wait.Round(time.Second))
	if e.Err != nil {
		text += "\n" + e.Err.Error()
	}
	return text
}

// Unwrap returns what was wrong before.
func (e *RateLimitedError) Unwrap() error { return e.Err }

// IsOutcomeUnknown reports of an error whether the request may have had its effect
// all the same: the connection was lost, the time was up, or the response says
// nothing certain. A refusal (4XX) is certain, and so is a request that never left.
func IsOutcomeUnknown(err error) bool {
	if errors.As(err, new(*RateLimitedError)) {
		return false
	}
	if ended, ok := errors.AsType[*EndedError](err); ok {
		return !ended.Unsent
	}
	if transport, ok := errors.AsType[*TransportError](err); ok {
		return !transport.Unsent
	}
	status := statusOf(err)
	return status != 0 && (status < 400 || status >= 500 || status == http.StatusRequestTimeout)
}

// statusOf returns the status of the response that an error is about; 0 for none.
func statusOf(err error) int {
	if api, ok := errors.AsType[*APIError](err); ok {
		return api.StatusCode
	}
	if foreign, ok := errors.AsType[*ForeignError](err); ok {
		return foreign.StatusCode
	}
	return 0
}

// AccountIDError is a text that can't be the ID of an account.
type AccountIDError struct{ Value string }

func (e *AccountIDError) Error() string { return "is not an account ID" }

// AlreadyConnectedError is an account that has services before it was linked,
// and may not be taken over.
type AlreadyConnectedError struct{ Services []Service }

func (e *AlreadyConnectedError) Error() string {
	return "the account is already connected to PagerDuty, with " + ServiceNames(e.Services)
}

// NoServicesError is a link that succeeded without a service being listed in the
// time there was.
type NoServicesError struct {
	Waited time.Duration
	Err    error // why waiting ended, or the last poll failed; may be nil
}

func (e *NoServicesError) Error() string {
	return withCause(fmt.Sprintf("PagerDuty is linked with the account, but no service was listed within %s", e.Waited.Round(time.Second)), e.Err)
}

// Unwrap returns why waiting ended.
func (e *NoServicesError) Unwrap() error { return e.Err }

// LinkUnsettledError is a link whose outcome is unknown and whose effect could not
// be seen either.
type LinkUnsettledError struct {
	Err     error // what became of the link's response
	PollErr error // why the last poll for services failed; nil when it showed none
}

func (e *LinkUnsettledError) Error() string {
	return withCause("it is not known whether PagerDuty was linked with the account, and no service is listed: "+e.Err.Error(), e.PollErr)
}

// Unwrap returns what became of the link's response.
func (e *LinkUnsettledError) Unwrap() error { return e.Err }

// UnplannedServicesError is a disconnection that would take services along that
// nobody approved. Nothing was disconnected.
type UnplannedServicesError struct{ Services []Service }

func (e *UnplannedServicesError) Error() string {
	return "disconnecting would also disconnect what the plan did not show: " + ServiceNames(e.Services)
}

// StillListedError is a disconnection that the API accepted and that could not be
// seen to have happened.
type StillListedError struct {
	Services []Service // what the last list showed
	Err      error     // why polling ended or failed; may be nil
}

func (e *StillListedError) Error() string {
	text := "the services should be gone, but that could not be confirmed"
	if len(e.Services) > 0 {
		text = "the services were to be disconnected, but the API still lists " + ServiceNames(e.Services)
	}
	return withCause(text, e.Err)
}

// Unwrap returns why polling ended.
func (e *StillListedError) Unwrap() error { return e.Err }

func withCause(text string, cause error) string {
	if cause != nil {
		text += "\nLast, " + cause.Error()
	}
	return text
}

// NoSuchServiceError is a lookup that no service matches.
type NoSuchServiceError struct {
	Wanted  string    // the name or ID that was looked for
	Closest []Service // the most similar ones, the closest first; none where the account has none
}

func (e *NoSuchServiceError) Error() string {
	text := "there is no PagerDuty service " + quoted(e.Wanted)
	if len(e.Closest) == 0 {
		return text + ", nor any other"
	}
	return text + "; closest are " + ServiceNames(e.Closest)
}

// AmbiguousServiceError is a lookup that several services match.
type AmbiguousServiceError struct {
	Wanted   string // the name or ID that was looked for
	Services []Service
}

func (e *AmbiguousServiceError) Error() string {
	return fmt.Sprintf("several PagerDuty services match %s: %s", quoted(e.Wanted), ServiceNames(e.Services))
}

// ServiceNames renders services for a message: each name with its ID, safe for a
// terminal.
func ServiceNames(services []Service) string {
	names := make([]string, len(services))
	for i, service := range services {
		names[i] = fmt.Sprintf("%s (ID %s)", quoted(service.Name), EscapeTerminal(service.ID, maxMessage))
	}
	return strings.Join(names, ", ")
}

// quoted is a name in quotes, in which whatever does not show as itself is
// escaped: a name that differs in white space alone looks different.
func quoted(name string) string {
	shown := 0
	for i := range name {
		if shown++; shown > maxMessage {
			name = name[:i] + "…"
			break
		}
	}
	return strconv.Quote(name)
}
