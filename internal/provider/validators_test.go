// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strconv"
	"strings"
	"testing"
)

// accountArguments validate a block with this account ID, each in its way.
var accountArguments = map[string]struct {
	at       string
	validate func(*core, any) diagnostics
}{
	"resource": {at: "account_id", validate: func(c *core, id any) diagnostics { return c.validate(object{"account_id": id}) }},
	"services": {at: "account_id", validate: func(c *core, id any) diagnostics {
		return c.validateData("pagerduty_services", object{"account_id": id})
	}},
	"connected service": {at: "account_id", validate: func(c *core, id any) diagnostics {
		return c.validateData("pagerduty_connected_service", object{"account_id": id, "name": "x"})
	}},
	"query": {at: "account_ids.0", validate: func(c *core, id any) diagnostics {
		_, diags := c.query(object{"account_ids": []any{id}}, 100, false)
		return diags
	}},
}

// What can't be an account ID is refused before any request, and quoted, so that
// what does not show is seen.
func TestInvalidAccountID(t *testing.T) {
	t.Parallel()
	for name, argument := range accountArguments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offline(t)
			c := newCore(t, server, nil)
			for what, id := range invalidAccountIDs {
				t.Log(what)
				expect(t, argument.validate(c, id), anError("Invalid Account ID", strconv.Quote(id), "is not an account ID", "32 hexadecimal digits", "dash.cloudflare.com").on(argument.at))
			}
			expectRequests(t, server, "")
		})
	}
}

// Where the value holds an ID, the error says how to get at it.
func TestInvalidAccountIDThatHoldsOne(t *testing.T) {
	t.Parallel()
	const trim = "trimspace"
	c := newCore(t, offline(t), nil)
	for name, test := range map[string]struct{ id, says string }{
		"line break":            {id: accountA + "\n", says: trim},
		"CRLF":                  {id: accountA + "\r\n", says: trim},
		"blanks":                {id: "  " + accountA + "\t", says: trim},
		"no-break space":        {id: "\u00a0" + accountA, says: trim},
		"byte order mark":       {id: "\ufeff" + accountA, says: accountA},
		"path":                  {id: "accounts/" + accountA, says: accountA},
		"path, slashes":         {id: "/accounts/" + accountA + "/", says: accountA},
		"dashboard URL":         {id: "https://dash.cloudflare.com/" + accountA + "/notifications", says: accountA},
		"dashboard, capitals":   {id: "https://dash.cloudflare.com/" + strings.ToUpper(accountA), says: strings.ToUpper(accountA)},
		"API URL":               {id: "https://api.cloudflare.com/client/v4/accounts/" + accountA + "/alerting/v3", says: accountA},
		"HCL":                   {id: "account_id = " + accountA, says: accountA},
		"quotes":                {id: `"` + accountA + `"`, says: accountA},
		"e-mail in blanks":      {id: " ops@example.com "},
		"white space inside":    {id: accountA[:16] + " " + accountA[16:]},
		"too long":              {id: accountA + "0"},
		"too long, in a path":   {id: "accounts/" + accountA + "0"},
		"too short, in a path":  {id: "accounts/" + accountA[1:]},
		"two lines of a report": {id: "account:\nproduction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := c.validate(object{"account_id": test.id})
			expect(t, diags, anError("Invalid Account ID", strconv.Quote(test.id)).on("account_id"))
			rest := strings.Replace(diags[0].Detail, strconv.Quote(test.id), "", 1)
			for _, hint := range []string{trim, accountA, strings.ToUpper(accountA)} {
				if says := strings.Contains(rest, hint); says != (hint == test.says) {
					t.Errorf("says %s: %t\n%s", hint, says, rest)
				}
			}
		})
	}
}

// What the API is not expected to know is worth a warning, and no more.
func TestUnusualAccountID(t *testing.T) {
	t.Parallel()
	for name, argument := range accountArguments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offline(t)
			c := newCore(t, server, nil)
			for _, id := range []string{"production", accountA[1:], strings.Repeat("g", 32), "a-b_C9", strings.Repeat("-", 32)} {
				server.Account(id).SetServices(primary)
				expect(t, argument.validate(c, id), aWarning("Unusual Account ID", strconv.Quote(id), "32 hexadecimal digits", "dash.cloudflare.com").on(argument.at))
			}
			for _, id := range []any{accountA, strings.ToUpper(accountA), unknown} {
				if id == unknown && name == "query" {
					continue // Terraform knows all of a query.
				}
				expect(t, argument.validate(c, id))
			}
		})
	}
}
