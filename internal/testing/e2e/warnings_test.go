// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// diagnostic is an error or a warning that a test expects, and parts of its
// detail.
type diagnostic struct {
	severity, summary string
	parts             []string
}

func ofAccount(title, account string) string { return title + " (account " + account + ")" }

func willDisconnect(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "warning", summary: ofAccount("PagerDuty Services Will Be Disconnected", account), parts: named(services)}
}

func staysConnected(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "warning", summary: ofAccount("PagerDuty Stays Connected", account), parts: named(services)}
}

func isConnected(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "error", summary: "Cloudflare Account Already Connected to PagerDuty", parts: append(named(services), account, "moved", "untaint", "adopt_existing", "-refresh=false")}
}

func refusesReplacement(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "error", summary: ofAccount("Replacement Would Disconnect PagerDuty", account), parts: append(named(services), "Nothing was changed")}
}

func isPending(parts ...string) diagnostic {
	return diagnostic{severity: "warning", summary: "PagerDuty Connection Is Pending", parts: append(parts, "https://dash.cloudflare.com/", "select Connect", "apply again")}
}

func isGone(services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "warning", summary: ofAccount("PagerDuty Services Are Gone", accountA), parts: named(services)}
}

// targeted is Terraform's own.
var targeted = diagnostic{severity: "warning", summary: "Resource targeting is in effect"}

func named(services []cloudflaretest.Service) (names []string) {
	for _, service := range services {
		names = append(names, fmt.Sprintf("%q (ID %s)", service.Name, service.ID))
	}
	return names
}

// expectDiagnostics wants these diagnostics and no others, in any order.
func expectDiagnostics(t *testing.T, got []terraformtest.Diagnostic, want ...diagnostic) {
	t.Helper()
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(d terraformtest.Diagnostic) bool {
			lacks := func(part string) bool { return !strings.Contains(d.Detail, part) }
			return d.Severity == w.severity && d.Summary == w.summary && !slices.ContainsFunc(w.parts, lacks)
		})
		if i < 0 {
			t.Errorf("no %s %q with %q among\n%q", w.severity, w.summary, w.parts, got)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(got) != len(want) {
		t.Errorf("%d diagnostics, want %d:\n%q", len(got), len(want), got)
	}
}

var (
	checkout = cloudflaretest.Service{ID: "11111111111111111111111111111111", Name: "Checkout"}
	network  = cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Network on-call"}
)

// Terraform shows only the first of several warnings with equal summaries. Those
// about a disconnection all show.
func TestWarningsOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	accounts := []string{accountA, accountB, accountNone}
	for _, id := range accounts {
		server.Account(id).SetServices(checkout)
	}
	w := newWorkspace(t, server, fmt.Sprintf(`
resource "pagerduty_connection" "this" {
  for_each       = toset(%s)
  account_id     = each.key
  adopt_existing = true
}
`, "[\""+strings.Join(accounts, "\", \"")+"\"]"))
	// Those of adoption would fill a screen for each account.
	if output := w.Run(0, "apply"); strings.Count(output, "Warning: PagerDuty Services Will Be Adopted") != 1 {
		t.Errorf("not one warning:\n%s", output)
	}
	server.Account(accountA).SetServices(network)
	server.Account(accountB).SetServices()
	server.Account(accountNone).SetServices()
	output := w.Run(0, "plan", "-refresh-only")
	terraformtest.ExpectText(t, output, ofAccount("PagerDuty Services Are Gone", accountA),
		ofAccount("PagerDuty Connection Is Pending", accountB), ofAccount("PagerDuty Connection Is Pending", accountNone))
	for _, id := range accounts {
		server.Account(id).SetServices(checkout)
	}
	output = w.Run(0, "destroy")
	for _, id := range accounts {
		terraformtest.ExpectText(t, output, ofAccount("PagerDuty Services Will Be Disconnected", id))
	}
}
