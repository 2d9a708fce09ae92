// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	account   = "0123456789abcdef0123456789abcdef"
	pagerduty = "/accounts/" + account + "/alerting/v3/destinations/pagerduty"
	policies  = "/accounts/" + account + "/alerting/v3/policies"
)

// client makes requests as a user of one account, over a socket or in memory.
type client struct {
	*http.Client
	t    *testing.T
	base string
	auth string // the Authorization header; "" for none
}

// reply is a response with its body read, as far as it went.
type reply struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	Body   string      `json:"-"`

	Result  json.RawMessage
	Success bool
	Errors  []message
}

func (r reply) services(t *testing.T) (services []Service) {
	t.Helper()
	if err := json.Unmarshal(r.Result, &services); err != nil {
		t.Fatalf("result %s: %v", r.Result, err)
	}
	return services
}

func (r reply) id(t *testing.T) string {
	t.Helper()
	var result identified
	if err := json.Unmarshal(r.Result, &result); err != nil {
		t.Fatalf("result %s: %v", r.Result, err)
	}
	return result.ID
}

// code is the code of the response's first error, or 0.
func (r reply) code() int {
	if len(r.Errors) == 0 {
		return 0
	}
	return r.Errors[0].Code
}

func (c client) try(ctx context.Context, method, path string, edit ...func(*http.Request)) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return reply{}, err
	}
	if c.auth != "" {
		request.Header.Set("Authorization", c.auth)
	}
	for _, f := range edit {
		f(request)
	}
	response, err := c.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	r := reply{Status: response.StatusCode, Header: response.Header, Body: string(body)}
	if json.Valid(body) {
		_ = json.Unmarshal(body, &r)
	}
	return r, err
}

func (c client) do(method, path string, edit ...func(*http.Request)) reply {
	c.t.Helper()
	r, err := c.try(c.t.Context(), method, path, edit...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c client) list() reply   { c.t.Helper(); return c.do("GET", pagerduty) }
func (c client) delete() reply { c.t.Helper(); return c.do("DELETE", pagerduty) }
func (c client) token() reply  { c.t.Helper(); return c.do("POST", pagerduty+"/connect") }
func (c client) link(token string) reply {
	c.t.Helper()
	return c.do("GET", pagerduty+"/connect/"+token)
}

func (c client) policies() reply { c.t.Helper(); return c.do("GET", policies) }
func (c client) connect() reply  { c.t.Helper(); return c.link(c.token().id(c.t)) }

func inMemory(t *testing.T, s *Server) client {
	t.Helper()
	return client{Client: &http.Client{
		Transport:     s.RoundTripper(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, t: t, base: s.URL(), auth: "Bearer " + APIToken}
}

// overSocket keeps no connections, since net/http retries a GET that fails on one it uses again.
func overSocket(t *testing.T, s *Server) client {
	t.Helper()
	c := inMemory(t, s)
	c.Transport = &http.Transport{DisableKeepAlives: true}
	return c
}

// over runs a test over a socket and in memory, against a server that has the account.
func over(t *testing.T, test func(*Server, client)) {
	t.Helper()
	for _, name := range []string{"socket", "memory"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(t)
			s.Account(account)
			c := inMemory(t, s)
			if name == "socket" {
				c = overSocket(t, s)
			}
			test(s, c)
		})
	}
}

// tolerant starts a server whose violations are the test's to check.
func tolerant(t *testing.T, opts ...Option) (*Server, client) {
	t.Helper()
	s, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Account(account)
	return s, overSocket(t, s)
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		equal(t, "list of an empty account", c.list().Body, `{"result":[],"success":true,"errors":[],"messages":[]}`)

		made := c.token()
		equal(t, "status of token", made.Status, 201)
		token := made.id(t)
		equal(t, "tokens", s.Account(account).Tokens(), []string{token})

		linked := c.link(token)
		equal(t, "status of link", linked.Status, 200)
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(linked.id(t)) {
			t.Errorf("connection ID %q", linked.id(t))
		}

		services := c.list().services(t)
		equal(t, "services", services, s.Account(account).Services())
		if len(services) != 1 || services[0].Name != "On-call" || len(services[0].ID) != 32 {
			t.Errorf("services = %v, want the default one", services)
		}

		deleted := c.delete()
		equal(t, "body of delete", deleted.Body, `{"success":true,"errors":[],"messages":[]}`)
		equal(t, "services after delete", c.list().services(t), []Service{})

		for _, r := range []reply{made, linked, deleted} {
			if !regexp.MustCompile(`^[0-9a-f]{16}-TST$`).MatchString(r.Header.Get("CF-Ray")) {
				t.Errorf("CF-Ray = %q", r.Header.Get("CF-Ray"))
			}
			equal(t, "Content-Type", r.Header.Get("Content-Type"), "application/json")
			equal(t, "Ratelimit", r.Header.Get("Ratelimit"), `"default";r=1199;t=300`)
			equal(t, "Ratelimit-Policy", r.Header.Get("Ratelimit-Policy"), `"default";q=1200;w=300`)
		}

		log := s.Requests()
		var ops []Op
		for _, r := range log {
			ops = append(ops, r.Op)
			equal(t, "account in the log", r.Account, account)
			equal(t, "header in the log", r.Header.Get("Authorization"), "Bearer "+APIToken)
			if r.Start.IsZero() || r.End.Before(r.Start) || r.Faulted || r.Linked != (r.Op == Link) {
				t.Errorf("log has %+v", r)
			}
		}
		equal(t, "requests", ops, []Op{List, Token, Link, List, Delete, List})
		equal(t, "status in the log", log[1].Status, 201)
		equal(t, "method in the log", log[1].Method, "POST")
		equal(t, "path in the log", log[2].Path, basePath+pagerduty+"/connect/"+token)
		equal(t, "token in the log", log[2].Token, token)
		equal(t, "removed", log[4].Removed, services)
		equal(t, "lists", s.Count(List), 3)
		equal(t, "requests", s.Count(""), 6)
		equal(t, "lists of the account", s.CountFor(account, List), 3)
		equal(t, "lists of another account", s.CountFor("other", List), 0)
		s.ResetRequests()
		equal(t, "log after reset", s.Requests(), []Request{})
	})
}

