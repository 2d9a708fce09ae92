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

// policyConfig is a connection, what stands for a policy that gets its ID by
// index, and another account with a policy of its own.
var policyConfig = plainConfig + fmt.Sprintf(`
resource "terraform_data" "policy" {
  input = pagerduty_connection.this.service_ids["Checkout"]
}

resource "pagerduty_connection" "other" {
  account_id     = %q
  adopt_existing = true
}

resource "terraform_data" "other" {
  input = pagerduty_connection.other.service_ids["Network on-call"]
}
`, accountB)

// From nothing to a page takes two applies and no edit.
func TestPending(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
	account, other := server.Account(accountA), server.Account(accountB)
	other.SetServices(network)
	w := newWorkspace(t, server, policyConfig)

	output := w.Run(1, "apply")
	terraformtest.ExpectText(t, output, "Warning: PagerDuty Connection Is Pending", "https://dash.cloudflare.com/"+accountA+"/notifications", "Error: Invalid index")
	expectServices(t, "in the state", services(w), []cloudflaretest.Service{})
	expectPolicy(w, "other", network.ID)

	// It says so until someone acts, and keeps nothing else from working.
	w.Run(2, "plan", "-detailed-exitcode")
	expectDiagnostics(t, w.Apply("-refresh-only"), isPending("Account "+accountA))
	terraformtest.ExpectText(t, w.Run(1, "apply"), "Error: Invalid index")
	other.PersonReconnects(cloudflaretest.Service{ID: "33333333333333333333333333333333", Name: network.Name})
	terraformtest.ExpectText(t, w.Run(1, "apply"), ofAccount("PagerDuty Services Are Gone", accountB), "Error: Invalid index")
	expectPolicy(w, "other", "33333333333333333333333333333333")

	account.PersonConnects(checkout)
	expectDiagnostics(t, w.Apply())
	expectPolicy(w, "policy", checkout.ID)
	w.ExpectEmptyPlan()

	// Someone changes the services, and an apply comes in between.
	account.PersonDisconnects()
	terraformtest.ExpectText(t, w.Run(1, "apply"), ofAccount("PagerDuty Connection Is Pending", accountA), `"Checkout" (ID `+checkout.ID+")", "Error: Invalid index")
	expectPolicy(w, "policy", checkout.ID)
	account.PersonConnects(cloudflaretest.Service{ID: "44444444444444444444444444444444", Name: checkout.Name})
	w.Run(0, "apply")
	expectPolicy(w, "policy", "44444444444444444444444444444444")
	w.ExpectEmptyPlan()

	expectRequests(t, server, cloudflaretest.Token, 1)
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)
}

// New IDs of a connected account reach what refers to them in the same apply.
func TestNewIDsReachPolicies(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	account.SetServices(checkout)
	server.Account(accountB).SetServices(network)
	w := newWorkspace(t, server, strings.Replace(policyConfig, "{", "{\n  adopt_existing = true", 1))
	w.Run(0, "apply")
	expectPolicy(w, "policy", checkout.ID)
	changed := account.PersonReconnects()
	expectDiagnostics(t, w.Apply(), isGone(checkout))
	expectPolicy(w, "policy", changed[0].ID)
	w.ExpectEmptyPlan()

	// A name that a connected account does not have fails the plan.
	account.SetServices(network)
	terraformtest.ExpectText(t, w.Run(1, "plan"), "Error: Invalid index")
	w.Run(0, "destroy", "-refresh=false")
	expectServices(t, "after destroy", account.Services(), nil)
}

// A pending connection can be destroyed, and a link can be tried again on purpose.
func TestPendingIsDestroyedAndReplaced(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusForbidden, 10000)))
	server.Account(accountB).SetServices(network)
	w := newWorkspace(t, server, policyConfig)
	w.Run(1, "apply")
	w.Run(1, "apply", "-replace="+connection)
	expectRequests(t, server, cloudflaretest.Token, 2)
	expectRequests(t, server, cloudflaretest.Link, 2)
	w.Run(0, "destroy")
	if left := w.State(); len(left) > 0 {
		t.Errorf("in the state after destroy: %v", left)
	}
	if n := server.CountFor(accountA, cloudflaretest.Delete); n > 0 {
		t.Errorf("%d deletes for an account without services", n)
	}

	// An account without services can be imported.
	imported := newWorkspace(t, server, plainConfig)
	terraformtest.ExpectText(t, imported.Run(0, "import", connection, accountA), "Warning: PagerDuty Connection Is Pending")
	expectServices(t, "after import", services(imported), []cloudflaretest.Service{})
}

// expectPolicy wants what stands for a policy to have an ID.
func expectPolicy(w *terraformtest.Workspace, name, id string) {
	w.T.Helper()
	if got := string(w.State()["terraform_data."+name].Attributes); !strings.Contains(got, id) {
		w.T.Errorf("the policy %s has not got %s: %s", name, id, got)
	}
}
