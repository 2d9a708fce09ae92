// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
)

// TruncateAll as a [Fault.Truncate] cuts the response right after its headers.
const TruncateAll = -1

// Fault is something that goes wrong with a request. Its parts may be combined; they come in this
// order: Hook, Stall, Drop or Status or the regular response, Edit, Truncate.
//
// A fault breaks the contract on purpose where a test needs that: what it makes of the response is not checked against
// openapi.yaml. The request is, and so is the regular response that it starts from.
type Fault struct {
	Op      Op     // which request; "" for any that openapi.yaml has
	Account string // the ID of the account; "" for any
	Skip    int    // this many matching requests pass first, on to the faults after this one
	Times   int    // how many requests it acts on; 0 for no end

	// Status, other than 0, Header and Body make a response in place of the regular one, with the content type
	// application/json unless Header has another. Without Status, Header changes the regular response's.
	// A header with no values is left out.
	Status int
	Header http.Header
	Body   string

	// Drop closes the connection without a response.
	Drop bool
	// Truncate sends this many bytes of the body under its full Content-Length, then closes the connection.
	Truncate int
	// Stall waits before the request goes on, or until the client has gone. The request goes on in that
	// case too: a server does not take back what its client no longer waits for.
	Stall time.Duration
	// Edit changes the body, the regular response's or Body. [Set], [SetEach], [Append], [Reshape], [Twice] and
	// [Alternate] are or return such functions.
	Edit func([]byte) []byte
	// After lets the request have its effect before the stall, the drop or the response; without it a dropped or
	// replaced request has none. Edit and Truncate imply it.
	After bool
	// Hook runs when the request has arrived, before anything else. It may use the server.
	Hook func()
}

// Fail adds a fault. Faults are tried in the order they were added, and the first that matches acts, alone.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault that acts on a request, and uses it up by one; nil for none.
func (s *Server) nextFault(op Op, account string) *Fault {
	for i, f := range s.faults {
		switch {
		case f.Op != "" && f.Op != op, f.Account != "" && !strings.EqualFold(f.Account, account):
			continue
		case f.Skip > 0:
			f.Skip--
			continue
		}
		acting := *f
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return &acting
	}
	return nil
}

func (f Fault) comesAfter() bool { return f.After || f.Edit != nil || f.Truncate != 0 }

func (f Fault) replaces() bool { return f.Drop || f.Status != 0 }

// apply makes the faulty response out of the regular one, or of one that has nothing but the headers all responses have.
func (f Fault) apply(a response) response {
	a.dropped = f.Drop
	if f.Status != 0 {
		a.status, a.body = f.Status, []byte(f.Body)
		a.header.Del("Retry-After")
	}
	for name, values := range f.Header {
		a.header.Del(name)
		for _, value := range values {
			a.header.Add(name, value)
		}
	}
	if f.Edit != nil {
		a.body = f.Edit(bytes.Clone(a.body))
	}
	if f.Truncate != 0 {
		a.sent = min(max(f.Truncate, 0), len(a.body))
		a.cut = a.sent < len(a.body)
	}
	return a
}