func TestTokensWorkOnceAndForTheirAccountOnly(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		first, second := c.token().id(t), c.token().id(t)
		for i, pattern := range []string{`^[0-9a-f]{32}$`, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`} {
			if token := []string{first, second}[i]; !regexp.MustCompile(pattern).MatchString(token) {
				t.Errorf("token %d = %q", i, token)
			}
		}
		elsewhere := c.do("GET", strings.Replace(pagerduty, account, "other", 1)+"/connect/"+first)
		equal(t, "status of link in no account", elsewhere.Status, 404)
		s.Account("other")
		elsewhere = c.do("GET", strings.Replace(pagerduty, account, "other", 1)+"/connect/"+first)
		equal(t, "status of link in another account", elsewhere.Status, 400)
		equal(t, "status of link with no token of ours", c.link("unknown").Status, 400)
		equal(t, "services", s.Account(account).Services(), []Service{})

		equal(t, "status of link", c.link(first).Status, 200)
		equal(t, "relinked", s.Relinked(), nil)
		c.delete()
		again := c.link(first)
		equal(t, "status of second link", again.Status, 400)
		if again.code() == 0 || again.Success || !strings.Contains(again.Body, first) {
			t.Errorf("second link returns %s", again.Body)
		}
		equal(t, "services after second link", s.Account(account).Services(), []Service{})
		// A fault in front of the request does not hide that it was retried.
		s.Fail(Fault{Op: Link, Status: 502})
		c.link(second)
		c.link(first)
		equal(t, "relinked", s.Relinked(), []string{first})
		s.Heal()
		equal(t, "status of a link after a fault without effect", c.link(second).Status, 200)
		equal(t, "relinked", s.Relinked(), []string{first})
	})
}

func TestSetServices(t *testing.T) {
	t.Parallel()
	s := New(t)
	a := s.Account(account)
	given := []Service{{ID: "00000000-0000-4000-8000-000000000000", Name: "Web"}}
	a.SetServices(given...)
	given[0].Name = "changed by the caller"
	a.Services()[0].Name = "changed by the reader"
	equal(t, "services", a.Services(), []Service{{ID: "00000000-0000-4000-8000-000000000000", Name: "Web"}})
	if s.Account(account) != a || s.Account(strings.ToUpper(account)) != a {
		t.Error("the account was made twice")
	}
	c := inMemory(t, s)
	s.Fail(Fault{Op: List, Account: strings.ToUpper(account), Skip: 1, Status: 500})
	capitals := strings.Replace(pagerduty, account, strings.ToUpper(account), 1)
	equal(t, "status in capitals", c.do("GET", capitals).Status, 200)
	equal(t, "status of the fault", c.list().Status, 500)
	equal(t, "account in the log", s.Requests()[0].Account, strings.ToUpper(account))
	equal(t, "lists", s.CountFor(account, List), 2)
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	equal(t, "length of the token", len(APIToken), 40)
	equal(t, "length of the read-only token", len(ReadOnlyToken), 40)
	pair := func(key, email string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Auth-Key", key)
			r.Header.Set("X-Auth-Email", email)
		}
	}
	for name, test := range map[string]struct {
		auth               string
		edit               func(*http.Request)
		list, create, code int
	}{
		"token":             {auth: "Bearer " + APIToken, list: 200, create: 201},
		"read-only token":   {auth: "Bearer " + ReadOnlyToken, list: 200, create: 403, code: 10000},
		"unknown token":     {auth: "Bearer unknown", list: 403, create: 403, code: 10000},
		"no bearer":         {auth: "Basic b3BzOg==", list: 400, create: 400, code: 6003},
		"token with spaces": {auth: "Bearer to ken", list: 400, create: 400, code: 6003},
		"pair":              {edit: pair(APIKey, Email), list: 200, create: 201},
		"wrong key":         {edit: pair("key", Email), list: 403, create: 403, code: 10000},
		"wrong email":       {edit: pair(APIKey, "dev@example.com"), list: 403, create: 403, code: 10000},
		"key alone":         {edit: pair(APIKey, ""), list: 400, create: 400, code: 9106},
		"none":              {list: 400, create: 400, code: 9106},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.edit == nil {
				test.edit = func(*http.Request) {}
			}
			over(t, func(s *Server, c client) {
				t := c.t
				c.auth = test.auth
				equal(t, "status of list", c.do("GET", pagerduty, test.edit).Status, test.list)
				equal(t, "status of policies", c.do("GET", policies, test.edit).Status, test.list)
				created := c.do("POST", pagerduty+"/connect", test.edit)
				equal(t, "status of token", created.Status, test.create)
				equal(t, "code of token", created.code(), test.code)
				equal(t, "tokens made", len(s.Account(account).Tokens()), map[bool]int{true: 1}[test.create == 201])
				removed := c.do("DELETE", pagerduty, test.edit)
				equal(t, "delete is allowed", removed.Success, test.create == 201)
			})
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		for _, test := range []struct {
			method, path string
			status, code int
		}{
			{method: "GET", path: "/accounts", status: 404, code: 7000},
			{method: "GET", path: pagerduty + "/", status: 404, code: 7000},
			{method: "GET", path: pagerduty + "/connect/a/b", status: 404, code: 7000},
			{method: "GET", path: pagerduty + "/connect/", status: 404, code: 7000},
			{method: "GET", path: pagerduty + "/connect", status: 405, code: 10405},
			{method: "PUT", path: pagerduty, status: 405, code: 10405},
			{method: "DELETE", path: pagerduty + "/connect/a", status: 405, code: 10405},
			{method: "GET", path: policies + "/", status: 404, code: 7000},
			{method: "GET", path: policies + "/a/b", status: 404, code: 7000},
			{method: "PUT", path: policies, status: 405, code: 10405},
			{method: "POST", path: policies + "/a", status: 405, code: 10405},
			{method: "GET", path: strings.Replace(pagerduty, account, "nobody", 1), status: 404, code: 7003},
		} {
			got := c.do(test.method, test.path)
			equal(t, test.path, []int{got.Status, got.code()}, []int{test.status, test.code})
		}
		equal(t, "requests that are no request", len(s.Requests())-s.Count(List), 11)
		message := c.do("GET", strings.Replace(pagerduty, account, "nobody", 1)).Errors[0].Message
		equal(t, "message", message, "Could not route to /accounts/nobody/alerting/v3/destinations/pagerduty, "+
			"perhaps your object identifier is invalid?")
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1e9, 0)}
	s := New(t, WithClock(now.read), WithRateLimit(2, 300*time.Second, 60*time.Second))
	s.Account(account)
	c := inMemory(t, s)
	step := func(advance time.Duration, status int, ratelimit, retry string) {
		t.Helper()
		now.advance(advance)
		r := c.list()
		equal(t, "status", r.Status, status)
		equal(t, "Ratelimit", r.Header.Get("Ratelimit"), ratelimit)
		equal(t, "Ratelimit-Policy", r.Header.Get("Ratelimit-Policy"), `"default";q=2;w=300`)
		equal(t, "Retry-After", r.Header.Get("Retry-After"), retry)
	}
	step(0, 200, `"default";r=1;t=300`, "")
	step(100500*time.Millisecond, 200, `"default";r=0;t=200`, "")
	step(199500*time.Millisecond, 200, `"default";r=1;t=300`, "") // a new window
	step(0, 200, `"default";r=0;t=300`, "")
	step(time.Second, 429, `"default";r=0;t=60`, "60")
	step(100*time.Millisecond, 429, `"default";r=0;t=60`, "60")
	step(59*time.Second, 429, `"default";r=0;t=1`, "1")

	other := c
	other.auth = "Bearer " + ReadOnlyToken
	equal(t, "status with another credential", other.list().Status, 200)
	blocked := c.token()
	equal(t, "another request is blocked", []int{blocked.Status, blocked.code()}, []int{429, 971})
	equal(t, "tokens made", s.Account(account).Tokens(), []string{})

	step(900*time.Millisecond, 200, `"default";r=1;t=300`, "")
	s.Fail(Fault{Status: 500, Times: 1})
	equal(t, "status of a fault", c.list().Status, 500)
	step(0, 429, `"default";r=0;t=60`, "60") // the fault has spent a request as well
}

func TestFaultReplacesResponse(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		s.Fail(Fault{Op: Token, Times: 1, Status: 502, Body: "<html>", Header: http.Header{
			"Content-Type": {"text/html"}, "cf-ray": {"mine"}, "Ratelimit": nil,
		}})
		r := c.token()
		equal(t, "status", r.Status, 502)
		equal(t, "body", r.Body, "<html>")
		equal(t, "Content-Type", r.Header.Get("Content-Type"), "text/html")
		equal(t, "CF-Ray", r.Header.Values("CF-Ray"), []string{"mine"})
		equal(t, "Ratelimit", r.Header.Values("Ratelimit"), nil)
		equal(t, "Ratelimit-Policy", r.Header.Get("Ratelimit-Policy"), `"default";q=1200;w=300`)
		equal(t, "tokens made", s.Account(account).Tokens(), []string{})
		equal(t, "status in the log", s.Requests()[0].Status, 502)
		equal(t, "faulted", s.Requests()[0].Faulted, true)

		s.Fail(Fault{Op: Token, Times: 1, Status: 500, After: true})
		r = c.token()
		equal(t, "status and type", []string{r.Body, r.Header.Get("Content-Type")}, []string{"", "application/json"})
		equal(t, "tokens made", len(s.Account(account).Tokens()), 1)

		equal(t, "status when the faults are over", c.token().Status, 201)
		equal(t, "faulted", s.Requests()[2].Faulted, false)
		s.Fail(Fault{Header: http.Header{"CF-Ray": {"kept"}}})
		equal(t, "a header alone", c.list().Header.Get("CF-Ray"), "kept")
	})
}

func TestFaultDrops(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		s.Account(account).SetServices(Service{ID: "a", Name: "API"})
		for i, f := range []Fault{{Drop: true, Times: 1}, {Drop: true, After: true, Times: 1}} {
			s.Fail(f)
			if r, err := c.try(t.Context(), "DELETE", pagerduty); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("a dropped delete = %+v, %v", r, err)
			}
			equal(t, "services left", len(s.Account(account).Services()), 1-i)
			waitFor(t, func() bool { return !s.Requests()[i].End.IsZero() })
			equal(t, "status in the log", s.Requests()[i].Status, 0)
			equal(t, "removed", len(s.Requests()[i].Removed), i)
		}
	})
}

func TestFaultTruncates(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		for n, want := range map[int]string{5: `{"res`, TruncateAll: ""} {
			s.Fail(Fault{Truncate: n, Times: 1})
			r, err := c.try(t.Context(), "POST", pagerduty+"/connect")
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error = %v, want an unexpected end", err)
			}
			equal(t, "status", r.Status, 201)
			equal(t, "body", r.Body, want)
			if n := r.Header.Get("Content-Length"); len(n) != 2 && len(n) != 3 {
				t.Errorf("Content-Length = %s, want the whole body's", n)
			}
		}
		equal(t, "tokens made", len(s.Account(account).Tokens()), 2)
		s.Fail(Fault{Truncate: 1000})
		equal(t, "more than the whole", c.list().Success, true)
	})
}

