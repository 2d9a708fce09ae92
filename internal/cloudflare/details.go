// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"encoding/json"
)

const (
	// maxEntries bounds how many errors are looked at for those to show.
	maxEntries = 1000
	// maxErrorsSize bounds how far they are read, in bytes.
	maxErrorsSize = 1 << 20
)

// view is a part of an answer as it stands there, without a copy.
type view []byte

// UnmarshalJSON may keep data: it is a part of an answer, which never changes.
func (v *view) UnmarshalJSON(data []byte) error {
	*v = data
	return nil
}

// readDetails reads the first of the API's errors, in every shape that the API has
// them in. A part that has another shape is left out rather than hiding the rest.
// It goes from token to token, so that what is nested costs no more than what is
// not.
func readDetails(errors view) []ErrorDetail {
	errors = errors[:min(len(errors), maxErrorsSize)]
	r := detailReader{tokens: json.NewDecoder(bytes.NewReader(errors)), details: maxDetails, entries: maxEntries}
	r.tokens.UseNumber()
	if r.next() != json.Delim('[') {
		return nil
	}
	return r.list()
}

type detailReader struct {
	tokens  *json.Decoder
	details int // that may still be read
	entries int // that may still be looked at
	done    bool
}

// next is the next token; nil for null and at the end.
func (r *detailReader) next() json.Token {
	token, err := r.tokens.Token()
	if err != nil {
		r.done = true
	}
	return token
}

// more tells whether the list or the object that is being read goes on. Otherwise
// it reads its end.
func (r *detailReader) more() bool {
	if !r.done && r.tokens.More() {
		return true
	}
	if !r.done {
		r.next()
	}
	return false
}

// list reads a list of errors, after its beginning.
func (r *detailReader) list() []ErrorDetail {
	var details []ErrorDetail
	for r.more() {
		if r.entries--; r.entries < 0 || r.details == 0 {
			r.done = true
			break
		}
		var detail ErrorDetail
		switch token := r.next().(type) {
		case string:
			r.details--
			detail.Message = token
		case json.Delim:
			if token == '{' {
				r.details--
				detail = r.object()
			} else {
				r.text(token)
			}
		}
		if detail.Code != "" || detail.Message != "" || len(detail.Chain) > 0 {
			details = append(details, detail)
		}
	}
	return details
}

// object reads an error, after its beginning.
func (r *detailReader) object() (detail ErrorDetail) {
	for r.more() {
		key, value := r.next(), r.next()
		switch {
		case key == "code":
			detail.Code = r.text(value)
		case key == "message":
			detail.Message = r.text(value)
		case key == "documentation_url":
			detail.DocumentationURL = r.text(value)
		case key == "error_chain" && value == json.Delim('['):
			detail.Chain = r.list()
		case key == "source" && value == json.Delim('{'):
			for r.more() {
				if key, value := r.next(), r.next(); key == "pointer" {
					detail.Pointer = r.text(value)
				} else {
					r.text(value)
				}
			}
		default:
			r.text(value)
		}
	}
	return detail
}

// text is the text of a value that begins with this token. A list or an object has
// none, and is skipped.
func (r *detailReader) text(token json.Token) string {
	switch token := token.(type) {
	case string:
		return token
	case json.Number:
		return token.String()
	case json.Delim:
		for depth := 1; depth > 0 && !r.done; {
			switch r.next() {
			case json.Delim('['), json.Delim('{'):
				depth++
			case json.Delim(']'), json.Delim('}'):
				depth--
			}
		}
	}
	return ""
}
