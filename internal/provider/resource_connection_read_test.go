// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
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

// readFailures are responses that prove nothing about the services of an account.
var readFailures = map[string]cloudflaretest.Fault{
	"403":                {Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")},
	"404 with 7003":      {Status: http.StatusNotFound, Body: cloudflaretest.Failure(7003, "Could not route")},
	"404":                {Status: http.StatusNotFound, Body: `{"success":false,"errors":[]}`},
	"400 with messages":  {Status: http.StatusBadRequest, Body: `{"success":false,"errors":[],"messages":[{"code":1,"message":"Not today"}]}`},
	"HTML":               cloudflaretest.HTML(http.StatusOK),
	"HTML 403":           cloudflaretest.HTML(http.StatusForbidden),
	"HTML of a proxy":    {Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}, "CF-Ray": nil}, Body: "<html>Log in</html>"},
	"success false":      {Edit: cloudflaretest.Set("success", "false")},
	"no success":         {Edit: cloudflaretest.Set("success", "")},
	"errors":             {Edit: cloudflaretest.Set("errors", cloudflaretest.Messages("Partial failure"))},
	"no result":          {Edit: cloudflaretest.Set("result", "")},
	"more than is shown": {Edit: cloudflaretest.Set("result_info", `{"count":1,"total_count":2}`)},
	"more pages":         {Edit: cloudflaretest.Set("result_info", `{"total_pages":2}`)},
	"other 2xx":          {Status: http.StatusAccepted, Body: `{"success":true,"result":[]}`},
	"truncated":          {Truncate: 20},
	"dropped":            {Drop: true},
	"500":                {Status: http.StatusInternalServerError, Body: cloudflaretest.Failure(1000, "oops")},
	"500 without a body": {Status: http.StatusInternalServerError},
	"redirect":           {Status: http.StatusFound, Header: http.Header{"Location": {"https://example.com"}}},
	"result is text":     {Edit: cloudflaretest.Set("result", `"none"`)},
	"service without ID": {Edit: cloudflaretest.Append(`{"name":"x"}`)},
	"empty body":         {Status: http.StatusOK},
	"null":               {Status: http.StatusOK, Body: `null`},
	"rate limit ahead":   cloudflaretest.RetryAfter(http.StatusTooManyRequests, "3000"),
}

// waysOut are the two ways to let go of an account that is gone or out of reach.
var waysOut = []string{"`removed` block with `destroy = false`", "-refresh=false", "terraform state rm pagerduty_connection.NAME"}

// namesWaysOut reports which of readFailures say that the account may be gone.
func namesWaysOut(failure string) bool {
	return failure == "403" || failure == "404" || failure == "404 with 7003"
}

func TestReadErrorKeepsState(t *testing.T) {
	t.Parallel()
	advice := map[string][]string{
		"403":                {"403", "Authentication error (code 10000)", readPermission},
		"404":                {"404", "`account_id`"},
		"404 with 7003":      {"7003", "does not recognize account " + accountA, "32 hexadecimal digits"},
		"400 with messages":  {"400", "Not today"},
		"HTML":               {"came through Cloudflare's network", "text/html", "200 OK", "Just a moment", "`base_url`"},
		"HTML 403":           {"came through Cloudflare's network", "text/html", "403 Forbidden", "firewall"},
		"HTML of a proxy":    {"did not come from the Cloudflare API", "text/html", "200 OK", "Log in", "`base_url`"},
		"errors":             {"200 OK", "Partial failure"},
		"success false":      {"200 OK"},
		"more than is shown": {"200 OK"},
		"500":                {"500", "cloudflarestatus.com", "CF-Ray"},
		"redirect":           {"does not follow redirects"},
		"rate limit ahead":   {"Requests will work again in 50 minutes.", "1,200 requests", "one `pagerduty_services` data source"},
	}
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				before := connected(primary)
				read := newCore(t, server, nil).read(before)
				want := append([]string{"Details: "}, advice[name]...)
				if namesWaysOut(name) {
					want = append(want, waysOut...)
				}
				expect(t, read.diags, anError("Unable to Read PagerDuty Connection", want...))
				if !namesWaysOut(name) && strings.Contains(read.diags.String(), letGo) {
					t.Errorf("lets go of an account that may be there:\n%s", read.diags)
				}
				if strings.Contains(read.diags.String(), "-parallelism") {
					t.Errorf("a lower -parallelism makes more requests:\n%s", read.diags)
				}
				expectState(t, read.state, before.state)
			})
		})
	}
}

// Code 9109 means that the account is unknown only where its message says so.
func TestReadOfInvalidAccount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Invalid account identifier":                {"does not recognize account " + accountA, "`account_id`", "32 hexadecimal digits"},
		"Valid user-level authentication not found": {"refused this request", "`api_token`"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(9109, text)})
				read := newCore(t, server, nil).read(connected(primary))
				expect(t, read.diags, anError("Unable to Read PagerDuty Connection", append(append(want, text+" (code 9109)"), waysOut...)...))
			})
		})
	}
}