func TestFaultStalls(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		s.Fail(Fault{Stall: 30 * time.Millisecond, Times: 1})
		start := time.Now()
		equal(t, "status after the stall", c.token().Status, 201)
		if took := time.Since(start); took < 30*time.Millisecond {
			t.Errorf("the stall took %v", took)
		}
		for i, f := range []Fault{{Stall: time.Hour, Drop: true, Times: 1}, {Stall: time.Hour, Times: 1}, {Stall: time.Hour, After: true, Times: 1}} {
			ctx, leave := context.WithCancel(t.Context())
			f.Hook = leave
			s.Fail(f)
			if _, err := c.try(ctx, "POST", pagerduty+"/connect"); !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want that of a client that left", err)
			}
			waitFor(t, func() bool { return !s.Requests()[1+i].End.IsZero() })
			equal(t, "status in the log", s.Requests()[1+i].Status, 0)
			equal(t, "tokens made", len(s.Account(account).Tokens()), 1+i)
		}
	})
}

func TestFaultEdits(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		s.Fail(Fault{Edit: func(b []byte) []byte { return bytes.Replace(b, []byte("true"), []byte("false"), 1) }})
		r := c.token()
		equal(t, "status", r.Status, 201)
		equal(t, "success", r.Success, false)
		equal(t, "tokens made", s.Account(account).Tokens(), []string{r.id(t)})
	})
}

