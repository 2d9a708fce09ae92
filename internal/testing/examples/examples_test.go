// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

var (
	website = cloudflaretest.Service{ID: "7f2c1c8e9d5b4a36a1c0e4f8b2d69730", Name: "Website"}
	onCall  = cloudflaretest.Service{ID: "c3a95d0b-7e81-42f6-9b6d-1f3e5a7c8024", Name: "On-call"}
)

func TestExamplesAreFormatted(t *testing.T) {
	t.Parallel()
	w := terraformtest.NewWorkspace(t, "")
	w.Dir = root
	if result := w.Try("fmt", "-check", "-diff", "-recursive", "examples"); result.ExitCode != 0 {
		t.Errorf("make fmt:\n%s", result.Output)
	}
}

// special is what is done with an example that is not just applied.
var special = map[string]func(*workspace){
	"complete":             pagesOnceChosen,
	"guides/cloudflare-v4": pagesOnceChosen,

	"guides/adopt/written":   func(w *workspace) { w.imports(); w.keeps() },
	"guides/adopt/generated": generates,
	"guides/adopt/queried":   queries,

	"data-sources/pagerduty_connected_service/data-source.tf": looksUp,
	"data-sources/pagerduty_connected_service/id.tf":          looksUp,

	"list-resources/pagerduty_connection/include_resource.tfquery.hcl": queries,
	"list-resources/pagerduty_connection/list-resource.tfquery.hcl":    queries,

	"resources/pagerduty_connection/adopt_existing.tf":      adopts,
	"resources/pagerduty_connection/import-by-identity.tf":  importsIdentity,
	"resources/pagerduty_connection/import-by-string-id.tf": importsIntoBlock,
	"resources/pagerduty_connection/moved.tf":               func(w *workspace) { w.follows("has moved to"); w.applies() },
	"resources/pagerduty_connection/removed.tf":             func(w *workspace) { w.follows("but will not be destroyed"); w.keeps() },
}

// TestExamples validates and runs every configuration below examples/. What has
// tests is tested. What is not special is applied, planned without changes and
// destroyed. An example that is added is found without a change here.
func TestExamples(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range examples(t) {
		seen[e.path] = true
		t.Run(e.path, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, e)
			switch run := special[e.path]; {
			case run != nil:
				run(w)
			case e.tested():
				w.Run(0, "validate")
				w.Run(0, "test")
				w.expectRequests("", 0)
			default:
				w.applies()
			}
		})
	}
	for path := range special {
		if !seen[path] {
			t.Errorf("there is no example %s", path)
		}
	}
}

// applies goes through the life of an example. It ends with nothing connected.
func (w *workspace) applies() {
	w.T.Helper()
	w.Run(0, "validate")
	w.Run(0, "apply")
	w.ExpectEmptyPlan()
	w.Run(0, "destroy")
	if left := append(w.a.Services(), w.b.Services()...); len(left) > 0 {
		w.T.Errorf("left: %v", left)
	}
}

// connected puts a service into account A that terraform knows nothing of.
func (w *workspace) connected() { w.a.SetServices(website) }

// keeps checks that the service is there and that nothing was changed.
func (w *workspace) keeps() {
	w.T.Helper()
	if services := w.a.Services(); !slices.Equal(services, []cloudflaretest.Service{website}) {
		w.T.Errorf("services: %v", services)
	}
	w.expectRequests(cloudflaretest.Delete, 0)
	w.ExpectEmptyPlan()
}

func (w *workspace) expectRequests(call cloudflaretest.Op, want int) {
	w.T.Helper()
	if got := w.server.Count(call); got != want {
		w.T.Errorf("%d requests of %q, want %d", got, call, want)
	}
}

// imports applies what has an import block, on a connected account.
func (w *workspace) imports(args ...string) {
	w.T.Helper()
	w.connected()
	if len(args) == 0 {
		w.Run(0, "validate")
	}
	terraformtest.ExpectText(w.T, w.Run(0, append([]string{"plan"}, args...)...), "1 to import, 0 to add, 0 to change, 0 to destroy.")
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Token, 0)
}

