// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// APIError is a response that is not a success of the API. All text in it is safe
// to show: secrets are masked and what could drive a terminal is escaped.
type APIError struct {
	Request
	StatusCode int
	Ray        string // Cloudflare's ID of the request
	// Errors are the API's own words: its errors, or its messages where it has
	// none; empty when there are neither.
	Errors []ErrorDetail
	// Problem says what is wrong with the response where the API itself does not.
	Problem string
	// NotAPI reports that the response is not the API's, but that of something on the
	// way to it, such as a firewall: a redirect, or no JSON of the API's form.
	NotAPI bool
}

// ErrorDetail is one entry of the errors in a response of the API.
type ErrorDetail struct {
	Code             string
	Message          string
	DocumentationURL string
	Pointer          string        // to the part of the request at fault
	Chain            []ErrorDetail // what led to the error
}

// Error returns everything that is known, a line for each entry.
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
func (e *APIError) HasCode(code string) bool {
	return hasDetail(e.Errors, func(d ErrorDetail) bool { return d.Code == code })
}

// Mentions reports whether the API gave this error code, in a chain too, with a
// message that has this word, in any case.
func (e *APIError) Mentions(code, word string) bool {
	return hasDetail(e.Errors, func(d ErrorDetail) bool {
		return d.Code == code && strings.Contains(strings.ToLower(d.Message), strings.ToLower(word))
	})
}

func hasDetail(details []ErrorDetail, matches func(ErrorDetail) bool) bool {
	return slices.ContainsFunc(details, func(d ErrorDetail) bool { return matches(d) || hasDetail(d.Chain, matches) })
}

func statusLine(code int, ray string) string {
	line := strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
	if ray != "" {
		line += fmt.Sprintf(" (CF-Ray %s)", ray)
	}
	return line
}

// TransportError is a request that got no response, for a reason on this machine or
// the network: no connection, a certificate that is not trusted, a connection that
// was lost. Its text holds no URL: the path of a link is a secret.
type TransportError struct {
	Request
	Err    error
	Unsent bool // the request surely never left
	// Malformed reports that something did respond, and that the response can't be
	// read: it is no HTTP, not compressed as it says, or too large.
	Malformed bool

	text string
}

// Error names the request and what happened to it.
func (e *TransportError) Error() string { return e.line() + ": " + e.text }

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// ProxyError is a request that was not sent because the proxy refused to connect.
type ProxyError struct {
	Request
	Address string // of the proxy, without a user name or password
	Status  string // what it returned, such as 407 Proxy Authentication Required
}

// Error names the proxy, and what it returned.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("%s: the proxy %s refused the connection (%s)", e.line(), e.Address, e.Status)
}

// ProxyURLError is a proxy URL in the environment that can't be used. Its text does
// not quote the URL, which may hold a password.
type ProxyURLError struct{}

func (e *ProxyURLError) Error() string {
	return "the proxy URL in the environment variable HTTPS_PROXY can't be used"
}

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
	text := "the operation timed out"
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
	text := fmt.Sprintf("unable to %s: the rate limit of the Cloudflare API is reached; retry in %d seconds", e.Op, int(e.Wait.Round(time.Second).Seconds()))
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

// neverArrived reports of an error whether the request surely never left, or got
// no response other than a 429.
func neverArrived(err error) bool {
	if err == nil || IsOutcomeUnknown(err) {
		return false
	}
	return errors.As(err, new(*RateLimitedError)) || errors.As(err, new(*EndedError)) || statusOf(err) == 0
}

// statusOf returns the status of the response that an error is about; 0 for none.
func statusOf(err error) int {
	if api, ok := errors.AsType[*APIError](err); ok {
		return api.StatusCode
	}
	return 0
}

// AccountIDError is a text that can't be the ID of an account.
type AccountIDError struct {
	Value string // as it was given
	// ID is the account ID that the value holds, if it holds one: with white space
	// around it, in a path, or in the address of the dashboard.
	ID string
}

// Trimmed reports whether the value would be right without the white space around
// it.
func (e *AccountIDError) Trimmed() bool { return e.ID != "" && strings.TrimSpace(e.Value) == e.ID }

func (e *AccountIDError) Error() string { return "is not an account ID" }

// AlreadyConnectedError is an account that has services before it was linked,
// and may not be taken over.
type AlreadyConnectedError struct{ Services []Service }

func (e *AlreadyConnectedError) Error() string {
	return "the account is already connected to PagerDuty, with " + ServiceNames(e.Services)
}

// UnplannedServicesError is a disconnection that would take services along that
// nobody approved.
type UnplannedServicesError struct {
	Services []Service
	// Attempted reports that an earlier attempt, whose outcome is unknown, may have
	// disconnected what was approved. Otherwise nothing was disconnected.
	Attempted bool
}

func (e *UnplannedServicesError) Error() string {
	return "disconnecting would also disconnect what the plan did not show: " + ServiceNames(e.Services)
}

// StillListedError is a disconnection that could not be seen to have happened.
type StillListedError struct {
	Services  []Service // what the last list showed
	DeleteErr error     // what the DELETE returned where it was no success, such as a 404
	PollErr   error     // why polling ended, where services were not just listed
}

func (e *StillListedError) Error() string {
	text := "the services should be gone, but that could not be confirmed"
	if len(e.Services) > 0 {
		text = "the services should be disconnected, but the API still lists " + ServiceNames(e.Services)
	}
	for _, err := range e.Unwrap() {
		text += "\n" + err.Error()
	}
	return text
}

// Unwrap returns what the DELETE returned, and why polling ended.
func (e *StillListedError) Unwrap() []error {
	return slices.DeleteFunc([]error{e.DeleteErr, e.PollErr}, func(err error) bool { return err == nil })
}

// NoSuchServiceError is a lookup that no service matches.
type NoSuchServiceError struct {
	Wanted  string    // the name or ID that was looked for
	Closest []Service // the most similar ones, the closest first; none where the account has none
}

func (e *NoSuchServiceError) Error() string {
	text := "there is no PagerDuty service " + Quote(e.Wanted)
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
	return fmt.Sprintf("several PagerDuty services match %s: %s", Quote(e.Wanted), ServiceNames(e.Services))
}

// maxNames is how many names a message lists before it counts the rest.
const maxNames = 20

// ServiceNames renders services for a message: each name with its ID, safe for a
// terminal, up to twenty.
func ServiceNames(services []Service) string {
	names := make([]string, 0, maxNames)
	for _, service := range services[:min(len(services), maxNames)] {
		names = append(names, fmt.Sprintf("%s (ID %s)", Quote(service.Name), EscapeTerminal(service.ID, maxMessage)))
	}
	text := strings.Join(names, ", ")
	if rest := len(services) - maxNames; rest > 0 {
		text += fmt.Sprintf(", and %d more", rest)
	}
	return text
}

// Quote returns a name in quotes, in which whatever does not show as itself is
// escaped: a name that differs in white space alone looks different.
func Quote(name string) string {
	shown := 0
	for i := range name {
		if shown++; shown > maxMessage {
			name = name[:i] + "…"
			break
		}
	}
	return strconv.Quote(name)
}