func TestFaultHooks(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		a := s.Account(account)
		s.Fail(Fault{Op: List, Times: 1, Hook: func() {
			a.SetServices(Service{ID: "a", Name: "API"})
			equal(t, "log in the hook", []int{len(s.Requests()), s.Requests()[0].Status}, []int{1, 0})
		}})
		equal(t, "services", c.list().services(t), []Service{{ID: "a", Name: "API"}})
	})
}

func TestFaultsAreChosenInOrder(t *testing.T) {
	t.Parallel()
	s := New(t)
	s.Account(account)
	s.Account("other")
	c := inMemory(t, s)
	s.Fail(Fault{Op: List, Account: "other", Status: 501})
	s.Fail(Fault{Op: List, Account: account, Skip: 1, Times: 2, Status: 502})
	s.Fail(Fault{Op: List, Account: account, Times: 1, Status: 503})
	s.Fail(Fault{Op: Delete, Status: 504})
	var got []int
	for range 4 {
		got = append(got, c.list().Status)
	}
	equal(t, "statuses", got, []int{503, 502, 502, 200})
	for range 3 {
		equal(t, "status of delete", c.delete().Status, 504)
	}
	equal(t, "status elsewhere", c.do("GET", strings.Replace(pagerduty, account, "other", 1)).Status, 501)
	equal(t, "status of token", c.token().Status, 201)
	s.Heal()
	equal(t, "status when healed", c.delete().Status, 200)
}

