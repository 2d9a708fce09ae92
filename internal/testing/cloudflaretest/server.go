// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

const basePath = "/client/v4"

// Op names a request of the API.
type Op string

// The requests, as openapi.yaml names its operations. The provider makes the first five. The other four manage a
// policy, for the official Cloudflare provider beside it.
const (
	List     Op = "list"
	Delete   Op = "delete"
	Token    Op = "token"
	Link     Op = "link"
	Policies Op = "policies"

	CreatePolicy Op = "policy-create"
	ReadPolicy   Op = "policy-read"
	UpdatePolicy Op = "policy-update"
	DeletePolicy Op = "policy-delete"
)

// Server is the fake API. Its methods may be called at any time, from any goroutine, hooks included.
type Server struct {
	url     string
	model   LinkModel
	now     func() time.Time
	latency time.Duration

	http     *http.Server   // nil without a listener
	inflight sync.WaitGroup // requests that came through the listener

	mu         sync.Mutex
	closed     bool
	limit      *rateLimit
	accounts   map[string]*Account
	faults     []*Fault
	requests   []*Request
	relinked   []string
	violations []string
}

// Option changes how a server behaves.
type Option func(*Server)

// WithLinkModel sets what a link does in accounts that have no model of their own.
func WithLinkModel(m LinkModel) Option { return func(s *Server) { s.model = m } }

// WithRateLimit lets each credential make limit requests in a window, which starts with its first request. The
// request after that gets 429, as does every further one until block has passed; then a new window begins. A request
// that a fault acts on counts as well.
func WithRateLimit(limit int, window, block time.Duration) Option {
	return func(s *Server) {
		s.limit = &rateLimit{limit: limit, window: window, block: block, budgets: map[string]*budget{}}
	}
}

// WithClock replaces time.Now for the rate limit and for [LinkModel.Delay]. Stalls, latency and the times in the
// request log stay with the real clock, or the clock of the synctest bubble they are in.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// WithLatency holds back each response by d, after the request had its effect, or until the client has gone.
func WithLatency(d time.Duration) Option { return func(s *Server) { s.latency = d } }

// New starts a server on a loopback port for the time of a test, which fails for each violation.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s, err := Start(opts...)
	if err != nil {
		t.Fatalf("Unable to start the fake API: %v", err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, v := range s.Violations() {
			t.Errorf("contract violation: %s", v)
		}
	})
	return s
}

// Start is [New] outside of a test: the caller closes the server and checks [Server.Violations].
func Start(opts ...Option) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := NewOffline(opts...)
	s.url = "http://" + listener.Addr().String() + basePath
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
	}
	go s.http.Serve(listener) //nolint:errcheck // It ends with Close, and always with an error.
	return s, nil
}

// NewOffline makes a server without a listener, to be reached by its [Server.RoundTripper] alone.
// The caller checks [Server.Violations].
func NewOffline(opts ...Option) *Server {
	s := &Server{
		url:      "http://127.0.0.1" + basePath,
		now:      time.Now,
		accounts: map[string]*Account{},
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Close stops listening, cuts all connections and returns when the last request has been dealt with, so
// that no hook runs after it. It may be called more than once, but not from a hook.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.http != nil {
		s.http.Close()
	}
	s.inflight.Wait()
}

// URL is the base URL for a client, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Account returns the account with this ID, in capitals or not, and creates it where there is none. Requests for one
// that was never created get what Cloudflare returns for an ID it does not know: 404, code 7003.
func (s *Server) Account(id string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(id)
	if a == nil {
		a = &Account{server: s, id: id}
		s.accounts[strings.ToLower(id)] = a
	}
	return a
}

func (s *Server) account(id string) *Account { return s.accounts[strings.ToLower(id)] }

// Request is what the server remembers of a request.
type Request struct {
	Op      Op     // "" for a request that openapi.yaml does not have
	Method  string // "GET"
	Path    string // as it was sent, from /client/v4 on
	Account string // the account ID in the path, as it was sent
	Token   string // the integration token in the path of a link
	Header  http.Header

	Status  int       // of the response; 0 when there was none, or the client left before it
	Faulted bool      // a fault acted on it, be it only by a hook
	Removed []Service // what a delete took away of what a list would have shown
	Linked  bool      // a link had its effect
	Start   time.Time // when it arrived
	End     time.Time // when its response began, or it was dropped; zero until then
}

// Requests returns a copy of the log, in order of arrival, requests that are still under way included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = *r
	}
	return requests
}

// ResetRequests empties the log.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Count counts the requests of one kind in the log; "" counts all, those that openapi.yaml does not have included.
func (s *Server) Count(op Op) int {
	return s.count(func(r *Request) bool { return op == "" || r.Op == op })
}

// CountFor is [Server.Count] for one account.
func (s *Server) CountFor(account string, op Op) int {
	return s.count(func(r *Request) bool { return strings.EqualFold(r.Account, account) && (op == "" || r.Op == op) })
}

func (s *Server) count(counts func(*Request) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if counts(r) {
			n++
		}
	}
	return n
}

// Relinked lists the integration tokens for which a link arrived after one had already had its effect: the mistake
// of retrying a link blindly. Links that were turned away before their effect do not use up a token.
func (s *Server) Relinked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.relinked)
}

// Violations lists the requests and the regular responses that do not fit openapi.yaml, in words.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Server) violation(r *http.Request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf("%s %s: %v", r.Method, r.URL.EscapedPath(), err))
}

// response is what goes back for a request, be it over a socket or in memory.
type response struct {
	status  int
	header  http.Header
	body    []byte
	cut     bool // the body breaks off after sent bytes
	sent    int
	dropped bool // no response at all
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.inflight.Add(1)
	s.mu.Unlock()
	defer s.inflight.Done()

	a := s.respond(r)
	if a.dropped {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	if len(a.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if !a.cut {
		w.Write(a.body) //nolint:errcheck // A client that has gone needs no response.
		return
	}
	w.Write(a.body[:a.sent]) //nolint:errcheck // As above.
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// RoundTripper serves requests from memory, in the goroutine that makes them: without sockets, so that
// it works in a testing/synctest bubble. It ignores the host. A dropped connection is an error that wraps
// [io.ErrUnexpectedEOF], and a truncated body ends in that error.
func (s *Server) RoundTripper() http.RoundTripper { return memory{server: s} }

type memory struct{ server *Server }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	ctx := r.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// A RoundTripper must not change its request, and the contract check puts back a body it has read.
	a := m.server.respond(r.Clone(ctx))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case a.dropped:
		return nil, fmt.Errorf("connection dropped: %w", io.ErrUnexpectedEOF)
	}
	body := io.Reader(bytes.NewReader(a.body))
	if a.cut {
		body = io.MultiReader(bytes.NewReader(a.body[:a.sent]), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(body),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}, nil
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
