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

func willDisconnect(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "warning", summary: "PagerDuty Services Will Be Disconnected", parts: append(named(services), account)}
}

func isConnected(account string, services ...cloudflaretest.Service) diagnostic {
	return diagnostic{severity: "warning", summary: "Cloudflare Account Already Connected to PagerDuty", parts: append(named(services), account, "import")}
}

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

// TestWarnings reads warnings as they come out of terraform, over the life of a
// connection.
func TestWarnings(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	server.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{checkout}})
	server.Account(accountB).SetServices(network)

	w := newWorkspace(t, server, plainConfig)
	expectDiagnostics(t, w.Plan())
	expectDiagnostics(t, w.Apply())
	expectDiagnostics(t, w.Plan())
	expectDiagnostics(t, w.Plan("-destroy"), willDisconnect(accountA, checkout))

	// The account changes to one that is connected.
	w.Write("main.tf", providers+configFor(accountB))
	expectDiagnostics(t, w.Plan(), willDisconnect(accountA, checkout), isConnected(accountB, network))

	// A tainted connection is destroyed first, and finds its own services until then.
	w.Write("main.tf", providers+plainConfig)
	w.Run(0, "taint", connection)
	expectDiagnostics(t, w.Plan(), isConnected(accountA, checkout))
	w.Run(0, "untaint", connection)

	// A second configuration finds the account connected.
	second := newWorkspace(t, server, plainConfig)
	expectDiagnostics(t, second.Plan(), isConnected(accountA, checkout))
	expectDiagnostics(t, second.Apply(), isConnected(accountA, checkout),
		diagnostic{severity: "error", summary: "Unable to Connect PagerDuty", parts: []string{"already connected"}})
	second.Write("main.tf", providers+strings.Replace(plainConfig, "{", "{\n  adopt_existing = true", 1))
	expectDiagnostics(t, second.Plan())
	expectServices(t, "on the account", server.Account(accountA).Services(), []cloudflaretest.Service{checkout})
	expectRequests(t, server, cloudflaretest.Link, 1)
	expectRequests(t, server, cloudflaretest.Delete, 0)

	// Someone disconnects the account in the dashboard.
	server.Account(accountA).SetServices()
	expectDiagnostics(t, w.Plan(), diagnostic{severity: "warning", summary: "PagerDuty Services Are Gone", parts: []string{checkout.Name}})
	server.Account(accountA).SetServices(checkout)
	expectDiagnostics(t, w.Apply("-destroy"), willDisconnect(accountA, checkout))
	expectServices(t, "after destroy", server.Account(accountA).Services(), nil)
}

// TestPendingWarning has nobody choose a service until the propagation timeout is
// over.
func TestPendingWarning(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	account.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{checkout}, NeedsPerson: true})
	w := newWorkspace(t, server, plainConfig)
	expectDiagnostics(t, w.Apply(), diagnostic{severity: "warning", summary: "No PagerDuty Service Connected Yet", parts: []string{accountA}})
	account.PersonConnects()
	expectDiagnostics(t, w.Apply())
	expectServices(t, "in the state", services(w), []cloudflaretest.Service{checkout})
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
