// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
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

	w.run(2, "plan", "-detailed-exitcode", "-out=saved.tfplan")
	expectCalls(t, server, cloudflaretest.Token, 0)
	expectCalls(t, server, cloudflaretest.Link, 0)

	output := w.run(0, "apply", "saved.tfplan")
	expectCalls(t, server, cloudflaretest.Link, 1)
	connected := account.Services()
	if len(connected) != 1 || !strings.Contains(output, fmt.Sprintf("%q = %q", connected[0].Name, connected[0].ID)) {
		t.Errorf("outputs do not name %v:\n%s", connected, output)
	}
	expectServices(t, "after apply", w.services(), connected)
	w.emptyPlan()

	// Into states that know nothing of the connection.
	imported := newWorkspace(t, server, plainConfig)
	imported.run(0, "import", connection, accountA)
	expectServices(t, "after import", imported.services(), connected)
	imported.emptyPlan()
	declared := newWorkspace(t, server, plainConfig+`

import {
  to = pagerduty_connection.this
  id = "`+accountA+`"
}
`)
	if output := declared.run(0, "apply"); !strings.Contains(output, "1 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("import block:\n%s", output)
	}

	changed := append(account.Services(), cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Zebra"})
	account.SetServices(changed...)
	w.run(0, "apply", "-refresh-only")
	expectServices(t, "after refresh", w.services(), changed)

	expectCalls(t, server, cloudflaretest.Link, 1)
	expectCalls(t, server, cloudflaretest.Delete, 0)
	w.run(0, "destroy")
	expectCalls(t, server, cloudflaretest.Delete, 1)
	expectServices(t, "after destroy", account.Services(), nil)
	if left := w.state(); len(left) > 0 {
		t.Errorf("in the state after destroy: %v", left)
	}
}

func TestReplacementThatCreatesFirstKeepsServices(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, `resource "pagerduty_connection" "this" {
  account_id     = "`+accountA+`"
  adopt_existing = true

  lifecycle {
    create_before_destroy = true
  }
}
`)
	w.run(0, "apply")
	connected := server.Account(accountA).Services()
	if len(connected) == 0 {
		t.Fatal("nothing is connected")
	}
	output := w.run(0, "apply", "-replace="+connection)
	if want := "PagerDuty Connection Handed Over"; !strings.Contains(output, want) {
		t.Errorf("%q is missing:\n%s", want, output)
	}
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectServices(t, "in the state", w.services(), connected)
	expectCalls(t, server, cloudflaretest.Link, 1)
	expectCalls(t, server, cloudflaretest.Delete, 0)
	w.emptyPlan()
}

func TestAccountReplacement(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig)
	w.run(0, "apply")
	w.write("main.tf", providers+strings.Replace(plainConfig, accountA, accountB, 1))
	server.Account(accountB)
	if output := w.run(0, "apply"); !strings.Contains(output, "1 added, 0 changed, 1 destroyed") {
		t.Errorf("not a replacement:\n%s", output)
	}
	expectServices(t, "of the old account", server.Account(accountA).Services(), nil)
	connected := server.Account(accountB).Services()
	if len(connected) == 0 {
		t.Error("the new account is not connected")
	}
	expectServices(t, "in the state", w.services(), connected)
	w.emptyPlan()
}

func TestDestroyStopsAtServiceThatItsPlanDidNotShow(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	w := newWorkspace(t, server, plainConfig)
	w.run(0, "apply")
	w.run(0, "plan", "-destroy", "-out=destroy.tfplan")
	planned := account.Services()
	late := cloudflaretest.Service{ID: "22222222222222222222222222222222", Name: "Late arrival"}
	account.SetServices(append(account.Services(), late)...)

	output := w.run(1, "apply", "destroy.tfplan")
	if !strings.Contains(output, "Unable to Disconnect PagerDuty") || !strings.Contains(output, late.ID) {
		t.Errorf("the error does not name the service:\n%s", output)
	}
	expectCalls(t, server, cloudflaretest.Delete, 0)
	expectServices(t, "in the state", w.services(), planned)

	w.run(0, "destroy")
	expectServices(t, "after a plan that shows it", account.Services(), nil)
}

// A connection keeps its services on its way into a module, into another one, and
// under a key.
func TestMovedBetweenModules(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig, "TF_DATA_DIR=.terraform")
	w.run(0, "init")
	w.run(0, "apply")
	connected := server.Account(accountA).Services()
	if err := os.Mkdir(filepath.Join(w.Dir, "module"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("module/main.tf", providers+plainConfig)
	from := connection
	for _, step := range []struct{ name, count, to string }{
		{"one", "", "module.one." + connection},
		{"other", "", "module.other." + connection},
		{"other", "for_each = toset([\"eu\"])", `module.other["eu"].` + connection},
	} {
		w.write("main.tf", fmt.Sprintf("%s\nmodule %q {\n  source = \"./module\"\n  %s\n}\n\nmoved {\n  from = %s\n  to   = %s\n}\n", providers, step.name, step.count, from, step.to))
		w.run(0, "init")
		output := w.run(0, "plan")
		if !strings.Contains(output, from+" has moved to "+step.to) || !strings.Contains(output, "Plan: 0 to add, 0 to change, 0 to destroy.") {
			t.Errorf("from %s to %s:\n%s", from, step.to, output)
		}
		w.run(0, "apply")
		w.emptyPlan()
		from = step.to
	}
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectCalls(t, server, cloudflaretest.Link, 1)
	expectCalls(t, server, cloudflaretest.Delete, 0)
}

// One service, by what somebody knows of it, in the form that a policy takes.
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
	if output := w.run(0, "apply"); !strings.Contains(output, fmt.Sprintf("ids = %q", service.ID+" "+service.ID)) {
		t.Errorf("not found:\n%s", output)
	}
	w.emptyPlan()

	w.write("main.tf", providers+`data "pagerduty_connected_service" "misspelt" {
  account_id = "`+accountA+`"
  name       = "On call"
}
`)
	output := w.run(1, "plan")
	for _, want := range []string{"Unable to Find PagerDuty Service", `name       = "On call"`, "Account " + accountA, `closest are "On-call" (ID ` + service.ID + ")"} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
}
