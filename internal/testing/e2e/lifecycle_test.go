// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"net/http"
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

// A replacement would disconnect one account before anyone knows whether the
// other can be connected: it fails at plan. There are two ways to another account.
func TestMoveToAnotherAccount(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
	old, other := server.Account(accountA), server.Account(accountB)
	old.SetServices(checkout)
	keeping := func(account string) string { return withSettings(configFor(account), "disconnect_on_destroy = false") }
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "import", connection, accountA)
	server.ResetRequests()

	w.Write("main.tf", providers+configFor(accountB))
	for _, args := range [][]string{nil, {"-refresh=false"}} {
		expectDiagnostics(t, w.Apply(args...), refusesReplacement(accountA, checkout))
	}
	w.Write("main.tf", providers+withSettings(plainConfig, "adopt_existing = true"))
	expectDiagnostics(t, w.Apply("-replace="+connection), refusesReplacement(accountA, checkout))
	expectOnlyReads(t, server)
	expectServices(t, "in the state", services(w), []cloudflaretest.Service{checkout})

	// A block for the other account first, and then this one goes.
	w.Write("main.tf", providers+plainConfig+strings.Replace(configFor(accountB), "this", "other", 1))
	w.Run(0, "apply")
	other.PersonConnects(network)
	w.Write("main.tf", providers+strings.Replace(configFor(accountB), "this", "other", 1))
	expectDiagnostics(t, w.Plan("-target=pagerduty_connection.this"), willDisconnect(accountA, checkout), targeted)

	// Or the old account stays connected.
	w.Write("main.tf", providers+keeping(accountA)+strings.Replace(configFor(accountB), "this", "other", 1))
	w.Run(0, "apply")
	server.ResetRequests()
	third := server.Account(accountNone)
	w.Write("main.tf", providers+keeping(accountNone)+strings.Replace(configFor(accountB), "this", "other", 1))
	w.Run(0, "apply")
	third.PersonConnects(network)
	w.Run(0, "apply")
	w.ExpectEmptyPlan()
	expectRequests(t, server, cloudflaretest.Delete, 0)
	expectServices(t, "of the old account", old.Services(), []cloudflaretest.Service{checkout})
	expectServices(t, "in the state", services(w), []cloudflaretest.Service{network})
}

// Where another resource's change asks for a replacement, a pending connection is
// replaced, and a connected one is not. One that is created first takes the account
// over.
func TestTriggeredReplacement(t *testing.T) {
	t.Parallel()
	for name, lifecycle := range map[string]string{"destroy before create": "", "create before destroy": "create_before_destroy = true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
			account := server.Account(accountA)
			config := func(trigger string) string {
				return fmt.Sprintf("%s\nresource \"terraform_data\" \"trigger\" {\n  input = %q\n}\n",
					withSettings(plainConfig, "adopt_existing = true\n\n  lifecycle {\n    replace_triggered_by = [terraform_data.trigger]\n    "+lifecycle+"\n  }"), trigger)
			}
			w := newWorkspace(t, server, config("one"))
			expectDiagnostics(t, w.Apply(), isPending("code 17102"))

			account.SetLinkModel(cloudflaretest.Connects(checkout))
			w.Write("main.tf", providers+config("two"))
			w.Run(0, "apply")
			expectServices(t, "in the state", services(w), []cloudflaretest.Service{checkout})

			w.Write("main.tf", providers+config("three"))
			expectDiagnostics(t, w.Apply(), refusesReplacement(accountA, checkout))
			w.Write("main.tf", providers+config("two"))
			w.ExpectEmptyPlan()
			expectServices(t, "on the account", account.Services(), []cloudflaretest.Service{checkout})
			expectRequests(t, server, cloudflaretest.Link, 2)
			expectRequests(t, server, cloudflaretest.Delete, 0)
		})
	}
}

// Over an existing connection, an account that is not known yet is taken to stay the
// same. Where it does not, terraform stops before anything is lost.
func TestUnknownAccountTurnsOutToBeAnother(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	config := func(name, account string) string {
		return providers + strings.Replace(plainConfig, fmt.Sprintf("%q", accountA), "terraform_data."+name+".output", 1) +
			fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input = %q\n}\n", name, account)
	}
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "apply")
	connected := server.Account(accountA).Services()
	w.Write("main.tf", config("one", accountA))
	terraformtest.ExpectText(t, w.Run(0, "apply"), "Plan: 1 to add, 1 to change, 0 to destroy.")
	w.ExpectEmptyPlan()
	w.Write("main.tf", config("two", accountB))
	terraformtest.ExpectText(t, w.Run(1, "apply"), ofAccount("Replacement Would Disconnect PagerDuty", accountA))

	w.Write("main.tf", providers+plainConfig)
	w.Run(0, "apply")
	expectServices(t, "in the state", services(w), connected)
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
}

