// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// expectFound wants these accounts, in this order.
func expectFound(t *testing.T, results []found, accounts ...string) {
	t.Helper()
	var got []string
	for _, result := range results {
		got = append(got, fmt.Sprint(result.identity["account_id"]))
	}
	if strings.Join(got, " ") != strings.Join(accounts, " ") {
		t.Errorf("found %v, want %v", got, accounts)
	}
}

const queryFails = "Unable to List PagerDuty Connections"

// notListed is the one warning about accounts that could not be listed.
func notListed(account string, parts ...string) wanted {
	return aWarning(queryFails, append(parts, "1 account of 2 could not be listed.", "Account "+account+":")...)
}

func TestListOneAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		results, diags := newCore(t, server, nil).query(object{}, 100, false)
		expect(t, diags)
		expectFound(t, results, accountA)
		if want := "Account " + accountA + " (1 PagerDuty service)"; results[0].name != want {
			t.Errorf("%q, want %q", results[0].name, want)
		}
		expectRequests(t, server, "list")
	})
}

// An account without a service has nothing to import.
func TestListSeveralAccounts(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.b.SetServices(second, primary)
		c := newCore(t, server, nil)
		results, diags := c.query(object{"account_ids": []any{accountA, accountB}}, 100, false)
		expect(t, diags)
		expectFound(t, results, accountB)
		if want := "Account " + accountB + " (2 PagerDuty services)"; results[0].name != want {
			t.Errorf("%q, want %q", results[0].name, want)
		}
		server.a.SetServices(primary)
		for _, order := range [][]any{{accountA, accountB}, {accountB, accountA}} {
			results, diags = c.query(object{"account_ids": order}, 0, false)
			expect(t, diags)
			expectFound(t, results, order[0].(string), order[1].(string))
		}
		expectRequests(t, server, "list list list list list list")
	})
}

// With the resource comes the state that an import gives, so that the plan for it
// is empty.
func TestListIncludesResource(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(second, primary)
		c := newCore(t, server, nil)
		results, diags := c.query(object{}, 100, true)
		expect(t, diags)
		expectFound(t, results, accountA)
		imported := c.importIdentity(results[0].identity)
		expect(t, imported.diags)
		if !agrees(imported.state, results[0].state) || !agrees(results[0].state, imported.state) {
			t.Errorf("listed\n%v\nimported\n%v", results[0].state, imported.state)
		}
		expectState(t, results[0].state, object{
			"account_id": accountA, "id": accountA, "services": listed(primary, second), "connection_id": nil,
			"adopt_existing": false, "wait_for_services": false, "disconnect_on_destroy": true, "timeouts": nil,
			"status": "connected", "service_ids": object{"Primary": primary.ID, "Second": second.ID},
			"dashboard_url": "https://dash.cloudflare.com/" + accountA + "/notifications",
		})
		p := c.plan(imported.instance, object{"account_id": accountA})
		expect(t, p.diags)
		if !agrees(p.state, imported.state) {
			t.Errorf("the plan after the import is not empty: %v", p.state)
		}
	})
}

func manyAccounts(server *fakeAPI, n int) []any {
	var ids []any
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		server.Account(id).SetServices(primary)
		ids = append(ids, id)
	}
	return ids
}

func TestListLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		ids := manyAccounts(server, 25)
		server.Account(ids[0].(string)).SetServices()                                                                                                                                   // does not count
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Account: ids[1].(string), Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")}) // nor does this
		c := newCore(t, server, nil)
		for limit, lists := range map[int64]int{1: 10, 8: 10, 9: 20, 18: 20, 19: 25, 23: 25, 100: 25, 0: 25} {
			results, _ := c.query(object{"account_ids": ids}, limit, false)
			want := int(limit)
			if limit == 0 || limit > 23 {
				want = 23
			}
			if len(results) != want {
				t.Errorf("limit %d: %d results", limit, len(results))
			}
			if n := server.Count(""); n != lists {
				t.Errorf("limit %d: %d requests, want %d", limit, n, lists)
			}
			server.ResetRequests()
		}
	})
}

// Ten accounts are listed at the same time.
func TestListIsConcurrent(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		ids := manyAccounts(server, 30)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Second})
		started := time.Now()
		results, diags := newCore(t, server, nil).query(object{"account_ids": ids}, 100, false)
		took(t, started, 3*time.Second, 3*time.Second)
		expect(t, diags)
		if len(results) != len(ids) {
			t.Errorf("%d results", len(results))
		}
	})
}

