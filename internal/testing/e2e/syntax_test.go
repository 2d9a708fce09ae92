// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// Generators write JSON, give null for what they don't set, and blocks that may be
// empty; people tell Terraform to ignore changes.
func TestSyntax(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountA).SetServices(checkout)
	w := newWorkspace(t, server, "")
	w.Write("connection.tf.json", `{
  "variable": {"timeouts": {"type": "map(string)", "default": null}},
  "import": [{"to": "pagerduty_connection.this", "id": "`+accountA+`"}],
  "resource": {"pagerduty_connection": {"this": {
    "account_id": "`+accountA+`", "adopt_existing": null, "wait_for_services": null, "disconnect_on_destroy": null,
    "dynamic": {"timeouts": {"for_each": "${var.timeouts[*]}", "content": {"create": "${try(timeouts.value.create, null)}", "delete": null}}},
    "lifecycle": {"ignore_changes": ["account_id"]}
  }}},
  "output": {"checkout": {"value": "${pagerduty_connection.this.service_ids[\"`+checkout.Name+`\"]}"}}
}`)
	if output := w.Run(0, "apply"); !strings.Contains(output, "1 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("imported:\n%s", output)
	}
	terraformtest.ExpectText(t, w.Run(0, "output", "checkout"), checkout.ID)
	w.ExpectEmptyPlan()

	for _, timeouts := range []string{`{}`, `{"create": "2h"}`, `null`} {
		terraformtest.ExpectText(t, w.Run(0, "apply", "-var=timeouts="+timeouts), "0 added, 1 changed, 0 destroyed")
		w.Run(0, "plan", "-detailed-exitcode", "-var=timeouts="+timeouts)
	}
	w.Write("connection.tf.json", strings.Replace(w.Read("connection.tf.json"), `"account_id": "`+accountA, `"account_id": "`+accountB, 1))
	w.ExpectEmptyPlan()
	expectOnlyReads(t, server)
}

// Each account may have a provider configuration, and a token, of its own. OpenTofu
// makes them with for_each.
func TestSeveralProviders(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountB)
	config := `
provider "pagerduty" {
  alias = "a"
}

provider "pagerduty" {
  alias     = "b"
  api_token = "` + cloudflaretest.ReadOnlyToken + `"
}

resource "pagerduty_connection" "a" {
  provider   = pagerduty.a
  account_id = "` + accountA + `"
}

data "pagerduty_services" "b" {
  provider   = pagerduty.b
  account_id = "` + accountB + `"
}
`
	w := newWorkspace(t, server, config)
	if strings.HasPrefix(w.Run(0, "version"), "OpenTofu") {
		w.Write("main.tf", providers+`
locals {
  tokens = { "`+accountA+`" = null, "`+accountB+`" = "`+cloudflaretest.ReadOnlyToken+`" }
}

provider "pagerduty" {
  alias     = "of"
  for_each  = local.tokens
  api_token = each.value
}

resource "pagerduty_connection" "this" {
  provider   = pagerduty.of["`+accountA+`"]
  account_id = "`+accountA+`"
}

data "pagerduty_services" "each" {
  for_each   = local.tokens
  provider   = pagerduty.of[each.key]
  account_id = each.key
}
`)
	}
	w.Run(0, "apply")
	w.ExpectEmptyPlan()
	for _, request := range server.Requests() {
		token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
		if want := map[string]string{accountA: cloudflaretest.APIToken, accountB: cloudflaretest.ReadOnlyToken}[request.Account]; token != want {
			t.Errorf("%s of %s with the token %s, want %s", request.Op, request.Account, token, want)
		}
	}
	w.Run(0, "destroy")
	expectRequests(t, server, cloudflaretest.Delete, 1)
}

// TestLocalNameIsTheUsersChoice uses another one than the type names' prefix.
func TestLocalNameIsTheUsersChoice(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountA).SetServices(checkout)
	w := newWorkspace(t, server, "")
	w.Write("main.tf", terraformtest.RequiredProviders("cloudflare-pagerduty")+fmt.Sprintf(`
data "pagerduty_services" "all" {
  provider   = cloudflare-pagerduty
  account_id = %q
}
`, accountA))
	expectDiagnostics(t, w.Apply())
	expectRequests(t, server, cloudflaretest.List, 1)
}