// A tainted connection that gets another account is planned as a create, which
// names nothing of the old account. That stays, until a plan has named it.
func TestTaintedConnectionMoves(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	old := server.Account(accountA)
	old.SetServices(checkout)
	server.Account(accountB)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "import", connection, accountA)
	w.Run(0, "taint", connection)
	w.Write("main.tf", providers+withSettings(configFor(accountB), "lifecycle {\n    create_before_destroy = true\n  }"))
	expectDiagnostics(t, w.Plan()) // No plan can name the services of the old account.
	terraformtest.ExpectText(t, w.Run(1, "apply"), "Unable to Disconnect PagerDuty", "did not name", "Nothing was disconnected")
	expectServices(t, "of the old account", old.Services(), []cloudflaretest.Service{checkout})

	// The next plan destroys the deposed object, and names them.
	expectDiagnostics(t, w.Plan(), willDisconnect(accountA, checkout))
	w.Run(0, "apply")
	expectServices(t, "of the old account", old.Services(), nil)
	w.ExpectEmptyPlan()
}

// A tainted connection that adopts is disconnected, and connected again.
func TestTaintedConnectionAdopts(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Connects(checkout)))
	w := newWorkspace(t, server, withSettings(plainConfig, "adopt_existing = true"))
	w.Run(0, "apply")
	w.Run(0, "taint", connection)
	expectDiagnostics(t, w.Apply(), diagnostic{severity: "warning", summary: "PagerDuty Services Will Be Adopted", parts: []string{"a taint", "may be disconnected instead"}})
	expectServices(t, "in the state", services(w), []cloudflaretest.Service{checkout})
	expectRequests(t, server, cloudflaretest.Link, 2)
	expectRequests(t, server, cloudflaretest.Delete, 1)
	w.ExpectEmptyPlan()
}

// A rename without moved, and a taint, would destroy the connection that they
// find: both fail at plan.
func TestRenameAndTaint(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "apply")
	connected := server.Account(accountA).Services()
	server.ResetRequests()

	renamed := providers + strings.Replace(plainConfig, "this", "renamed", 1)
	w.Write("main.tf", renamed)
	expectDiagnostics(t, w.Apply(), willDisconnect(accountA, connected...), isConnected(accountA, connected...))
	w.Write("main.tf", providers+plainConfig)
	w.Run(0, "taint", connection)
	expectDiagnostics(t, w.Apply(), isConnected(accountA, connected...))
	w.Run(0, "untaint", connection)
	w.ExpectEmptyPlan()

	w.Write("main.tf", renamed+"\nmoved {\n  from = pagerduty_connection.this\n  to   = pagerduty_connection.renamed\n}\n")
	expectDiagnostics(t, w.Apply())
	w.ExpectEmptyPlan()
	if state := w.State(); len(state) != 1 || state["pagerduty_connection.renamed"].Attributes == nil {
		t.Errorf("in the state: %v", state)
	}
	expectOnlyReads(t, server)
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
}

// A tainted connection that is created first is adopted: what is destroyed then
// belongs to the new object, and nobody is told anything else.
func TestOwnershipIsTransferred(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, withSettings(plainConfig, "adopt_existing = true\n\n  lifecycle {\n    create_before_destroy = true\n  }"))
	w.Run(0, "apply")
	connected := server.Account(accountA).Services()
	w.Run(0, "taint", connection)
	w.Run(0, "plan", "-out=saved.tfplan")
	// What someone adds after the plan is safe too.
	connected = append(connected, network)
	server.Account(accountA).SetServices(connected...)
	expectDiagnostics(t, w.Apply("saved.tfplan"), diagnostic{severity: "warning", summary: "PagerDuty Services Will Be Adopted", parts: named(connected)},
		diagnostic{severity: "warning", summary: ofAccount("PagerDuty Connection Transferred", accountA)})
	expectServices(t, "on the account", server.Account(accountA).Services(), connected)
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
	w.ExpectEmptyPlan()
}