// An account without services leaves the connection in the state, pending, in
// whatever form the API lists nothing.
func TestReadWithoutServices(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]string{"empty": "[]", "null": "null"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Set("result", result)})
				c := newCore(t, server, nil)
				before := connected(primary, second)
				before.identity = nil // As an older terraform keeps it.
				read := c.read(before)
				expect(t, read.diags, aWarning(of(titlePending, accountA), append(named([]cloudflaretest.Service{primary, second}), clicks...)...))
				expectState(t, read.state, with(before.state, object{"status": "pending", "services": listed(), "service_ids": object{}}))
				expectState(t, read.identity, object{"account_id": accountA})
				expectRequests(t, server, "list policies")

				read = c.read(read.instance)
				expect(t, read.diags, isPending())
				expectState(t, read.state, object{"status": "pending"})
			})
		})
	}
}

// The warning of each refresh holds four lines at most.
func TestPendingWarningIsShort(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		read := newCore(t, server, nil).read(connected())
		expect(t, read.diags, isPending())
		if lines := strings.Split(read.diags[0].Detail, "\n"); len(lines) > 4 {
			t.Errorf("%d lines:\n%s", len(lines), read.diags)
		}
	})
}

// One object in place of a list is a list of one.
func TestReadOneObject(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Set("result", `{"id":"`+primary.ID+`","name":"Primary"}`)})
		read := newCore(t, server, nil).read(connected(primary))
		expect(t, read.diags)
		expectState(t, read.state, connected(primary).state)
	})
}

// One service that is listed twice is one, and one that comes in another form of
// its ID is not gone.
func TestReadOtherFormsOfIDs(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func([]byte) []byte{"twice": cloudflaretest.Twice, "reshaped": cloudflaretest.Reshape} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary, second)
				server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: edit})
				c := newCore(t, server, nil)
				read := c.read(connected(primary, second))
				expect(t, read.diags)
				if services := read.state["services"].([]any); len(services) != 2 {
					t.Errorf("services: %v", services)
				}
				destroyed := c.destroy(connected(primary, second))
				expect(t, destroyed.diags)
				expectServices(t, server.a)
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
		c := newCore(t, server, nil)
		read := c.read(connected(primary))
		expect(t, read.diags)
		expectState(t, read.state, with(connected().state, object{
			"status": "connected", "services": listed(second, renamed), "service_ids": object{"Second": second.ID, "Zoo": primary.ID},
		}))
		p := c.plan(read.instance, object{})
		expect(t, p.diags)
		expectState(t, p.state, read.state)
		expectRequests(t, server, "list")
	})
}

// The API promises no order. A name that occurs twice has no ID of its own.
func TestReadSortsServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		same := cloudflaretest.Service{ID: "01", Name: primary.Name}
		c := newCore(t, server, nil)
		for _, order := range [][]cloudflaretest.Service{{primary, second, same}, {second, same, primary}, {same, primary, second}} {
			server.a.SetServices(order...)
			expectState(t, c.read(connected(primary)).state, object{"services": listed(same, primary, second), "service_ids": object{"Second": second.ID}})
		}
	})
}

// A connection that was pending until now is checked for policies, once.
func TestReadOfPendingConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		read := newCore(t, server, nil).read(connected())
		expect(t, read.diags)
		expectState(t, read.state, connected(primary).state)
		expectRequests(t, server, "list policies")
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
		// A block that outlasts the operation is an error at once.
		"429 within the timeout":      {fault: once(cloudflaretest.RetryAfter(http.StatusTooManyRequests, "599")), took: 599 * time.Second},
		"503 within the timeout":      {fault: once(cloudflaretest.RetryAfter(http.StatusServiceUnavailable, "60")), took: time.Minute},
		"429 beyond the timeout":      {fault: cloudflaretest.RetryAfter(http.StatusTooManyRequests, "600"), advice: "Requests will work again in 10 minutes."},
		"stalled beyond the attempts": {fault: cloudflaretest.Fault{Stall: time.Hour}, took: 5 * 30 * time.Second, advice: "`request_timeout`"},
		"stalled beyond the timeout":  {config: object{"request_timeout": "1h"}, fault: cloudflaretest.Fault{Stall: time.Hour}, took: 10 * time.Minute, advice: "Run it again when the API responds."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				test.fault.Op = cloudflaretest.List
				server.Fail(test.fault)
				c := newCore(t, server, with(standard(server), test.config))
				started := time.Now()
				read := c.read(connected(primary))
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
		"while it backs off":                {Status: http.StatusBadGateway},
		"while it waits for the rate limit": cloudflaretest.RetryAfter(http.StatusTooManyRequests, "300"),
		"while it waits for a response":     {Stall: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				c := newCore(t, server, nil)
				started := time.Now()
				time.AfterFunc(time.Second, c.interrupt)
				read := c.read(connected(primary))
				took(t, started, time.Second, time.Second)
				expect(t, read.diags, anError("Unable to Read PagerDuty Connection", "The operation was interrupted.", "Run it again. Terraform detects completed changes."))
				expectState(t, read.state, connected(primary).state)
			})
		})
	}
}

// once is a fault that acts on one request.
func once(fault cloudflaretest.Fault) cloudflaretest.Fault {
	fault.Times = 1
	return fault
}
