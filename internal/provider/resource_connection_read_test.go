// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// connected is the instance of accountA with these services.
func connected(services ...cloudflaretest.Service) instance {
	status, ids := "pending", object{}
	for _, service := range services {
		status = "connected"
		ids[service.Name] = service.ID
	}
	return instance{
		state: object{
			"account_id": accountA, "id": accountA, "connection_id": "c0ffee",
			"adopt_existing": false, "wait_for_services": false, "disconnect_on_destroy": true,
			"status": status, "dashboard_url": "https://dash.cloudflare.com/" + accountA + "/notifications",
			"services": listed(services...), "service_ids": ids,
		},
		identity: object{"account_id": accountA},
	}
}

// readFailures are answers that prove nothing about the services of an account.
var readFailures = map[string]cloudflaretest.Fault{
	"403":              {Status: http.StatusForbidden, Body: `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`},
	"404 with 7003":    {Status: http.StatusNotFound, Body: `{"success":false,"result":null,"errors":[{"code":7003,"message":"Could not route"}]}`},
	"404":              {Status: http.StatusNotFound, Body: `{"success":false,"errors":[]}`},
	"HTML":             {Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Log in</html>"},
	"success false":    {Status: http.StatusOK, Body: `{"success":false,"result":[],"errors":[]}`},
	"no success":       {Status: http.StatusOK, Body: `{"result":[]}`},
	"other 2xx":        {Status: http.StatusAccepted, Body: `{"success":true,"result":[]}`},
	"truncated":        {Truncate: 20},
	"dropped":          {Drop: true},
	"500":              {Status: http.StatusInternalServerError},
	"redirect":         {Status: http.StatusFound, Header: http.Header{"Location": {"https://example.com"}}},
	"result no list":   {Status: http.StatusOK, Body: `{"success":true,"result":"none"}`},
	"service no ID":    {Status: http.StatusOK, Body: `{"success":true,"result":[{"name":"x"}]}`},
	"empty answer":     {Status: http.StatusOK},
	"null":             {Status: http.StatusOK, Body: `null`},
	"rate limit ahead": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3000"}}},
}

func TestReadErrorKeepsState(t *testing.T) {
	t.Parallel()
	advice := map[string][]string{
		"403":              {"403", "Authentication error (code 10000)", readPermission},
		"404 with 7003":    {"7003", "32 hexadecimal digits"},
		"HTML":             {"not the JSON of the Cloudflare API", "text/html", "200 OK", "Log in", "`base_url`"},
		"success false":    {"did not succeed", "200 OK"},
		"500":              {"500", "cloudflarestatus.com", "CF-Ray"},
		"redirect":         {"redirects are not followed"},
		"rate limit ahead": {"retry in 50m0s", "1,200 calls", "-parallelism"},
	}
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				before := connected(primary)
				read := newCore(t, server, nil).read(before)
				expect(t, read.diags, anError("Unable to Read PagerDuty Connection", append(advice[name], "Account "+accountA)...))
				expectState(t, read.state, before.state)
			})
		})
	}
}

func TestReadServicesGone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty": `{"success":true,"result":[],"errors":[],"messages":[],"result_info":{"count":0}}`,
		"null":  `{"success":true,"result":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusOK, Body: body})
				s := newCore(t, server, nil)
				before := connected(primary, second)
				before.identity = nil // As an older terraform keeps it.
				read := s.read(before)
				expect(t, read.diags, aWarning("PagerDuty Services Are Gone", "Account "+accountA,
					`"Primary" (ID 11111111111111111111111111111111), "Second" (ID 22222222-2222-2222-2222-222222222222)`, "the next apply connects the account again"))
				if read.state != nil {
					t.Errorf("kept %v", read.state)
				}
				expectState(t, read.identity, object{"account_id": accountA})

				// None before and none now.
				read = s.read(connected())
				expect(t, read.diags)
				expectState(t, read.state, connected().state)
			})
		})
	}
}

func TestReadShowsChanges(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		renamed := cloudflaretest.Service{ID: primary.ID, Name: "Zoo"}
		server.a.SetServices(renamed, second)
		s := newCore(t, server, nil)
		read := s.read(connected(primary))
		expect(t, read.diags)
		expectState(t, read.state, with(connected().state, object{"services": listed(second, renamed)}))
		p := s.plan(read.instance, object{})
		expect(t, p.diags)
		expectState(t, p.state, read.state)
		expectRequests(t, server, "list")
	})
}

// The order of the API's answer is nobody's promise.
func TestReadSortsServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		same := cloudflaretest.Service{ID: "01", Name: primary.Name}
		s := newCore(t, server, nil)
		for _, order := range [][]cloudflaretest.Service{{primary, second, same}, {second, same, primary}, {same, primary, second}} {
			server.a.SetServices(order...)
			expectState(t, s.read(connected()).state, object{"services": listed(same, primary, second)})
		}
	})
}

func TestReadRetries(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 2, Status: http.StatusBadGateway})
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 2, Drop: true})
		read := newCore(t, server, nil).read(connected(primary))
		expect(t, read.diags)
		expectRequests(t, server, "list list list list list")

		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Status: http.StatusBadGateway})
		read = newCore(t, server, with(standard(server), object{"max_retries": 0})).read(connected(primary))
		expect(t, read.diags, anError("Unable to Read PagerDuty Connection", "502"))
		expectRequests(t, server, "list")
	})
}

func TestReadTimeouts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config object
		fault  cloudflaretest.Fault
		took   time.Duration
		advice string
	}{
		// A block that outlasts the operation is told at once.
		"429 within the timeout":      {fault: cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"599"}}, Times: 1}, took: 599 * time.Second},
		"429 beyond the timeout":      {fault: cloudflaretest.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}}, advice: "retry in 10m0s"},
		"stalled beyond the attempts": {fault: cloudflaretest.Fault{Stall: time.Hour}, took: 5 * 30 * time.Second, advice: "`request_timeout`"},
		"stalled beyond the timeout":  {config: object{"request_timeout": "1h"}, fault: cloudflaretest.Fault{Stall: time.Hour}, took: 10 * time.Minute, advice: "Run again when the API answers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				test.fault.Op = cloudflaretest.List
				server.Fail(test.fault)
				s := newCore(t, server, with(standard(server), test.config))
				started := time.Now()
				read := s.read(connected(primary))
				took(t, started, test.took, test.took+15*time.Second)
				if test.advice == "" {
					expect(t, read.diags)
				} else {
					expect(t, read.diags, anError("Unable to Read PagerDuty Connection", test.advice))
				}
			})
		})
	}
}

func TestReadInterrupted(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"while it backs off":          {Status: http.StatusBadGateway},
		"while it waits for the rate": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}},
		"while it waits for answer":   {Stall: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				s := newCore(t, server, nil)
				started := time.Now()
				time.AfterFunc(time.Second, s.interrupt)
				read := s.read(connected(primary))
				took(t, started, time.Second, time.Second)
				expect(t, read.diags, anError("Unable to Read PagerDuty Connection", "interrupted", "Run again"))
				expectState(t, read.state, connected(primary).state)
			})
		})
	}
}
