// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

const (
	// Limits on what is shown of a response, in runes and in entries.
	maxMessage  = 500
	maxExcerpt  = 200
	maxDetails  = 10
	maxMessages = 3
	// maxErrorsSize bounds how far the errors in a response are read, in bytes.
	maxErrorsSize = 64 << 10
)

// response is an HTTP response, read whole. It is never changed, so that callers
// can share one.
type response struct {
	req      *request
	status   int
	header   http.Header
	body     []byte
	envelope *envelope // nil where the body is not the API's
	masker   masker
}

func newResponse(req *request, status int, header http.Header, body []byte, m masker) *response {
	r := &response{req: req, status: status, header: header, body: body, masker: m}
	var e envelope
	redirect := status >= 300 && status < 400
	if !redirect && lenient(body, &e) == nil && (e.Success != nil || e.Errors != nil) {
		r.envelope = &e
	}
	if req.returnsSecret {
		// Whatever else the response says is not to tell the token either.
		var token identified
		if r.decode(&token) == nil && len(token.ID) <= maxTokenLength {
			r.masker = m.with(token.ID)
		}
	}
	return r
}

// rawJSON is a part of a response, without a copy.
type rawJSON []byte

// UnmarshalJSON may keep data: it is a part of a response, which never changes.
func (r *rawJSON) UnmarshalJSON(data []byte) error {
	*r = data
	return nil
}

// isEmpty reports whether there is nothing in it: it is missing, null, or a list or
// an object without entries.
func (r rawJSON) isEmpty() bool {
	switch {
	case len(r) == 0 || string(r) == "null":
		return true
	case r[0] == '[' || r[0] == '{':
		return len(bytes.TrimSpace(r[1:len(r)-1])) == 0
	default:
		return false
	}
}

// envelope is what every response of the API is wrapped in.
type envelope struct {
	Success    *bool   `json:"success"`
	Result     rawJSON `json:"result"`
	Errors     rawJSON `json:"errors"`
	Messages   rawJSON `json:"messages"`
	ResultInfo struct {
		TotalCount scalar `json:"total_count"`
		TotalPages scalar `json:"total_pages"`
	} `json:"result_info"`
}

// scalar is the text of a value that is a text or a number, and empty for any
// other.
type scalar string

// UnmarshalJSON never fails, so that a value of another type hides nothing else.
func (s *scalar) UnmarshalJSON(data []byte) error {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(data, &text) == nil:
		*s = scalar(text)
	case json.Unmarshal(data, &number) == nil:
		*s = scalar(number)
	}
	return nil
}

// above reports whether it is a number above n.
func (s scalar) above(n int) bool {
	number, err := strconv.ParseFloat(string(s), 64)
	return err == nil && number > float64(n)
}

// lenient decodes what has the type that v asks for, and leaves out the rest.
func lenient(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if _, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // The library returns it as it is.
		return nil
	}
	return err
}

// check returns nil for a success. Anything in the errors makes it none: it would
// prove nothing.
func (r *response) check() error {
	e := r.envelope
	if e == nil {
		return r.foreign()
	}
	expected := r.status >= 200 && r.status < 300
	if r.req.status != 0 {
		expected = r.status == r.req.status
	}
	if expected && e.Success != nil && *e.Success && e.Errors.isEmpty() {
		return nil
	}
	failure := r.failure("")
	failure.Errors = r.details(e.Errors)
	if e.Errors.isEmpty() && (!r.req.returnsSecret || !expected) {
		failure.Errors = r.details(e.Messages)
	}
	switch {
	case len(failure.Errors) > 0:
	case !e.Errors.isEmpty():
		failure.Problem = "the errors in the response can't be read"
	case !expected:
		failure.Problem = "the response gives no reason"
	case e.Success == nil:
		failure.Problem = "the response does not say whether the request succeeded"
	default:
		failure.Problem = "the response says that the request did not succeed, and gives no reason"
	}
	return failure
}

// decode reads the result into v. One that is null or missing leaves v as it is.
func (r *response) decode(v any) error {
	if r.envelope == nil || r.envelope.Result == nil {
		return nil
	}
	if json.Unmarshal(r.envelope.Result, v) != nil {
		return r.malformed(errUnexpectedResult)
	}
	return nil
}

// What a list may hold, in entries and in bytes: far more than anybody has, and
// little enough to be kept in memory in all the forms that Terraform needs.
const (
	maxListEntries = 10_000
	maxListSize    = 2 << 20
)

var (
	errUnexpectedResult = errors.New("the result is not what this request returns")
	errNoResult         = errors.New("the response has no result, so it proves nothing")
	errListTooLarge     = fmt.Errorf("there are more than %d entries, or more than %d MiB of them", maxListEntries, maxListSize>>20)
	errListIncomplete   = errors.New("the list announces more than it holds")
)

