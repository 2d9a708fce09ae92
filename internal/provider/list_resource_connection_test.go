// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
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

func notListed(account string, parts ...string) wanted {
	return aWarning("Unable to List PagerDuty Connection", append(parts, "Account "+account)...)
}

func TestListOneAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		results, diags := newSession(t, server, nil).query(object{}, 100, false)
		expect(t, diags)
		expectFound(t, results, accountA)
		if want := "Account " + accountA + " (1 PagerDuty service)"; results[0].name != want {
			t.Errorf("%q, want %q", results[0].name, want)
		}
		expectCalls(t, server, "list")
	})
}

// An account without a service has nothing to import.
func TestListSeveralAccounts(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.b.SetServices(second, primary)
		s := newSession(t, server, nil)
		results, diags := s.query(object{"account_ids": []any{accountA, accountB}}, 100, false)
		expect(t, diags)
		expectFound(t, results, accountB)
		if want := "Account " + accountB + " (2 PagerDuty services)"; results[0].name != want {
			t.Errorf("%q, want %q", results[0].name, want)
		}
		server.a.SetServices(primary)
		for _, order := range [][]any{{accountA, accountB}, {accountB, accountA}} {
			results, diags = s.query(object{"account_ids": order}, 0, false)
			expect(t, diags)
			expectFound(t, results, order[0].(string), order[1].(string))
		}
		expectCalls(t, server, "list list list list list list")
	})
}

// With the resource comes the state that an import gives, so that the plan for it
// is empty.
func TestListIncludesResource(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(second, primary)
		s := newSession(t, server, nil)
		results, diags := s.query(object{}, 100, true)
		expect(t, diags)
		expectFound(t, results, accountA)
		imported := s.importIdentity(results[0].identity)
		expect(t, imported.diags)
		if !agrees(imported.state, results[0].state) || !agrees(results[0].state, imported.state) {
			t.Errorf("listed\n%v\nimported\n%v", results[0].state, imported.state)
		}
		expectState(t, results[0].state, object{
			"account_id": accountA, "id": accountA, "services": listed(primary, second), "connection_id": nil,
			"adopt_existing": false, "wait_for_services": false, "timeouts": nil,
		})
		p := s.plan(imported.instance, object{"account_id": accountA})
		expect(t, p.diags)
		if !agrees(p.state, imported.state) {
			t.Errorf("the plan after the import is not empty: %v", p.state)
		}
	})
}

func manyAccounts(server *standIn, n int) []any {
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
	bubble(t, func(server *standIn) {
		t := server.t
		ids := manyAccounts(server, 25)
		server.Account(ids[0].(string)).SetServices()                                                                      // does not count
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Account: ids[1].(string), Status: http.StatusForbidden}) // nor does this
		s := newSession(t, server, nil)
		for limit, lists := range map[int64]int{1: 10, 8: 10, 9: 20, 18: 20, 19: 25, 23: 25, 100: 25, 0: 25} {
			results, _ := s.query(object{"account_ids": ids}, limit, false)
			want := int(limit)
			if limit == 0 || limit > 23 {
				want = 23
			}
			if len(results) != want {
				t.Errorf("limit %d: %d results", limit, len(results))
			}
			if n := server.Count(""); n != lists {
				t.Errorf("limit %d: %d calls, want %d", limit, n, lists)
			}
			server.ResetRequests()
		}
	})
}

// Ten accounts are looked at together.
func TestListIsConcurrent(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		ids := manyAccounts(server, 30)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: time.Second})
		started := time.Now()
		results, diags := newSession(t, server, nil).query(object{"account_ids": ids}, 100, false)
		took(t, started, 3*time.Second, 3*time.Second)
		expect(t, diags)
		if len(results) != len(ids) {
			t.Errorf("%d results", len(results))
		}
	})
}

// Terraform ends a list at an error, so what happens to one account is a warning.
func TestListFailureDoesNotHideOthers(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				server.b.SetServices(second)
				fault.Op, fault.Account = cloudflaretest.List, accountA
				server.Fail(fault)
				s := newSession(t, server, nil)
				if name == "rate limit ahead" {
					return // That holds back all calls.
				}
				results, diags := s.query(object{"account_ids": []any{accountA, accountB}}, 100, true)
				parts := map[string][]string{"403": {readPermission, "403", "CF-Ray"}, "404 with 7003": {"7003", "`account_id`"}}[name]
				expect(t, diags, notListed(accountA, parts...))
				expectFound(t, results, accountB)
			})
		})
	}
	t.Run("account that is not there", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *standIn) {
			t := server.t
			server.a.SetServices(primary)
			results, diags := newSession(t, server, nil).query(object{"account_ids": []any{accountNone, accountA}}, 100, false)
			expect(t, diags, notListed(accountNone, "7003"))
			expectFound(t, results, accountA)
		})
	})
}

func TestListInterrupted(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		ids := manyAccounts(server, 30)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Stall: 2 * time.Second})
		s := newSession(t, server, nil)
		started := time.Now()
		time.AfterFunc(3*time.Second, s.interrupt)
		results, diags := s.query(object{"account_ids": ids}, 100, false)
		took(t, started, 3*time.Second, 3*time.Second)
		if len(results) != 10 || len(diags) != 10 || !strings.Contains(diags[0].Detail, "interrupted") {
			t.Errorf("%d results\n%s", len(results), diags)
		}
	})
}

func TestListTimeout(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.b.SetServices(second)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Account: accountA, Stall: 24 * time.Hour})
		s := newSession(t, server, with(standard(server), object{"request_timeout": "1h"}))
		started := time.Now()
		results, diags := s.query(object{"account_ids": []any{accountA, accountB}}, 100, false)
		took(t, started, 10*time.Minute, 10*time.Minute)
		expect(t, diags, notListed(accountA, "the time for this operation is up"))
		expectFound(t, results, accountB)
	})
}

func TestListInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		query := func(config, block object) diagnostics {
			results, diags := newSession(t, server, with(standard(server), config)).query(block, 100, false)
			expectFound(t, results)
			return diags
		}
		expect(t, query(nil, object{"account_ids": nil}), isRequired("account_ids"))
		expect(t, query(object{"api_token": unknown}, object{}), anError("Provider Argument Not Known Yet", "`api_token`"))
		for _, id := range invalidAccountIDs {
			expect(t, query(nil, object{"account_ids": []any{accountA, id}}), anError("Invalid Account ID", "is not an account ID", "32 hexadecimal digits").on("account_ids.1"))
		}
		expect(t, query(nil, object{"account_ids": []any{}}), anError("Invalid Attribute Value", "at least 1").on("account_ids"))
		expect(t, query(nil, object{"account_ids": []any{accountA, accountA}}), anError("Duplicate List Value", accountA).on("account_ids"))
		expect(t, query(nil, object{"account_ids": []any{nil}}), anError("Null List Value").on("account_ids"))
		expectCalls(t, server, "")
	})
}

func TestListReadOnlyToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		results, diags := newSession(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken})).query(object{}, 100, true)
		expect(t, diags)
		expectFound(t, results, accountA)
	})
}
