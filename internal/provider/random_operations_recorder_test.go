// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// operation is one request of Terraform to the provider, such as the read or the
// create of an address, with what it requested from the API.
type operation struct {
	kind, address string
	provider      int
	account       string // in lower case
	events        []*event
	diags         diagnostics
	connected     int // of a create: the number of events until it had connected or adopted
}

// The kinds of an operation.
const (
	planning = "plan"
	reading  = "read"
	creating = "create"
	updating = "update"
	deleting = "delete"
	querying = "query"
)

// allowed are the requests that an operation may make. A plan has GETs only, and
// nothing but a create makes a token or links.
var allowed = map[string][]cloudflaretest.Op{
	planning: {cloudflaretest.List, cloudflaretest.Policies},
	reading:  {cloudflaretest.List, cloudflaretest.Policies},
	creating: {cloudflaretest.List, cloudflaretest.Policies, cloudflaretest.Token, cloudflaretest.Link},
	updating: {cloudflaretest.List, cloudflaretest.Policies},
	deleting: {cloudflaretest.List, cloudflaretest.Delete},
	querying: {cloudflaretest.List},
}

type operationKey struct{}

// during returns the core for one operation.
func (c *core) during(o *operation) *core {
	return &core{
		deferral: c.deferral, t: c.t, server: c.server, config: c.config, adjust: c.adjust, wire: c.wire, schemas: c.schemas,
		ctx: context.WithValue(c.ctx, operationKey{}, o),
	}
}

// event is an HTTP request of an operation.
type event struct {
	number int // in the order in which all requests begin
	op     cloudflaretest.Op
	token  string // of a link, or of the response to a request for one
	// status is 0 as long as the provider has not got the whole response.
	status int
	// neverLeft is a request that got no connection.
	neverLeft bool
	// isList is a list whose response proves what is connected: listed.
	isList bool
	listed []cloudflare.Service
	// before and after are what was connected around the request.
	before, after []cloudflaretest.Service
}

func (e *event) isEmptyList() bool { return e.isList && len(e.listed) == 0 }

// recorder is the network between the provider and the fake API. It notes what is
// requested, delays requests and responses, and refuses connections.
type recorder struct {
	next   http.RoundTripper
	server *cloudflaretest.Server

	// The delays follow from the seed, the operation and the number of its
	// request, so that a failure repeats. 0 is none.
	seed    atomic.Uint64
	refuse  atomic.Int64 // connections still to refuse
	refused atomic.Int64 // connections refused so far

	mu     sync.Mutex
	events int
	listed map[string]map[cloudflare.Service]bool // whatever a list of an account ever returned
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	o, _ := req.Context().Value(operationKey{}).(*operation)
	path := strings.Split(req.URL.Path, "/")
	account := strings.ToLower(path[slices.Index(path, "accounts")+1])
	e := &event{}
	switch last := path[len(path)-1]; {
	case req.Method == http.MethodDelete:
		e.op = cloudflaretest.Delete
	case req.Method == http.MethodPost:
		e.op = cloudflaretest.Token
	case last == "policies":
		e.op = cloudflaretest.Policies
	case last == "pagerduty":
		e.op = cloudflaretest.List
	default:
		e.op, e.token = cloudflaretest.Link, last
	}
	early, late := r.note(o, e)
	if r.refuse.Add(-1) >= 0 {
		return r.refuseConnection(req, e)
	}
	if err := pass(req.Context(), early); err != nil {
		return nil, err
	}
	before := r.server.Account(account).Services()
	resp, err := r.next.RoundTrip(req)
	r.surrounded(e, before, r.server.Account(account).Services())
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if ended := pass(req.Context(), late); ended != nil {
		return nil, ended
	}
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), &ending{err: err}))
	if err == nil {
		r.delivered(account, e, resp.StatusCode, body)
	}
	return resp, nil
}

func (r *recorder) surrounded(e *event, before, after []cloudflaretest.Service) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.before, e.after = before, after
}

// note adds an event to its operation, and returns how long the request and its
// response take.
func (r *recorder) note(o *operation, e *event) (early, late time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events++
	e.number = r.events
	where := "nowhere"
	if o != nil {
		o.events = append(o.events, e)
		where = fmt.Sprint(o.kind, o.address, len(o.events))
	}
	seed := r.seed.Load()
	if seed == 0 {
		return 0, 0
	}
	hash := fnv.New64a()
	fmt.Fprint(hash, seed, where)
	sum := hash.Sum64()
	delay := time.Duration(sum>>8%3000) * time.Millisecond
	if sum%2 == 0 {
		return delay, 0
	}
	return 0, delay
}

func (r *recorder) refuseConnection(req *http.Request, e *event) (*http.Response, error) {
	r.mu.Lock()
	e.neverLeft = true
	r.mu.Unlock()
	r.refused.Add(1)
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// pass passes the time, or returns why the request has ended.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ending ends a body the way it ended on the wire.
type ending struct{ err error }

func (e *ending) Read([]byte) (int, error) {
	if e.err == nil {
		return 0, io.EOF
	}
	return 0, e.err
}

// delivered notes what the provider learns from a response.
func (r *recorder) delivered(account string, e *event, status int, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.status = status
	result, ok := envelope(body)
	switch {
	case e.op == cloudflaretest.List && status == http.StatusOK && ok:
		e.listed, e.isList = listedServices(result)
		for _, service := range e.listed {
			r.known(account)[service] = true
		}
	case e.op == cloudflaretest.Token && status == http.StatusCreated && ok:
		var token struct{ ID string }
		if json.Unmarshal(result, &token) == nil {
			e.token = token.ID
		}
	}
}

func (r *recorder) known(account string) map[cloudflare.Service]bool {
	if r.listed[account] == nil {
		r.listed[account] = map[cloudflare.Service]bool{}
	}
	return r.listed[account]
}

// envelope returns the result of a response that proves something: a success
// without errors, with a result, and with as much as it announces.
func envelope(body []byte) (result json.RawMessage, ok bool) {
	var members map[string]json.RawMessage
	var known struct {
		Success bool
		Errors  []json.RawMessage
		Info    struct {
			Total int `json:"total_count"`
			Pages int `json:"total_pages"`
		} `json:"result_info"`
	}
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(body, &known) != nil || !known.Success || len(known.Errors) > 0 {
		return nil, false
	}
	result, ok = members["result"]
	var entries []json.RawMessage
	_ = json.Unmarshal(result, &entries)
	return result, ok && known.Info.Total <= len(entries) && known.Info.Pages <= 1
}

// listedServices are those of a list's result, which may be null, or one object.
func listedServices(result json.RawMessage) (listed []cloudflare.Service, ok bool) {
	if json.Unmarshal(result, &listed) != nil {
		var one cloudflare.Service
		if json.Unmarshal(result, &one) != nil || one.Name == "" {
			return nil, false
		}
		listed = []cloudflare.Service{one}
	}
	return listed, !slices.ContainsFunc(listed, func(s cloudflare.Service) bool { return s.ID == "" })
}

// saw reports whether a list of the account ever returned the service.
func (r *recorder) saw(account string, service cloudflare.Service) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known(strings.ToLower(account))[service]
}

// count is the number of events so far.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// eventsOf returns what an operation has requested so far.
func (r *recorder) eventsOf(o *operation) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := make([]event, len(o.events))
	for i, e := range o.events {
		events[i] = *e
	}
	return events
}
