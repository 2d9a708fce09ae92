// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

func TestIntegrationToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		opened := s.open(object{})
		expect(t, opened.diags)
		expectCalls(t, server, "token")
		expectState(t, opened.state, object{"account_id": accountA, "token": server.a.Tokens()[0]})
		if len(opened.private) > 0 {
			t.Errorf("private data: %s", opened.private)
		}
		// Another one each time, on the account that is named.
		expectState(t, s.open(object{}).state, object{"account_id": accountA, "token": server.a.Tokens()[1]})
		expectState(t, s.open(object{"account_id": accountB}).state, object{"account_id": accountB, "token": server.b.Tokens()[0]})
		expectCalls(t, server, "token token")
		for _, entry := range s.entries() {
			for name, value := range entry {
				if text, ok := value.(string); ok {
					s.auditText("the log's "+name, text)
				}
			}
		}
	})
}

func TestIntegrationTokenInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		for _, id := range invalidAccountIDs {
			expect(t, s.open(object{"account_id": id}).diags, anError("Invalid Account ID", "32 hexadecimal digits").on("account_id"))
		}
		s = newSession(t, server, with(standard(server), object{"account_id": nil}))
		expect(t, s.open(object{}).diags, anError("Missing Cloudflare Account", "`account_id` in this block", envAccountID).on("account_id"))
		expectCalls(t, server, "")
	})
}

func TestIntegrationTokenErrors(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"403":       {Status: http.StatusForbidden, Body: `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}`},
		"no token":  {Status: http.StatusCreated, Body: `{"success":true,"errors":[],"messages":[],"result":{}}`},
		"no JSON":   {Status: http.StatusCreated, Body: `oops`},
		"truncated": {Truncate: 40},
		"too long":  {Edit: func(b []byte) []byte { return append(b[:len(b)-1], "x"...) }},
		"5xx":       {Status: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				fault.Op = cloudflaretest.Token
				server.Fail(fault)
				opened := newSession(t, server, nil).open(object{})
				want := anError("Unable to Create PagerDuty Integration Token", "Account "+accountA)
				if name == "403" {
					want.parts = append(want.parts, writePermission, "403", "CF-Ray", "Authentication error (code 10000)")
				}
				expect(t, opened.diags, want)
				if opened.state != nil {
					t.Errorf("opened %v", opened.state)
				}
			})
		})
	}
	t.Run("read-only token", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *standIn) {
			t := server.t
			s := newSession(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken}))
			expect(t, s.open(object{}).diags, anError("Unable to Create PagerDuty Integration Token", writePermission))
		})
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *standIn) {
			t := server.t
			server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Stall: 24 * time.Hour})
			started := time.Now()
			opened := newSession(t, server, with(standard(server), object{"request_timeout": "1h"})).open(object{})
			expect(t, opened.diags, anError("Unable to Create PagerDuty Integration Token", "the time for this operation is up", "Run again when the API answers"))
			took(t, started, 10*time.Minute, 10*time.Minute)
		})
	})
}