// Terraform plans the destroy of a removed block from the saved state, which may
// be behind: what the warning names is what goes.
func TestRemovedBlockWithStateThatIsBehind(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	account.SetServices(checkout)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "import", connection, accountA)

	account.SetServices(network)
	w.Write("main.tf", providers)
	w.Run(0, "plan", "-out=saved.tfplan")
	account.SetServices(checkout, network)
	expectDiagnostics(t, w.Apply("saved.tfplan"), diagnostic{severity: "error", summary: "Unable to Disconnect PagerDuty", parts: named([]cloudflaretest.Service{checkout})})
	expectRequests(t, server, cloudflaretest.Delete, 0)
	expectDiagnostics(t, w.Apply(), willDisconnect(accountA, checkout, network))
	expectServices(t, "after destroy", account.Services(), nil)
	if left := w.State(); len(left) > 0 {
		t.Errorf("in the state after destroy: %v", left)
	}
}

// One instance of many can let go of its account.
func TestDisconnectOnDestroy(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountA).SetServices(checkout)
	server.Account(accountB).SetServices(network)
	config := func(keys string) string {
		return fmt.Sprintf(`
locals {
  accounts = { a = %q, b = %q }
}

resource "pagerduty_connection" "this" {
  for_each              = toset([%s])
  account_id            = local.accounts[each.key]
  disconnect_on_destroy = each.key != "a"
}

resource "terraform_data" "policy" {
  for_each = pagerduty_connection.this
  input    = each.value.services
}

import {
  for_each = local.accounts
  to       = pagerduty_connection.this[each.key]
  id       = each.value
}
`, accountA, accountB, keys)
	}
	w := newWorkspace(t, server, config(`"a", "b"`))
	// A setting that an import can't know changes nothing that others refer to.
	if output := w.Run(0, "apply"); !strings.Contains(output, "2 imported, 2 added, 1 changed, 0 destroyed") {
		t.Errorf("not an update:\n%s", output)
	}
	w.ExpectEmptyPlan()
	server.ResetRequests()
	w.Write("main.tf", strings.Split(providers+config(""), "\nimport {")[0])
	expectDiagnostics(t, w.Apply(), staysConnected(accountA, checkout), willDisconnect(accountB, network))
	expectServices(t, "of A", server.Account(accountA).Services(), []cloudflaretest.Service{checkout})
	expectServices(t, "of B", server.Account(accountB).Services(), nil)
	for _, op := range []cloudflaretest.Op{cloudflaretest.Delete, cloudflaretest.Policies} {
		if n := server.CountFor(accountA, op); n > 0 {
			t.Errorf("%d requests of %s for an account that stays connected", n, op)
		}
	}
	if left := w.State(); len(left) > 0 {
		t.Errorf("in the state after destroy: %v", left)
	}
}

// The same account in capitals, and services whose IDs come in another form, are
// no change.
func TestSpellings(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	account.SetServices(checkout, network)
	w := newWorkspace(t, server, plainConfig)
	w.Run(0, "import", connection, accountA)
	w.Write("main.tf", providers+configFor(strings.ToUpper(accountA)))
	w.ExpectEmptyPlan()

	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Alternate(cloudflaretest.Reshape)})
	w.Run(0, "apply")
	w.ExpectEmptyPlan()
	w.Run(0, "destroy")
	expectServices(t, "after destroy", account.Services(), nil)
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

// A connection keeps its services on its way into a module, and into another one
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
		{name: "one", to: "module.one." + connection},
		{name: "other", count: "for_each = toset([\"eu\"])", to: `module.other["eu"].` + connection},
	} {
		w.Write("main.tf", fmt.Sprintf("%s\nmodule %q {\n  source = \"./module\"\n  %s\n}\n\nmoved {\n  from = %s\n  to   = %s\n}\n", providers, step.name, step.count, from, step.to))
		w.Run(0, "init")
		output := w.Run(0, "apply")
		if !strings.Contains(output, from+" has moved to "+step.to) || !strings.Contains(output, "Plan: 0 to add, 0 to change, 0 to destroy.") {
			t.Errorf("from %s to %s:\n%s", from, step.to, output)
		}
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
	terraformtest.ExpectText(t, w.Run(1, "plan"), "Unable to Find PagerDuty Service", `name = "On call"`, "account "+accountA, `closest matches are "On-call" (ID `+service.ID+")")
}
