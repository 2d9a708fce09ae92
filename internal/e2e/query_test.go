// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// needs skips the test where terraform, or tofu, has no such command.
func (w *workspace) needs(command string) {
	w.t.Helper()
	result, err := w.Run(w.t.Context(), "-help")
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(result.Output, "\n  "+command+" ") {
		w.t.Skipf("%s has no command %s", terraform.Path, command)
	}
}

const accountNone = "0c000000000000000000000000000003"

func TestQuery(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	network := cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Network on-call"}
	server.Account(accountB).SetServices(network)
	w := newWorkspace(t, server, "")
	w.needs("query")
	// Terraform generates blocks for a provider whose local name is its type.
	w.write("main.tf", strings.Replace(providers, "pagerduty = {", "cloudflare-pagerduty = {", 1))
	w.write("accounts.tf", `
variable "account_ids" {
  type = list(string)
}
`)
	w.write("connections.tfquery.hcl", `
list "pagerduty_connection" "all" {
  provider = cloudflare-pagerduty
  limit    = 1000

  config {
    account_ids = var.account_ids
  }
}
`)
	one := `-var=account_ids=["` + accountA + `"]`
	all := `-var=account_ids=["` + strings.Join([]string{accountNone, accountA, accountB}, `","`) + `"]`

	// An account without a service is not found.
	if output := w.run(0, "query", one); strings.Contains(output, "account_id=") {
		t.Errorf("found:\n%s", output)
	}
	expectCalls(t, server, cloudflaretest.List, 1)

	// An account that fails does not hide the next.
	output := w.run(0, "query", all)
	for _, want := range []string{"account_id=" + accountB, "Account " + accountB + " (1 PagerDuty service)", "Unable to List PagerDuty Connection", accountNone} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
	if strings.Contains(output, accountA) {
		t.Errorf("an account without a service is found:\n%s", output)
	}

	// What is generated imports, and then there is nothing to change.
	const generated = "generated.tf"
	w.run(0, "query", all, "-generate-config-out="+generated)
	content, err := os.ReadFile(filepath.Join(w.Dir, generated))
	if err != nil || strings.Count(string(content), "import {") != 1 || !strings.Contains(string(content), accountB) {
		t.Fatalf("%v\n%s", err, content)
	}
	if output := w.run(0, "plan"); !strings.Contains(output, "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.") {
		t.Errorf("with\n%s\nthe plan is\n%s", content, output)
	}
	w.run(0, "apply")
	w.emptyPlan()
	for _, instance := range w.state() {
		expectServices(t, "after import", instance.Attributes.Services, []cloudflaretest.Service{network})
	}
	if n := server.Count(""); n != server.Count(cloudflaretest.List) {
		t.Errorf("%d calls other than lists", n-server.Count(cloudflaretest.List))
	}

	// A token that may not even list.
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden})
	if output := w.run(0, "query", one); !strings.Contains(output, "Notifications Read") {
		t.Errorf("no permission in:\n%s", output)
	}
}