func generates(w *workspace) {
	w.imports("-generate-config-out=generated.tf")
	w.keeps()
}

// queries finds the connection, generates a block for it, and imports.
func queries(w *workspace) {
	w.T.Helper()
	w.Needs("query")
	w.connected()
	w.Run(0, "validate", "-query")
	terraformtest.ExpectText(w.T, w.Run(0, "query"), "account_id="+accountA, "(1 PagerDuty service)")
	w.Run(0, "query", "-generate-config-out=generated.tf")
	terraformtest.ExpectText(w.T, w.Run(0, "plan"), "1 to import, 0 to add, 0 to change, 0 to destroy.")
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Token, 0)
	w.keeps()
}

// looksUp reads a service that is there.
func looksUp(w *workspace) {
	w.T.Helper()
	w.a.SetServices(website, onCall)
	w.Run(0, "validate")
	output := w.Run(0, "apply")
	if !strings.Contains(output, onCall.ID) && !strings.Contains(output, onCall.Name) {
		w.T.Errorf("no %v in\n%s", onCall, output)
	}
	w.ExpectEmptyPlan()
}

func importsIntoBlock(w *workspace) {
	w.T.Helper()
	w.Write("block.tf", `resource "pagerduty_connection" "this" {}`)
	w.imports()
	w.keeps()
	w.Run(0, "destroy")
}

func importsIdentity(w *workspace) {
	w.T.Helper()
	var found struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal([]byte(w.Run(0, "version", "-json")), &found); err != nil {
		w.T.Fatal(err)
	}
	if version.Must(version.NewVersion(found.Version)).LessThan(version.Must(version.NewVersion("1.12.0"))) {
		w.T.Skipf("version %s has no import by identity", found.Version)
	}
	importsIntoBlock(w)
}

func adopts(w *workspace) {
	w.T.Helper()
	w.connected()
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Token, 0)
	w.keeps()
	w.Run(0, "destroy")
}

// follows applies an example that takes over from the one in resource.tf.
func (w *workspace) follows(want string) {
	w.T.Helper()
	after := w.Read("main.tf")
	w.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{website}})
	w.write(single(w.T, "resources/pagerduty_connection/resource.tf"))
	w.Run(0, "apply")
	w.Write("main.tf", after)
	w.Run(0, "validate")
	terraformtest.ExpectText(w.T, w.Run(0, "plan"), want, "0 to add, 0 to change, 0 to destroy")
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Link, 1)
	w.expectRequests(cloudflaretest.Delete, 0)
}

// pagesOnceChosen goes from nothing to a policy. The first time, someone chooses
// another service.
func pagesOnceChosen(w *workspace) {
	w.T.Helper()
	w.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{onCall}})
	w.Run(0, "validate")
	terraformtest.ExpectText(w.T, w.Run(1, "apply"), "Cloudflare is not connected to a PagerDuty service named Website.")
	w.a.SetServices(onCall, website)
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Link, 1)
	w.ExpectEmptyPlan()

	routed := false
	for address, found := range w.State() {
		if strings.HasPrefix(address, "cloudflare_notification_policy.") {
			policy := string(found.Attributes)
			routed = strings.Contains(policy, website.ID) && !strings.Contains(policy, onCall.ID)
		}
	}
	if !routed {
		w.T.Errorf("no policy routes to %s alone:\n%s", website.ID, w.Read(terraformtest.StateFile))
	}
	w.Run(0, "destroy")
	if left := w.a.Services(); len(left) > 0 {
		w.T.Errorf("left: %v", left)
	}
}

// The command of the import example, on a connected account.
func TestImportCommand(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, single(t, "resources/pagerduty_connection/resource.tf"))
	w.connected()
	command := strings.Fields(read(t, "examples/resources/pagerduty_connection/import.sh"))
	if len(command) < 2 || command[0] != "terraform" {
		t.Fatalf("%q", command)
	}
	w.Run(0, command[1:]...)
	w.keeps()
}
