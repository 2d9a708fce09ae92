// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func TestServicesFilters(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		blank := cloudflaretest.Service{ID: "33", Name: ""}
		twin := cloudflaretest.Service{ID: "00", Name: "Primary"}
		lower := cloudflaretest.Service{ID: "44", Name: "primary (dev)"}
		server.a.SetServices(lower, second, primary, blank, twin)
		c := newCore(t, server, nil)
		for name, test := range map[string]struct {
			filter object
			want   []cloudflaretest.Service
		}{
			"none":               {filter: object{}, want: []cloudflaretest.Service{blank, twin, primary, second, lower}},
			"exact name":         {filter: object{"name": "Primary"}, want: []cloudflaretest.Service{twin, primary}},
			"part of a name":     {filter: object{"name": "Prim"}},
			"empty name":         {filter: object{"name": ""}, want: []cloudflaretest.Service{blank}},
			"regexp, anywhere":   {filter: object{"name_regex": "rim"}, want: []cloudflaretest.Service{twin, primary, lower}},
			"regexp, anchored":   {filter: object{"name_regex": "^Primary$"}, want: []cloudflaretest.Service{twin, primary}},
			"regexp, flags":      {filter: object{"name_regex": "(?i)^PRIMARY"}, want: []cloudflaretest.Service{twin, primary, lower}},
			"empty regexp":       {filter: object{"name_regex": ""}, want: []cloudflaretest.Service{blank, twin, primary, second, lower}},
			"no match":           {filter: object{"name_regex": "^x"}},
			"name is no pattern": {filter: object{"name": "Prim.*"}},
		} {
			t.Log(name)
			read := c.services(test.filter)
			expect(t, read.diags)
			ids := object{}
			for _, service := range test.want {
				ids[service.Name] = service.ID
			}
			delete(ids, "Primary") // It occurs twice.
			expectState(t, read.state, with(object{"account_id": accountA, "name": nil, "name_regex": nil, "services": listed(test.want...), "service_ids": ids}, test.filter))
			expectRequests(t, server, "list")
		}
	})
}

func TestServicesAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.b.SetServices(second)
		c := newCore(t, server, nil)
		// An account without a service is no error, and no warning.
		read := c.services(object{})
		expect(t, read.diags)
		expectState(t, read.state, object{"account_id": accountA, "services": listed(), "service_ids": object{}})
		expectState(t, c.services(object{"account_id": accountB}).state, object{"account_id": accountB, "services": listed(second), "service_ids": object{"Second": second.ID}})
		expectRequests(t, server, "list list")
	})
}

func TestServicesInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		expect(t, c.services(object{"account_id": nil}).diags, isRequired("account_id"))
		expect(t, c.services(object{"name_regex": "(?<=x)"}).diags, anError("Invalid Regular Expression", "RE2").on("name_regex"))
		expect(t, c.services(object{"name_regex": "["}).diags, anError("Invalid Regular Expression", "missing closing ]").on("name_regex"))
		expect(t, c.services(object{"name": "a", "name_regex": "b"}).diags, anError("Invalid Attribute Combination", "name_regex").on("name"))
		expectRequests(t, server, "")
	})
}

func TestServicesReadOnlyToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken}))
		read := c.services(object{})
		expect(t, read.diags)
		expectState(t, read.state, object{"services": listed(primary)})
	})
}

func TestServicesForbidden(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		expect(server.t, newCore(server.t, server, nil).services(object{}).diags, anError("Unable to Read PagerDuty Services", readPermission, "belong to account "+accountA))
	})
}

func TestServicesErrors(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				read := newCore(t, server, nil).services(object{})
				names := accountA
				if name == "rate limit ahead" {
					names = "" // It has nothing to do with the account.
				}
				expect(t, read.diags, anError("Unable to Read PagerDuty Services", "Details: ", names))
				if strings.Contains(read.diags.String(), letGo) {
					t.Errorf("lets go of what is in no state:\n%s", read.diags)
				}
			})
		})
	}
}

// Reading has ten minutes. A longer block by the rate limit is an error at once.
func TestServicesTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		for wait, enough := range map[string]bool{"599": true, "600": false} {
			fault := once(cloudflaretest.RetryAfter(http.StatusTooManyRequests, wait))
			fault.Op = cloudflaretest.List
			server.Fail(fault)
			started := time.Now()
			read := newCore(t, server, nil).services(object{})
			if enough {
				expect(t, read.diags)
				took(t, started, 599*time.Second, 600*time.Second)
			} else {
				expect(t, read.diags, anError("Unable to Read PagerDuty Services", "Requests will work again in 10 minutes."))
				took(t, started, 0, 0)
			}
		}
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: 24 * time.Hour})
		started := time.Now()
		read := newCore(t, server, with(standard(server), object{"request_timeout": "1h"})).services(object{})
		expect(t, read.diags, anError("Unable to Read PagerDuty Services", "timed out", "Run it again when the API responds"))
		took(t, started, 10*time.Minute, 10*time.Minute)
	})
}

func TestServicesInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusBadGateway})
		c := newCore(t, server, nil)
		started := time.Now()
		time.AfterFunc(time.Second, c.interrupt)
		expect(t, c.services(object{}).diags, anError("Unable to Read PagerDuty Services", "interrupted"))
		took(t, started, time.Second, time.Second)
	})
}

// Whatever is refreshed at once shares one list for each account, and each still
// filters on its own.
func TestReadsShareLists(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(second, primary)
		server.b.SetServices(second)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Second})
		c := newCore(t, server, nil)
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				expectState(t, c.services(object{"name": "Primary"}).state, object{"services": listed(primary)})
			})
			wait.Go(func() {
				expectState(t, c.services(object{"name": "Second"}).state, object{"services": listed(second)})
			})
			wait.Go(func() {
				expectState(t, c.read(connected(primary)).state, object{"services": listed(primary, second)})
			})
			wait.Go(func() {
				expectState(t, c.services(object{"account_id": accountB}).state, object{"services": listed(second)})
			})
			wait.Go(func() {
				expectState(t, c.service(object{"name": "Second"}).state, object{"id": second.ID})
			})
			wait.Go(func() {
				results, _ := c.query(object{"account_ids": []any{accountA, accountB}}, 100, false)
				expectFound(t, results, accountA, accountB)
			})
		}
		wait.Wait()
		if a, b := server.CountFor(accountA, ""), server.CountFor(accountB, ""); a != 1 || b != 1 {
			t.Errorf("%d and %d lists", a, b)
		}

		// Nothing is kept beyond that.
		c.services(object{})
		if n := server.CountFor(accountA, ""); n != 2 {
			t.Errorf("%d lists", n)
		}
	})
}