// TestInMemoryInABubble shows that hours of stalls, latency and delayed consent take no time in a bubble.
func TestInMemoryInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewOffline(WithLatency(time.Minute), WithLinkModel(LinkModel{Delay: time.Hour}))
		equal(t, "URL", s.URL(), "http://127.0.0.1/client/v4")
		s.Account(account)
		c := inMemory(t, s)
		start := time.Now()
		c.connect()
		equal(t, "time for two requests", time.Since(start), 2*time.Minute)
		equal(t, "services too early", c.list().services(t), []Service{})
		time.Sleep(time.Hour)
		equal(t, "number of services", len(c.list().services(t)), 1)

		s.Fail(Fault{Stall: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		start = time.Now()
		if _, err := c.try(ctx, "GET", pagerduty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want a timeout", err)
		}
		equal(t, "time to the timeout", time.Since(start), 90*time.Second)
		if _, err := c.try(ctx, "GET", pagerduty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want a timeout", err)
		}
		equal(t, "lists that arrived", s.Count(List), 3)
		equal(t, "violations", s.Violations(), nil)
		s.Close()
	})
}

func TestRequestsThatBreakTheContract(t *testing.T) {
	t.Parallel()
	body := func(content string, length int64) func(*http.Request) {
		return func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader(content)), length }
	}
	for name, test := range map[string]struct {
		method, path string
		edit         func(*http.Request)
		want         string
	}{
		"query":        {method: "GET", path: pagerduty + "?page=2", want: "query not allowed"},
		"body":         {method: "POST", path: pagerduty + "/connect", edit: body("{}", 2), want: "request body not allowed"},
		"chunked body": {method: "POST", path: pagerduty + "/connect", edit: body("{}", -1), want: "request body not allowed"},
		"account ID":   {method: "GET", path: strings.Replace(pagerduty, account, account+"0", 1), want: `parameter "account_id"`},
		"token":        {method: "GET", path: pagerduty + "/connect/a%2Fb", want: `parameter "token_id"`},
		"long token":   {method: "GET", path: pagerduty + "/connect/" + strings.Repeat("a", 129), want: `parameter "token_id"`},
		"none":         {method: "POST", path: pagerduty + "/connect", edit: body("", -1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := tolerant(t)
			for _, transport := range []http.RoundTripper{c.Transport, s.RoundTripper()} {
				c.Transport = transport
				if test.edit == nil {
					test.edit = func(*http.Request) {}
				}
				s.Fail(Fault{Status: 500, Times: 1}) // The request counts, whatever the response.
				c.do(test.method, test.path, test.edit)
			}
			violations := s.Violations()
			for _, v := range violations {
				if !strings.Contains(v, test.want) {
					t.Errorf("violation %q, want %q in it", v, test.want)
				}
			}
			equal(t, "violations", len(violations), map[bool]int{false: 2}[test.want == ""])
		})
	}
}

