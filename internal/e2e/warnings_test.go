// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

const (
	connectedWarning = "Cloudflare Account Already Connected to PagerDuty"
	deletionWarning  = "PagerDuty Services Will Be Disconnected"
)

// warnings runs terraform and returns the details of its warnings by their
// summary.
func (w *workspace) warnings(args ...string) map[string]string {
	w.t.Helper()
	output := w.run(0, append(args, "-json")...)
	warnings := map[string]string{}
	for line := range strings.Lines(output) {
		var message struct {
			Type       string
			Diagnostic struct{ Severity, Summary, Detail string }
		}
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			w.t.Fatalf("%v: %s", err, line)
		}
		if message.Type == "diagnostic" && message.Diagnostic.Severity == "warning" {
			warnings[message.Diagnostic.Summary] = message.Diagnostic.Detail
		}
	}
	return warnings
}

// expectWarnings wants these warnings and no others, each with all of its texts.
func expectWarnings(t *testing.T, got map[string]string, want map[string][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got the warnings %q, want %q", got, want)
	}
	for summary, texts := range want {
		for _, text := range texts {
			if !strings.Contains(got[summary], text) {
				t.Errorf("%q is not in the warning %q, which says: %s", text, summary, got[summary])
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	checkout := cloudflaretest.Service{ID: "11111111111111111111111111111111", Name: "Checkout"}
	network := cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Network on-call"}
	server.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{checkout}})
	server.Account(accountB).SetServices(network)
	onA, onB := []string{accountA, checkout.Name, checkout.ID}, []string{accountB, network.Name, network.ID}

	w := newWorkspace(t, server, plainConfig)
	expectWarnings(t, w.warnings("plan"), nil)
	expectWarnings(t, w.warnings("apply"), nil)
	expectWarnings(t, w.warnings("plan"), nil)
	expectWarnings(t, w.warnings("plan", "-destroy"), map[string][]string{deletionWarning: onA})

	// The account changes to one that is connected.
	w.write("main.tf", providers+strings.Replace(plainConfig, accountA, accountB, 1))
	expectWarnings(t, w.warnings("plan"), map[string][]string{deletionWarning: onA, connectedWarning: onB})

	// A second configuration finds both connected.
	second := newWorkspace(t, server, plainConfig)
	expectWarnings(t, second.warnings("plan"), map[string][]string{connectedWarning: append(onA, "import")})
	second.run(1, "apply")
	expectServices(t, "after the second apply", server.Account(accountA).Services(), []cloudflaretest.Service{checkout})
	expectCalls(t, server, cloudflaretest.Link, 1)
	expectCalls(t, server, cloudflaretest.Delete, 0)
}
