// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// Set returns a [Fault.Edit] that sets a member of the response's envelope to a JSON value; "" removes it.
func Set(name, value string) func([]byte) []byte {
	return func(body []byte) []byte { return setMember(body, name, value) }
}

// SetEach returns a [Fault.Edit] that sets a member of each entry of a list to a JSON value; "" removes it.
func SetEach(name, value string) func([]byte) []byte {
	return editResult(func(entries []json.RawMessage) []json.RawMessage {
		for i, entry := range entries {
			entries[i] = setMember(entry, name, value)
		}
		return entries
	})
}

// Append returns a [Fault.Edit] that adds JSON values to a list.
func Append(values ...string) func([]byte) []byte {
	return editResult(func(entries []json.RawMessage) []json.RawMessage {
		for _, value := range values {
			entries = append(entries, json.RawMessage(value))
		}
		return entries
	})
}

// Reshape is a [Fault.Edit] that gives the IDs of a list their [OtherForm].
func Reshape(body []byte) []byte {
	return editResult(func(entries []json.RawMessage) []json.RawMessage {
		for i, entry := range entries {
			entries[i] = reshaped(entry)
		}
		return entries
	})(body)
}

// Twice is a [Fault.Edit] that lists each service a second time, under the [OtherForm] of its ID.
func Twice(body []byte) []byte {
	return editResult(func(entries []json.RawMessage) []json.RawMessage {
		for _, entry := range entries {
			entries = append(entries, reshaped(entry))
		}
		return entries
	})(body)
}

// Alternate returns a [Fault.Edit] that edits every second response, beginning with the first.
func Alternate(edit func([]byte) []byte) func([]byte) []byte {
	var count atomic.Int64
	return func(body []byte) []byte {
		if count.Add(1)%2 == 1 {
			return edit(body)
		}
		return body
	}
}

// OtherForm returns an ID in another form that names the same: dashes and capitals come or go.
func OtherForm(id string) string {
	switch {
	case strings.Contains(id, "-"):
		return strings.ToLower(strings.ReplaceAll(id, "-", ""))
	case len(id) == 32:
		return strings.ToUpper(dashed(id))
	case strings.ToUpper(id) == id:
		return strings.ToLower(id)
	}
	return strings.ToUpper(id)
}

// Failure returns the body of a refusal, for [Fault.Body].
func Failure(code int, text string) string { return string(refuse(0, code, text).body) }

// Messages returns a JSON list of messages, for [Set] of messages or errors.
func Messages(texts ...string) string {
	list := []message{}
	for i, text := range texts {
		list = append(list, message{Code: 1000 + i, Message: text})
	}
	return string(marshal(list))
}

// HTML returns a fault with a page for browsers, as a firewall or a proxy sends it in place of the API's response.
func HTML(status int) Fault {
	return Fault{Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: page}
}

// RetryAfter returns a fault that refuses with this status, such as 429 or 503, and a Retry-After header.
func RetryAfter(status int, after string) Fault {
	return Fault{
		Status: status, Header: http.Header{"Retry-After": {after}},
		Body: Failure(971, "Please wait and consider throttling your request speed"),
	}
}

// LagDelete makes the lists after the account's next DELETE late: each of stale says, list by list, whether it still
// shows what was connected before the DELETE. So (true) is one late list, and (false, true) one that shows the
// services again after an empty one.
func (a *Account) LagDelete(stale ...bool) {
	a.server.Fail(Fault{Op: Delete, Account: a.id, Times: 1, Hook: func() {
		before := string(marshal(a.Services()))
		var lists atomic.Int64
		a.server.Fail(Fault{Op: List, Account: a.id, Times: len(stale), Edit: func(body []byte) []byte {
			if i := int(lists.Add(1)) - 1; i < len(stale) && stale[i] {
				return setMember(body, "result", before)
			}
			return body
		}})
	}})
}

// setMember sets a member of a JSON object, or removes it for ""; what is no object stays as it is.
func setMember(object []byte, name, value string) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil || members == nil {
		return object
	}
	members[name] = json.RawMessage(value)
	if value == "" {
		delete(members, name)
	}
	return marshal(members)
}

// editResult returns an edit of an envelope's list; an envelope without one stays as it is.
func editResult(edit func([]json.RawMessage) []json.RawMessage) func([]byte) []byte {
	return func(body []byte) []byte {
		var list struct{ Result []json.RawMessage }
		if json.Unmarshal(body, &list) != nil || list.Result == nil {
			return body
		}
		return setMember(body, "result", string(marshal(edit(list.Result))))
	}
}

func reshaped(entry json.RawMessage) json.RawMessage {
	var object identified
	if json.Unmarshal(entry, &object) != nil {
		return entry
	}
	return setMember(entry, "id", string(marshal(OtherForm(object.ID))))
}

// dashed puts the dashes of a UUID into 32 digits.
func dashed(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func marshal(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("test data that is no JSON: %w", err))
	}
	return body
}