func TestResponsesThatBreakTheContract(t *testing.T) {
	t.Parallel()
	s, c := tolerant(t)
	s.Account(account).SetServices(Service{Name: "no ID"})
	c.list()
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], `"/result/0/id"`) {
		t.Errorf("violations = %q, want one of the empty ID", v)
	}

	good := http.Header{
		"Content-Type": {"application/json"}, "Cf-Ray": {"0123456789abcdef-TST"},
		"Ratelimit": {`"default";r=1;t=2`}, "Ratelimit-Policy": {`"default";q=1;w=2`},
	}
	without := func(name string) http.Header { h := good.Clone(); h.Del(name); return h }
	with := func(name, value string) http.Header { h := good.Clone(); h.Set(name, value); return h }
	const (
		list   = `{"result":[],"success":true,"errors":[],"messages":[]}`
		empty  = `{"success":true,"errors":[],"messages":[]}`
		failed = `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[]}`
	)
	for name, test := range map[string]struct {
		method, path string
		response     response
		fits         bool
	}{
		"list":                 {method: "GET", response: response{status: 200, header: good, body: []byte(list)}, fits: true},
		"delete":               {method: "DELETE", response: response{status: 200, header: good, body: []byte(empty)}, fits: true},
		"refusal":              {method: "DELETE", response: response{status: 403, header: good, body: []byte(failed)}, fits: true},
		"no ray":               {method: "GET", response: response{status: 200, header: without("CF-Ray"), body: []byte(list)}},
		"odd budget":           {method: "GET", response: response{status: 200, header: with("Ratelimit", "r=1"), body: []byte(list)}},
		"HTML":                 {method: "GET", response: response{status: 200, header: with("Content-Type", "text/html"), body: []byte("<html>")}},
		"no result":            {method: "GET", response: response{status: 200, header: good, body: []byte(empty)}},
		"result of a delete":   {method: "DELETE", response: response{status: 200, header: good, body: []byte(list)}},
		"success is false":     {method: "GET", response: response{status: 200, header: good, body: []byte(strings.Replace(list, "true", "false", 1))}},
		"success with errors":  {method: "GET", response: response{status: 200, header: good, body: []byte(strings.Replace(failed, "false", `true,"result":[]`, 1))}},
		"failure is success":   {method: "GET", response: response{status: 403, header: good, body: []byte(list)}},
		"status":               {method: "POST", path: "/connect", response: response{status: 200, header: good, body: []byte(`{"result":{"id":"a"},"success":true,"errors":[],"messages":[]}`)}},
		"token":                {method: "POST", path: "/connect", response: response{status: 201, header: good, body: []byte(`{"result":{"id":"a"},"success":true,"errors":[],"messages":[]}`)}, fits: true},
		"token with a slash":   {method: "POST", path: "/connect", response: response{status: 201, header: good, body: []byte(`{"result":{"id":"a/b"},"success":true,"errors":[],"messages":[]}`)}},
		"short connection ID":  {method: "GET", path: "/connect/a", response: response{status: 200, header: good, body: []byte(`{"result":{"id":"a"},"success":true,"errors":[],"messages":[]}`)}},
		"429 with no delay":    {method: "GET", response: response{status: 429, header: good, body: []byte(failed)}},
		"429":                  {method: "GET", response: response{status: 429, header: with("Retry-After", "1"), body: []byte(failed)}, fits: true},
		"429 with a fraction":  {method: "GET", response: response{status: 429, header: with("Retry-After", "0.5"), body: []byte(failed)}},
		"429 without a budget": {method: "GET", response: response{status: 429, header: http.Header{"Retry-After": {"1"}, "Content-Type": {"application/json"}}, body: []byte(failed)}},
		"500":                  {method: "GET", response: response{status: 500, header: good, body: []byte(failed)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), test.method, s.URL()+pagerduty+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			input, _ := match(request)
			if err := checkResponse(input, test.response); (err == nil) != test.fits {
				t.Errorf("error = %v, fits = %v", err, test.fits)
			}
		})
	}
}

