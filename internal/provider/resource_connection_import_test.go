// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

func TestImport(t *testing.T) {
	t.Parallel()
	imports := map[string]func(*session, string) outcome{
		"by ID":       func(s *session, account string) outcome { return s.importID(account) },
		"by identity": func(s *session, account string) outcome { return s.importIdentity(object{"account_id": account}) },
	}
	for how, imports := range imports {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				server.a.SetServices(second, primary)
				s := newSession(t, server, nil)
				imported := imports(s, accountA)
				expectCalls(t, server, "list")
				expect(t, imported.diags)
				expectState(t, imported.state, object{
					"account_id": accountA, "id": accountA, "connection_id": nil, "adopt_existing": false, "wait_for_services": false,
					"timeouts": nil, "services": listed(primary, second),
				})
				expectState(t, imported.identity, object{"account_id": accountA})

				p := s.plan(imported.instance, object{})
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
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		want := anError("Invalid Import ID", "is not an account ID", "32 hexadecimal digits", "dash.cloudflare.com")
		for name, id := range invalidAccountIDs {
			t.Log(name)
			expect(t, s.importID(id).diags, want)
			expect(t, s.importIdentity(object{"account_id": id}).diags, want)
		}
		expectCalls(t, server, "")
	})
}

func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		imported := s.importID(accountA)
		expect(t, imported.diags, anError("Unable to Import PagerDuty Connection", "Account "+accountA, "nothing to import"))

		imported = s.importID(accountNone)
		expect(t, imported.diags, anError("Unable to Read PagerDuty Connection", "Account "+accountNone, "7003", "32 hexadecimal digits"))

		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden})
		expect(t, s.importID(accountA).diags, anError("Unable to Read PagerDuty Connection", readPermission))
	})
}