// Terraform ends a list at an error, so an account that fails is a warning.
func TestListFailureDoesNotHideOthers(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				server.b.SetServices(second)
				fault.Op, fault.Account = cloudflaretest.List, accountA
				server.Fail(fault)
				c := newCore(t, server, nil)
				results, diags := c.query(object{"account_ids": []any{accountA, accountB}}, 100, true)
				if name == "rate limit ahead" {
					// It holds for all accounts, and the other one may be listed before.
					if len(diags) != 1 || diags[0].Summary != queryFails {
						t.Errorf("%s", diags)
					}
					return
				}
				parts := map[string][]string{"403": {readPermission, "403", "CF-Ray"}, "404 with 7003": {"7003", "`account_id`"}}[name]
				expect(t, diags, notListed(accountA, parts...))
				expectFound(t, results, accountB)
			})
		})
	}
	t.Run("unknown account", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.a.SetServices(primary)
			results, diags := newCore(t, server, nil).query(object{"account_ids": []any{accountNone, accountA}}, 100, false)
			expect(t, diags, notListed(accountNone, "7003"))
			expectFound(t, results, accountA)
		})
	})
}

// Terraform shows only the first of several warnings with equal summaries, so one
// names all accounts that failed.
func TestListFailuresAreOneWarning(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		ids := manyAccounts(server, 33)
		for _, id := range ids[:30] {
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Account: id.(string), Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		}
		results, diags := newCore(t, server, nil).query(object{"account_ids": ids}, 100, false)
		if len(results) != 3 {
			t.Errorf("%d results", len(results))
		}
		want := []string{"30 accounts of 33 could not be listed.", "and 10 more accounts"}
		for _, id := range ids[:20] {
			want = append(want, "Account "+id.(string)+":")
		}
		expect(t, diags, aWarning(queryFails, want...))
	})
}

// All accounts failing is an error, or terraform query would exit 0 without a
// result.
func TestListAllFail(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, with(standard(server), object{"api_token": "revoked"}))
		for _, ids := range [][]any{{accountA}, {accountA, accountB}} {
			results, diags := c.query(object{"account_ids": ids}, 100, false)
			var want []string
			for _, id := range ids {
				want = append(want, "Account "+id.(string)+":", "Authentication error (code 10000)", readPermission)
			}
			expect(t, diags, anError(queryFails, want...))
			expectFound(t, results)
		}
	})
}

// The list of a base_url other than the default blames it too.
func TestListFailureNamesBaseURL(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		_, diags := newCore(t, server, nil).query(object{"account_ids": []any{accountNone}}, 100, false)
		expect(t, diags, anError(queryFails, "7003", "`base_url`", "/client/v4"))
	})
}

// One account in two spellings is listed and returned once.
func TestListAccountInTwoSpellings(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		results, diags := c.query(object{"account_ids": []any{accountA, strings.ToUpper(accountA)}}, 100, false)
		expect(t, diags)
		expectFound(t, results, accountA)
		expectRequests(t, server, "list")
	})
}

func TestListInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		ids := manyAccounts(server, 30)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: 2 * time.Second})
		c := newCore(t, server, nil)
		started := time.Now()
		time.AfterFunc(3*time.Second, c.interrupt)
		results, diags := c.query(object{"account_ids": ids}, 100, false)
		took(t, started, 3*time.Second, 3*time.Second)
		if len(results) != 10 {
			t.Errorf("%d results", len(results))
		}
		expectRequests(t, server, "list"+strings.Repeat(" list", 19)) // None for the accounts that were left.
		expect(t, diags, aWarning(queryFails, "20 accounts of 30 could not be listed.", "interrupted"))
	})
}

func TestListTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.b.SetServices(second)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Account: accountA, Stall: 24 * time.Hour})
		c := newCore(t, server, with(standard(server), object{"request_timeout": "1h"}))
		started := time.Now()
		results, diags := c.query(object{"account_ids": []any{accountA, accountB}}, 100, false)
		took(t, started, 10*time.Minute, 10*time.Minute)
		expect(t, diags, notListed(accountA, "timed out", "Run it again when the API responds."))
		expectFound(t, results, accountB)
	})
}

func TestListInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		query := func(config, block object) diagnostics {
			results, diags := newCore(t, server, with(standard(server), config)).query(block, 100, false)
			expectFound(t, results)
			return diags
		}
		expect(t, query(nil, object{"account_ids": nil}), isRequired("account_ids"))
		expect(t, query(object{"api_token": unknown}, object{}), anError("Provider Argument Not Known Yet", "`api_token`"))
		expect(t, query(nil, object{"account_ids": []any{}}), anError("Invalid Attribute Value", "at least 1").on("account_ids"))
		expect(t, query(nil, object{"account_ids": []any{accountA, accountA}}), anError("Duplicate List Value", accountA).on("account_ids"))
		expect(t, query(nil, object{"account_ids": []any{nil}}), anError("Null List Value").on("account_ids"))
		expectRequests(t, server, "")
	})
}

func TestListReadOnlyToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		results, diags := newCore(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken})).query(object{}, 100, true)
		expect(t, diags)
		expectFound(t, results, accountA)
	})
}
