// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

func noService(at string, parts ...string) wanted {
	return anError("Unable to Find PagerDuty Service", append(parts, "Account "+accountA)...).on(at)
}

func TestConnectedService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		upper := cloudflaretest.Service{ID: "ABCDEF00000000000000000000000001", Name: "Network"}
		server.a.SetServices(second, upper, primary)
		s := newSession(t, server, nil)
		for name, test := range map[string]struct {
			config object
			want   cloudflaretest.Service
		}{
			"name":                {object{"name": "Primary"}, primary},
			"ID":                  {object{"id": primary.ID}, primary},
			"ID, dashed":          {object{"id": "11111111-1111-1111-1111-111111111111"}, primary},
			"dashed ID":           {object{"id": second.ID}, second},
			"dashed ID, undashed": {object{"id": "22222222222222222222222222222222"}, second},
			"ID, lower case":      {object{"id": "abcdef00-0000-0000-0000-000000000001"}, upper},
			"ID, upper case":      {object{"id": upper.ID}, upper},
		} {
			t.Log(name)
			read := s.service(test.config)
			expect(t, read.diags)
			// The ID in the API's own form, which is what a policy needs.
			expectState(t, read.state, object{"account_id": accountA, "id": test.want.ID, "name": test.want.Name})
			expectCalls(t, server, "list")
		}
	})
}

func TestConnectedServiceNotFound(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		database := cloudflaretest.Service{ID: "33", Name: "Database"}
		other := cloudflaretest.Service{ID: "44", Name: "Entirely different"}
		server.a.SetServices(database, other, second, primary)
		s := newSession(t, server, nil)
		expect(t, s.service(object{"name": "primary"}).diags, noService("name", `there is no PagerDuty service "primary"`,
			`closest are "Primary" (ID 11111111111111111111111111111111), `, "Names are compared exactly", "`pagerduty_services`"))
		expect(t, s.service(object{"name": "Prim.*"}).diags, noService("name", `closest are "Primary"`))
		expect(t, s.service(object{"id": "11111111-1111-1111-1111-111111111112"}).diags, noService("id", `closest are "Primary"`))
		expect(t, s.service(object{"id": "Database"}).diags, noService("id", `closest are "Database" (ID 33)`))
		expect(t, s.service(object{"name": ""}).diags, noService("name", `no PagerDuty service ""`))
		expectCalls(t, server, "list list list list list")

		server.a.SetServices()
		expect(t, s.service(object{"name": "Primary"}).diags, noService("name", `"Primary", nor any other`, finishURL, "`pagerduty_connection`"))
	})
}

func TestConnectedServiceIsAmbiguous(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		twin := cloudflaretest.Service{ID: "00", Name: primary.Name}
		server.a.SetServices(primary, second, twin)
		s := newSession(t, server, nil)
		expect(t, s.service(object{"name": "Primary"}).diags, noService("name", `several PagerDuty services match "Primary"`, "ID 00", "ID "+primary.ID, "as `id`"))
		expectState(t, s.service(object{"id": "00"}).state, object{"id": "00", "name": "Primary"})
	})
}

func TestConnectedServiceInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		const oneOfThem = "Exactly one of these attributes must be configured: [id,name]"
		expect(t, s.service(object{}).diags, anError("Missing Attribute Configuration", oneOfThem))
		expect(t, s.service(object{"id": primary.ID, "name": "Primary"}).diags, anError("Invalid Attribute Combination", oneOfThem).on("id"))
		expect(t, s.service(object{"name": "x", "account_id": nil}).diags, isRequired("account_id"))
		for _, id := range invalidAccountIDs {
			expect(t, s.service(object{"name": "x", "account_id": id}).diags, anError("Invalid Account ID", "32 hexadecimal digits").on("account_id"))
		}
		// What is not known yet may turn out well.
		for _, block := range []object{{"name": unknown}, {"id": unknown}, {"id": unknown, "name": unknown}, {"name": "x", "account_id": unknown}} {
			expect(t, s.validateData("pagerduty_connected_service", block))
		}
		expectCalls(t, server, "")
	})
}

func TestConnectedServiceAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		s := newSession(t, server, nil)
		expectState(t, s.service(object{"account_id": accountB, "name": "Second"}).state, object{"account_id": accountB, "id": second.ID})
		expect(t, s.service(object{"account_id": accountB, "name": "Primary"}).diags, anError("Unable to Find PagerDuty Service", "Account "+accountB).on("name"))
	})
}

// What a service is called can hold anything, and so can what is looked for.
func TestConnectedServiceIsEscaped(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		evil := cloudflaretest.Service{ID: "1\x1b]0;x\x07", Name: "a\x1b[31m\u202eb\r\nc\u009b"}
		server.a.SetServices(evil, cloudflaretest.Service{ID: "2", Name: evil.Name}, primary)
		s := newSession(t, server, nil)
		expect(t, s.service(object{"name": "a\x1b[31m"}).diags, noService("name", `service "a\x1b[31m"`, `closest are "a\x1b[31m\u202eb\r\nc\u009b"`))
		expect(t, s.service(object{"name": evil.Name}).diags, noService("name", `several PagerDuty services match "a\x1b[31m`))
		expectState(t, s.service(object{"id": evil.ID}).state, object{"id": evil.ID, "name": evil.Name})
	})
}

func TestConnectedServiceErrors(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				expect(t, newSession(t, server, nil).service(object{"name": "Primary"}).diags, anError("Unable to Read PagerDuty Services", "Account "+accountA))
			})
		})
	}
	t.Run("read-only token is enough", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *standIn) {
			t := server.t
			server.a.SetServices(primary)
			s := newSession(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken}))
			expectState(t, s.service(object{"name": "Primary"}).state, object{"id": primary.ID})
		})
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *standIn) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"600"}}})
			started := time.Now()
			expect(t, newSession(t, server, nil).service(object{"name": "Primary"}).diags, anError("Unable to Read PagerDuty Services", "retry in 10m0s"))
			took(t, started, 0, 0)
		})
	})
}