// eachEntry reads the result of a success as a list, entry by entry. A list may be
// null, or an object that is its only entry. One that is missing, or holds less than
// it announces, is an error: what is not seen is not known.
func (r *response) eachEntry(read func(rawJSON) error) error {
	result, info := r.envelope.Result, r.envelope.ResultInfo
	if string(result) == "null" {
		result = rawJSON("[]")
	}
	entries := json.NewDecoder(bytes.NewReader(result))
	switch {
	case result == nil:
		return r.malformed(errNoResult)
	case len(result) > maxListSize:
		return r.malformed(errListTooLarge)
	case result[0] == '[':
		_, _ = entries.Token()
	case result[0] != '{':
		return r.malformed(errUnexpectedResult)
	}
	n := 0
	for ; entries.More(); n++ {
		var entry rawJSON
		if n == maxListEntries {
			return r.malformed(errListTooLarge)
		}
		if err := entries.Decode(&entry); err != nil {
			return r.malformed(errUnexpectedResult)
		}
		if err := read(entry); err != nil {
			return r.malformed(err)
		}
	}
	if info.TotalCount.above(n) || info.TotalPages.above(1) {
		return r.malformed(errListIncomplete)
	}
	return nil
}

// messages are those of a success, once each, safe to show.
func (r *response) messages() []string {
	var messages []string
	for _, detail := range r.details(r.envelope.Messages) {
		if detail.Message != "" && !slices.Contains(messages, detail.Message) && len(messages) < maxMessages {
			messages = append(messages, detail.Message)
		}
	}
	return messages
}

// details reads the first of the API's errors or messages, in every shape that it
// has them in. A part that has another shape is left out rather than hiding the
// rest.
func (r *response) details(raw rawJSON) []ErrorDetail {
	left := maxDetails
	return r.readDetails(raw, &left)
}

func (r *response) readDetails(raw rawJSON, left *int) []ErrorDetail {
	var details []ErrorDetail
	entries := json.NewDecoder(bytes.NewReader(raw[:min(len(raw), maxErrorsSize)]))
	if bytes.HasPrefix(raw, []byte("[")) {
		_, _ = entries.Token()
	}
	for *left > 0 && entries.More() {
		var entry rawJSON
		if entries.Decode(&entry) != nil {
			break
		}
		if detail := r.readDetail(entry, left); detail.Code != "" || detail.Message != "" || len(detail.Chain) > 0 {
			details = append(details, detail)
		}
	}
	return details
}

func (r *response) readDetail(entry rawJSON, left *int) ErrorDetail {
	var text scalar
	var fields struct {
		Code             scalar `json:"code"`
		Message          scalar `json:"message"`
		DocumentationURL scalar `json:"documentation_url"`
		Source           struct {
			Pointer scalar `json:"pointer"`
		} `json:"source"`
		Chain rawJSON `json:"error_chain"`
	}
	switch {
	case bytes.HasPrefix(entry, []byte(`"`)):
		_ = text.UnmarshalJSON(entry)
		*left--
		return ErrorDetail{Message: r.safe(text)}
	case bytes.HasPrefix(entry, []byte("{")) && lenient(entry, &fields) == nil:
		*left--
		return ErrorDetail{
			Code: r.safe(fields.Code), Message: r.safe(fields.Message), Pointer: r.safe(fields.Source.Pointer),
			DocumentationURL: r.safe(fields.DocumentationURL), Chain: r.readDetails(fields.Chain, left),
		}
	default:
		return ErrorDetail{}
	}
}

func (r *response) safe(s scalar) string { return safeText(string(s), maxMessage, r.masker) }

// ray is Cloudflare's ID of the request.
func (r *response) ray() string { return safeText(r.header.Get("CF-Ray"), 64, r.masker) }

func (r *response) failure(problem string) *APIError {
	return &APIError{Request: r.req.Request, StatusCode: r.status, Ray: r.ray(), Problem: problem}
}

// malformed is a success that can't be one.
func (r *response) malformed(problem error) *APIError {
	failure := r.failure(problem.Error())
	if excerpt := r.excerpt(); excerpt != "" {
		failure.Problem += "; it begins: " + excerpt
	}
	return failure
}

// foreign is a response that is not the API's.
func (r *response) foreign() *APIError {
	failure := r.failure("the provider does not follow redirects, because they could send the credentials to another server")
	if r.status < 300 || r.status >= 400 {
		contentType := safeText(r.header.Get("Content-Type"), 100, r.masker)
		if contentType == "" {
			contentType = "no content type"
		}
		failure = r.malformed(fmt.Errorf("the response is not JSON from the Cloudflare API (%s, %d bytes)", contentType, len(r.body)))
	}
	failure.NotAPI = true
	return failure
}

// excerpt is the beginning of the body, unless it may hold a fresh secret.
func (r *response) excerpt() string {
	if r.req.returnsSecret {
		return ""
	}
	return safeText(r.body, maxExcerpt, r.masker)
}
