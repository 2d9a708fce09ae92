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

func TestLifecycle(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	w := newWorkspace(t, server, plainConfig+`
data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

output "services" {
  value = { for service in data.pagerduty_services.all.services : service.name => service.id }
}
`)

	w.Run(2, "plan", "-detailed-exitcode", "-out=saved.tfplan")
	expectRequests(t, server, cloudflaretest.Token, 0)
	expectRequests(t, server, cloudflaretest.Link, 0)

	output := w.Run(0, "apply", "saved.tfplan")
	expectRequests(t, server, cloudflaretest.Link, 1)
	connected := account.Services()
	if len(connected) != 1 || !strings.Contains(output, fmt.Sprintf("%q = %q", connected[0].Name, connected[0].ID)) {
		t.Errorf("outputs do not name %v:\n%s", connected, output)
	}
	expectServices(t, "after apply", services(w), connected)
	w.ExpectEmptyPlan()

	// Into states that know nothing of the connection.
	imported := newWorkspace(t, server, plainConfig)
	imported.Run(0, "import", connection, accountA)
	expectServices(t, "after import", services(imported), connected)
	imported.ExpectEmptyPlan()
	declared := newWorkspace(t, server, plainConfig+`
import {
  to = pagerduty_connection.this
  id = "`+accountA+`"
}
`)
	if output := declared.Run(0, "apply"); !strings.Contains(output, "1 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("import block:\n%s", output)
	}

	changed := append(account.Services(), cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Zebra"})
	account.SetServices(changed...)
	w.Run(0, "apply", "-refresh-only")
	expectServices(t, "after refresh", services(w), changed)

	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
	w.Run(0, "destroy")
	expectRequests(t, server, cloudflaretest.Delete, 1)
	expectServices(t, "after destroy", account.Services(), nil)
	if left := w.State(); len(left) > 0 {
		t.Errorf("in the state after destroy: %v", left)
	}
}

func TestReplacementThatCreatesFirstKeepsServices(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, strings.Replace(plainConfig, "{", `{
  adopt_existing = true

  lifecycle {
    create_before_destroy = true
  }
`, 1))
	w.Run(0, "apply")
	connected := server.Account(accountA).Services()
	if len(connected) == 0 {
		t.Fatal("nothing is connected")
	}
	output := w.Run(0, "apply", "-replace="+connection)
	if want := "PagerDuty Connection Handed Over"; !strings.Contains(output, want) {
		t.Errorf("%q is missing:\n%s", want, output)
	}
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectServices(t, "in the state", services(w), connected)
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
	w.ExpectEmptyPlan()
}

func TestAccountReplacement(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "apply")
	server.Account(accountB)
	w.Write("main.tf", providers+configFor(accountB))
	if output := w.Run(0, "apply"); !strings.Contains(output, "1 added, 0 changed, 1 destroyed") {
		t.Errorf("not a replacement:\n%s", output)
	}
	expectServices(t, "of the old account", server.Account(accountA).Services(), nil)
	connected := server.Account(accountB).Services()
	if len(connected) == 0 {
		t.Error("the new account is not connected")
	}
	expectServices(t, "in the state", services(w), connected)
	w.ExpectEmptyPlan()
}

// TestRenameWithoutMoved destroys a connection and creates one, in the order that
// terraform happens to take: it promises none between two addresses.
func TestRenameWithoutMoved(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "apply")
	w.Write("main.tf", providers+strings.Replace(plainConfig, "this", "renamed", 1))
	if result := w.Try("apply"); result.ExitCode != 0 {
		// The create came first. The destroy was carried out all the same.
		terraformtest.ExpectText(t, result.Output, "already connected")
		w.Run(0, "apply")
	}
	if state := w.State(); len(state) != 1 || state["pagerduty_connection.renamed"].Attributes == nil {
		t.Errorf("in the state: %v", state)
	}
	expectRequests(t, server, cloudflaretest.Link, 2)
	expectRequests(t, server, cloudflaretest.Delete, 1)
	w.ExpectEmptyPlan()
}

func TestDestroyStopsAtServiceThatItsPlanDidNotShow(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "apply")
	w.Run(0, "plan", "-destroy", "-out=destroy.tfplan")
	planned := account.Services()
	late := cloudflaretest.Service{ID: "22222222222222222222222222222222", Name: "Late arrival"}
	account.SetServices(append(account.Services(), late)...)

	output := w.Run(1, "apply", "destroy.tfplan")
	if !strings.Contains(output, "Unable to Disconnect PagerDuty") || !strings.Contains(output, late.ID) {
		t.Errorf("the error does not name the service:\n%s", output)
	}
	expectRequests(t, server, cloudflaretest.Delete, 0)
	expectServices(t, "in the state", services(w), planned)

	w.Run(0, "destroy")
	expectServices(t, "after a plan that shows it", account.Services(), nil)
}

// A connection keeps its services on its way into a module, into another one, and
// under a key.
func TestMovedBetweenModules(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig, "TF_DATA_DIR=.terraform")
	w.Run(0, "init")
	w.Run(0, "apply")
	connected := server.Account(accountA).Services()
	w.Write("module/main.tf", providers+plainConfig)
	from := connection
	for _, step := range []struct{ name, count, to string }{
		{"one", "", "module.one." + connection},
		{"other", "", "module.other." + connection},
		{"other", "for_each = toset([\"eu\"])", `module.other["eu"].` + connection},
	} {
		w.Write("main.tf", fmt.Sprintf("%s\nmodule %q {\n  source = \"./module\"\n  %s\n}\n\nmoved {\n  from = %s\n  to   = %s\n}\n", providers, step.name, step.count, from, step.to))
		w.Run(0, "init")
		output := w.Run(0, "plan")
		if !strings.Contains(output, from+" has moved to "+step.to) || !strings.Contains(output, "Plan: 0 to add, 0 to change, 0 to destroy.") {
			t.Errorf("from %s to %s:\n%s", from, step.to, output)
		}
		w.Run(0, "apply")
		w.ExpectEmptyPlan()
		from = step.to
	}
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
}

// One service, by what a user knows of it, in the form that a policy takes.
func TestConnectedService(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	service := cloudflaretest.Service{ID: "abcdef00000000000000000000000001", Name: "On-call"}
	server.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{service}})
	w := newWorkspace(t, server, plainConfig+`
resource "terraform_data" "name" {
  input = "On-call"
}

data "pagerduty_connected_service" "named" {
  account_id = pagerduty_connection.this.account_id
  name       = terraform_data.name.output
  depends_on = [pagerduty_connection.this]
}

data "pagerduty_connected_service" "known" {
  account_id = pagerduty_connection.this.account_id
  id         = "ABCDEF00-0000-0000-0000-000000000001"
  depends_on = [pagerduty_connection.this]
}

output "ids" {
  value = "${data.pagerduty_connected_service.named.id} ${data.pagerduty_connected_service.known.id}"
}
`)
	if output := w.Run(0, "apply"); !strings.Contains(output, fmt.Sprintf("ids = %q", service.ID+" "+service.ID)) {
		t.Errorf("not found:\n%s", output)
	}
	w.ExpectEmptyPlan()

	w.Write("main.tf", providers+`data "pagerduty_connected_service" "misspelt" {
  account_id = "`+accountA+`"
  name       = "On call"
}
`)
	terraformtest.ExpectText(t, w.Run(1, "plan"), "Unable to Find PagerDuty Service", `name = "On call"`, "Account "+accountA, `closest are "On-call" (ID `+service.ID+")")
}
