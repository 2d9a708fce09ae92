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
	"resource": {"account_id", func(c *core, id any) diagnostics { return c.validate(object{"account_id": id}) }},
	"services": {"account_id", func(c *core, id any) diagnostics {
		return c.validateData("pagerduty_services", object{"account_id": id})
	}},
	"connected service": {"account_id", func(c *core, id any) diagnostics {
		return c.validateData("pagerduty_connected_service", object{"account_id": id, "name": "x"})
	}},
	"query": {"account_ids.0", func(c *core, id any) diagnostics {
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
		"line break":            {accountA + "\n", trim},
		"CRLF":                  {accountA + "\r\n", trim},
		"blanks":                {"  " + accountA + "\t", trim},
		"no-break space":        {"\u00a0" + accountA, trim},
		"byte order mark":       {"\ufeff" + accountA, accountA},
		"path":                  {"accounts/" + accountA, accountA},
		"path, slashes":         {"/accounts/" + accountA + "/", accountA},
		"dashboard URL":         {"https://dash.cloudflare.com/" + accountA + "/notifications", accountA},
		"dashboard, capitals":   {"https://dash.cloudflare.com/" + strings.ToUpper(accountA), strings.ToUpper(accountA)},
		"API URL":               {"https://api.cloudflare.com/client/v4/accounts/" + accountA + "/alerting/v3", accountA},
		"HCL":                   {"account_id = " + accountA, accountA},
		"quotes":                {`"` + accountA + `"`, accountA},
		"e-mail in blanks":      {" ops@example.com ", ""},
		"white space inside":    {accountA[:16] + " " + accountA[16:], ""},
		"too long":              {accountA + "0", ""},
		"too long, in a path":   {"accounts/" + accountA + "0", ""},
		"too short, in a path":  {"accounts/" + accountA[1:], ""},
		"two lines of a report": {"account:\nproduction", ""},
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