// TestNewFailsTheTest shows that a violation is not overlooked.
func TestNewFailsTheTest(t *testing.T) {
	t.Parallel()
	outer := &spy{TB: t}
	s := New(outer)
	s.Account(account).SetServices(Service{})
	c := overSocket(t, s)
	c.list()
	outer.cleanup()
	equal(t, "failures", outer.failures, 1)
	if _, err := c.try(t.Context(), "GET", pagerduty); err == nil {
		t.Error("the server still listens after the test")
	}
}

func TestCloseEndsStalls(t *testing.T) {
	t.Parallel()
	s, c := tolerant(t)
	arrived := make(chan struct{})
	s.Fail(Fault{Stall: time.Hour, Hook: func() {
		close(arrived)
		time.Sleep(20 * time.Millisecond) // Close waits for it.
	}})
	done := make(chan error)
	go func() {
		_, err := c.try(context.Background(), "GET", pagerduty)
		done <- err
	}()
	<-arrived
	s.Close()
	equal(t, "the request is still under way", s.Requests()[0].End.IsZero(), false)
	if <-done == nil {
		t.Error("a stalled request got a response after Close")
	}
	s.Close()
}

// TestTogether has all methods used at once, for the race detector, and counts what must not depend on the order.
func TestTogether(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		token := c.token().id(t)
		var linked atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if r, err := c.try(t.Context(), "GET", pagerduty+"/connect/"+token); err == nil && r.Status == 200 {
					linked.Add(1)
				}
				s.Fail(Fault{Op: Delete, Status: 500, Times: 1})
				_, _ = c.try(t.Context(), "DELETE", pagerduty)
				_, _ = c.try(t.Context(), "GET", pagerduty)
				a := s.Account(account)
				a.SetLinkModel(LinkModel{})
				a.SetPolicies(Policy{AlertType: "a"})
				_, _ = c.try(t.Context(), "GET", policies)
				a.PersonReconnects()
				a.PersonDisconnects()
				a.PersonConnects()
				_ = slices.Concat(a.Tokens(), s.Relinked(), s.Violations(), a.Policies())
				_, _ = s.Requests(), a.Services()
			})
		}
		group.Wait()
		equal(t, "links with effect", linked.Load(), 1)
		equal(t, "relinked", s.Relinked(), []string{token})
		equal(t, "deletes", s.Count(Delete), 8)
		services := s.Account(account).Services()
		equal(t, "services", len(slices.CompactFunc(services, func(a, b Service) bool { return a.ID == b.ID })), len(services))
	})
}

// clock is a clock that stands still unless it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// spy is a test whose failures do not count.
type spy struct {
	testing.TB
	cleanup  func()
	failures int
}

func (s *spy) Cleanup(f func())      { s.cleanup = f }
func (s *spy) Errorf(string, ...any) { s.failures++ }

// waitFor waits for what the server does after its client has gone.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
