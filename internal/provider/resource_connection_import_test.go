// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func TestImport(t *testing.T) {
	t.Parallel()
	imports := map[string]func(*core, string) outcome{
		"by ID":       func(c *core, account string) outcome { return c.importID(account) },
		"by identity": func(c *core, account string) outcome { return c.importIdentity(object{"account_id": account}) },
	}
	for how, imports := range imports {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(second, primary)
				c := newCore(t, server, nil)
				imported := imports(c, accountA)
				expectRequests(t, server, "list")
				expect(t, imported.diags)
				expectState(t, imported.state, object{
					"account_id": accountA, "id": accountA, "connection_id": nil, "adopt_existing": false, "wait_for_services": false, "disconnect_on_destroy": true,
					"status": "connected", "dashboard_url": "https://dash.cloudflare.com/" + accountA + "/notifications", "timeouts": nil,
					"services": listed(primary, second), "service_ids": object{"Primary": primary.ID, "Second": second.ID},
				})
				expectState(t, imported.identity, object{"account_id": accountA})

				p := c.plan(imported.instance, object{})
				expect(t, p.diags)
				if len(p.replaced) > 0 {
					t.Errorf("replaced because of %v", p.replaced)
				}
				expectState(t, p.state, imported.state)
			})
		})
	}
}

func TestImportInvalidID(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		want := anError("Invalid Import ID", "is not an account ID", "32 hexadecimal digits", "dash.cloudflare.com")
		for name, id := range invalidAccountIDs {
			t.Log(name)
			expect(t, c.importID(id).diags, want)
			expect(t, c.importIdentity(object{"account_id": id}).diags, want)
		}
		expect(t, c.importID(accountA[1:]+" ").diags, anError("Invalid Import ID", strconv.Quote(accountA[1:]+" ")))
		expectRequests(t, server, "")
	})
}

// An account that can't be listed is not imported. It is not in the state yet, so
// there is nothing to let go of.
func TestImportFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		expect(t, c.importID(accountNone).diags, anError("Unable to Read PagerDuty Connection", "does not recognize account "+accountNone, "7003", "32 hexadecimal digits"))
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		imported := c.importID(accountA)
		expect(t, imported.diags, anError("Unable to Read PagerDuty Connection", readPermission))
		if strings.Contains(imported.diags.String(), letGo) {
			t.Errorf("lets go of what is in no state:\n%s", imported.diags)
		}
	})
}

// What an import can't know is one update in place, without a request.
func TestImportOfBlockWithSettings(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]object{
		"disconnect_on_destroy": {"disconnect_on_destroy": false},
		"timeouts":              {"timeouts": object{"create": "5m", "delete": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				c := newCore(t, server, nil)
				imported := c.importID(accountA)
				expectRequests(t, server, "list")
				updated := c.converge(imported.instance, block)
				expect(t, updated.diags)
				expectState(t, updated.state, with(imported.state, block))
				expectRequests(t, server, "")
			})
		})
	}
}
