// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// The credentials that the server accepts, all of them made up.
const (
	// APIToken may do everything.
	APIToken = "test-token-that-may-do-everything-000001"
	// ReadOnlyToken may list services and read policies; the other requests get 403.
	ReadOnlyToken = "test-token-that-may-do-nothing-but-list1"
	// APIKey and Email are the legacy pair. It may do everything.
	APIKey = "0000000000000000000000000000000testkey"
	Email  = "ops@example.com"
)

// arrival is a request on its way through the server.
type arrival struct {
	*http.Request
	log     *Request                               // its entry in the log
	route   bool                                   // the path is one of openapi.yaml's
	input   *openapi3filter.RequestValidationInput // nil where openapi.yaml has no such operation
	body    []byte                                 // what was sent with it, where openapi.yaml has a body
	header  http.Header                            // what every response to it has
	blocked time.Duration                          // what is left of the rate limit's block
	fault   Fault                                  // acts on it; the zero value changes nothing
}

// respond takes a request through the server, from its arrival to its response.
func (s *Server) respond(r *http.Request) response {
	in := s.arrive(r)
	if in.input != nil {
		if err := checkRequest(r, in.input); err != nil {
			s.violation(r, err)
		}
		if in.input.Route.Operation.RequestBody != nil && r.Body != nil {
			in.body, _ = io.ReadAll(r.Body) // What cannot be read is no policy.
		}
	}

	f, ctx := in.fault, r.Context()
	if f.Hook != nil {
		f.Hook()
	}
	if !f.comesAfter() {
		pause(ctx, f.Stall)
	}
	out := response{header: in.header}
	if f.comesAfter() || !f.replaces() {
		out = s.regular(in)
	}
	if f.comesAfter() {
		pause(ctx, f.Stall)
	}
	out = f.apply(out)
	pause(ctx, s.latency)

	s.mu.Lock()
	defer s.mu.Unlock()
	in.log.End = time.Now()
	if !out.dropped && ctx.Err() == nil {
		in.log.Status = out.status
	}
	return out
}

// arrive writes a request into the log and finds out what awaits it.
func (s *Server) arrive(r *http.Request) *arrival {
	in := &arrival{Request: r, log: &Request{
		Method: r.Method,
		Path:   r.URL.EscapedPath(),
		Header: r.Header.Clone(),
		Start:  time.Now(),
	}}
	in.input, in.route = match(r)
	if in.input != nil {
		in.log.Op = Op(in.input.Route.Operation.OperationID)
		in.log.Account = in.input.PathParams["account_id"]
		in.log.Token = in.input.PathParams["token_id"]
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, in.log)
	in.header, in.blocked = s.limit.take(credential(r), s.now())
	in.header.Set("CF-Ray", randomHex(8)+"-TST")
	in.header.Set("Content-Type", "application/json")
	if in.log.Op == "" {
		return in
	}
	if f := s.nextFault(in.log.Op, in.log.Account); f != nil {
		in.fault, in.log.Faulted = *f, true
	}
	if a := s.account(in.log.Account); a != nil {
		s.noteRelink(a.token(in.log.Token))
	}
	return in
}

// noteRelink remembers a token that a link comes for although it is used up.
func (s *Server) noteRelink(t *integrationToken) {
	if t != nil && t.used && !t.relinked {
		t.relinked = true
		s.relinked = append(s.relinked, t.id)
	}
}

// regular lets a request have its effect and returns Cloudflare's response to it.
func (s *Server) regular(in *arrival) response {
	out := s.perform(in)
	maps.Copy(in.header, out.header)
	out.header = in.header
	if in.input != nil {
		if err := checkResponse(in.input, out); err != nil {
			s.violation(in.Request, err)
		}
	}
	return out
}

// envelope is the form of all responses.
type envelope struct {
	Result   any       `json:"result,omitempty"`
	Success  bool      `json:"success"`
	Errors   []message `json:"errors"`
	Messages []message `json:"messages"`
}

type message struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []message `json:"error_chain,omitempty"`
}

type identified struct {
	ID string `json:"id"`
}

func succeed(status int, result any) response {
	return response{status: status, body: marshal(envelope{
		Result: result, Success: true, Errors: []message{}, Messages: []message{},
	})}
}

func refuse(status, code int, text string, chain ...message) response {
	return response{status: status, body: marshal(envelope{
		Errors:   []message{{Code: code, Message: text, Chain: chain}},
		Messages: []message{},
	})}
}

// perform does what a request asks for. Codes and messages are Cloudflare's where they are known; those for an
// integration token that does not link are made up, and name the token so that a client that does not mask it shows.
func (s *Server) perform(in *arrival) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	op, path := in.log.Op, strings.TrimPrefix(in.log.Path, basePath)
	switch {
	case in.blocked > 0:
		out := refuse(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
		out.header = http.Header{"Retry-After": {strconv.Itoa(seconds(in.blocked))}}
		return out
	case !in.route:
		return refuse(http.StatusNotFound, 7000, "No route for that URI")
	case op == "":
		return refuse(http.StatusMethodNotAllowed, 10405, "Method not allowed")
	}

	bearer := in.Header.Get("Authorization")
	key, email := in.Header.Get("X-Auth-Key"), in.Header.Get("X-Auth-Email")
	token, isBearer := strings.CutPrefix(bearer, "Bearer ")
	readOnly := op == List || op == Policies || op == ReadPolicy
	switch {
	case bearer == "" && (key == "" || email == ""):
		return refuse(http.StatusBadRequest, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
	case bearer != "" && (!isBearer || token == "" || strings.ContainsAny(token, " \t")):
		return refuse(http.StatusBadRequest, 6003, "Invalid request headers",
			message{Code: 6111, Message: "Invalid format for Authorization header"})
	case token == APIToken, token == ReadOnlyToken && readOnly, bearer == "" && key == APIKey && email == Email:
	default:
		return refuse(http.StatusForbidden, 10000, "Authentication error")
	}

	a := s.account(in.log.Account)
	if a == nil {
		return refuse(http.StatusNotFound, 7003,
			fmt.Sprintf("Could not route to %s, perhaps your object identifier is invalid?", path))
	}
	switch op {
	case List:
		return succeed(http.StatusOK, a.list())
	case Delete:
		in.log.Removed = a.clear()
		return succeed(http.StatusOK, nil)
	case Token:
		return succeed(http.StatusCreated, identified{ID: a.issue()})
	case Link:
		t := a.token(in.log.Token)
		switch {
		case t == nil:
			return refuse(http.StatusBadRequest, 17100, "Unknown integration token "+in.log.Token)
		case t.used:
			s.noteRelink(t)
			return refuse(http.StatusBadRequest, 17101, "Integration token "+t.id+" has already been used")
		}
		var out response
		out, in.log.Linked = a.link(t)
		return out
	case Policies:
		return succeed(http.StatusOK, append([]policy{}, a.policies...))
	default:
		return a.managePolicy(op, in.input.PathParams["policy_id"], in.body)
	}
}

func credential(r *http.Request) string {
	if bearer := r.Header.Get("Authorization"); bearer != "" {
		return bearer
	}
	return r.Header.Get("X-Auth-Email") + "\n" + r.Header.Get("X-Auth-Key")
}

// randomHex returns n random bytes as 2n hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // It never fails.
	return hex.EncodeToString(b)
}
