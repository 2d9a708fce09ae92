// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const accountNone = "0c000000000000000000000000000003"

func TestQuery(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountB).SetServices(network)
	w := newWorkspace(t, server, "")
	w.Needs("query")
	// Terraform generates blocks for a provider whose local name is its type.
	w.Write("main.tf", terraformtest.RequiredProviders("cloudflare-pagerduty"))
	w.Write("accounts.tf", `
variable "account_ids" {
  type = list(string)
}
`)
	w.Write("connections.tfquery.hcl", `
list "pagerduty_connection" "all" {
  provider = cloudflare-pagerduty
  limit    = 1000

  config {
    account_ids = var.account_ids
  }
}
`)
	accounts := func(ids ...string) string { return `-var=account_ids=["` + strings.Join(ids, `","`) + `"]` }
	all := accounts(accountNone, accountA, accountB)

	// The account has no service.
	if output := w.Run(0, "query", accounts(accountA)); strings.Contains(output, "account_id=") {
		t.Errorf("found:\n%s", output)
	}
	expectRequests(t, server, cloudflaretest.List, 1)

	// An account that fails does not hide the next.
	output := w.Run(0, "query", all)
	for _, want := range []string{"account_id=" + accountB, "Account " + accountB + " (1 PagerDuty service)", "Warning: Unable to List PagerDuty Connections", "1 account of 3 could not be listed", accountNone} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
	if strings.Contains(output, accountA) {
		t.Errorf("an account without a service is found:\n%s", output)
	}

	// What is generated imports, and then there is nothing to change.
	const generated = "generated.tf"
	w.Run(0, "query", all, "-generate-config-out="+generated)
	content := w.Read(generated)
	if strings.Count(content, "import {") != 1 || !strings.Contains(content, accountB) {
		t.Fatal(content)
	}
	if output := w.Run(0, "plan", all); !strings.Contains(output, "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.") {
		t.Errorf("with\n%s\nthe plan is\n%s", content, output)
	}
	w.Run(0, "apply", all)
	w.Run(0, "plan", "-detailed-exitcode", all)
	for address, instance := range w.State() {
		if !strings.Contains(string(instance.Attributes), network.ID) {
			t.Errorf("%s after import: %s", address, instance.Attributes)
		}
	}
	if n := server.Count(""); n != server.Count(cloudflaretest.List) {
		t.Errorf("%d requests other than lists", n-server.Count(cloudflaretest.List))
	}

	// A token that may not even list.
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
	terraformtest.ExpectText(t, w.Run(1, "query", all), "Error: Unable to List PagerDuty Connections", "Notifications Read")
}
