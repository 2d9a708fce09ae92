// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examplestest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

var (
	website = cloudflaretest.Service{ID: "7f2c1c8e9d5b4a36a1c0e4f8b2d69730", Name: "Website"}
	onCall  = cloudflaretest.Service{ID: "c3a95d0b-7e81-42f6-9b6d-1f3e5a7c8024", Name: "On-call"}
)

func TestExamplesAreFormatted(t *testing.T) {
	t.Parallel()
	w := &terraformtest.Workspace{Terraform: terraform, Dir: root}
	result, err := w.Run(t.Context(), "fmt", "-check", "-diff", "-recursive", "examples")
	if err != nil || result.ExitCode != 0 {
		t.Errorf("make fmt: %v\n%s", err, result.Output)
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
				w.run(0, "validate")
				w.run(0, "test")
				w.expectCalls("", 0)
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
	w.t.Helper()
	w.run(0, "validate")
	w.run(0, "apply")
	w.run(0, "plan", "-detailed-exitcode")
	w.run(0, "destroy")
	if left := append(w.a.Services(), w.b.Services()...); len(left) > 0 {
		w.t.Errorf("left: %v", left)
	}
}

// connected puts a service into account A that terraform knows nothing of.
func (w *workspace) connected() { w.a.SetServices(website) }

// keeps checks that the service is there and that nothing was changed.
func (w *workspace) keeps() {
	w.t.Helper()
	if services := w.a.Services(); !slices.Equal(services, []cloudflaretest.Service{website}) {
		w.t.Errorf("services: %v", services)
	}
	w.expectCalls(cloudflaretest.Delete, 0)
	w.run(0, "plan", "-detailed-exitcode")
}

func (w *workspace) expectCalls(call cloudflaretest.Op, want int) {
	w.t.Helper()
	if got := w.server.Count(call); got != want {
		w.t.Errorf("%d calls to %q, want %d", got, call, want)
	}
}

func (w *workspace) expectText(output string, wanted ...string) {
	w.t.Helper()
	// Terraform wraps and frames what it says.
	output = strings.Join(strings.Fields(strings.ReplaceAll(output, "│", " ")), " ")
	for _, text := range wanted {
		if !strings.Contains(output, text) {
			w.t.Errorf("%q is not in\n%s", text, output)
		}
	}
}

// imports applies what has an import block, on a connected account.
func (w *workspace) imports(args ...string) {
	w.t.Helper()
	w.connected()
	if len(args) == 0 {
		w.run(0, "validate")
	}
	w.expectText(w.run(0, append([]string{"plan"}, args...)...), "1 to import, 0 to add, 0 to change, 0 to destroy.")
	w.run(0, "apply")
	w.expectCalls(cloudflaretest.Token, 0)
}

func generates(w *workspace) {
	w.imports("-generate-config-out=generated.tf")
	w.keeps()
}

// queries finds the connection, generates a block for it, and imports.
func queries(w *workspace) {
	w.t.Helper()
	help, err := w.Run(w.t.Context(), "-help")
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(help.Output, "\n  query ") {
		w.t.Skipf("%s, version %s, has no queries", terraform.Path, release)
	}
	w.connected()
	w.run(0, "validate", "-query")
	w.expectText(w.run(0, "query"), "account_id="+accountA, "(1 PagerDuty service)")
	w.run(0, "query", "-generate-config-out=generated.tf")
	w.expectText(w.run(0, "plan"), "1 to import, 0 to add, 0 to change, 0 to destroy.")
	w.run(0, "apply")
	w.expectCalls(cloudflaretest.Token, 0)
	w.keeps()
}

// looksUp reads a service that is there.
func looksUp(w *workspace) {
	w.t.Helper()
	w.a.SetServices(website, onCall)
	w.run(0, "validate")
	output := w.run(0, "apply")
	if !strings.Contains(output, onCall.ID) && !strings.Contains(output, onCall.Name) {
		w.t.Errorf("no %v in\n%s", onCall, output)
	}
	w.run(0, "plan", "-detailed-exitcode")
}

func importsIntoBlock(w *workspace) {
	w.t.Helper()
	w.write(example{files: map[string]string{"block.tf": `resource "pagerduty_connection" "this" { account_id = "` + accountA + `" }`}})
	w.imports()
	w.keeps()
	w.run(0, "destroy")
}

func importsIdentity(w *workspace) {
	w.t.Helper()
	if release.LessThan(version.Must(version.NewVersion("1.12.0"))) {
		w.t.Skipf("version %s has no import by identity", release)
	}
	importsIntoBlock(w)
}

func adopts(w *workspace) {
	w.t.Helper()
	w.connected()
	w.run(0, "apply")
	w.expectCalls(cloudflaretest.Token, 0)
	w.keeps()
	w.run(0, "destroy")
}

// follows applies an example that takes over from the one in resource.tf.
func (w *workspace) follows(want string) {
	w.t.Helper()
	after, err := os.ReadFile(filepath.Join(w.Dir, "main.tf"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{website}})
	w.write(single(w.t, "resources/pagerduty_connection/resource.tf"))
	w.run(0, "apply")
	w.write(example{files: map[string]string{"main.tf": string(after)}})
	w.run(0, "validate")
	w.expectText(w.run(0, "plan"), want, "0 to add, 0 to change, 0 to destroy")
	w.run(0, "apply")
	w.expectCalls(cloudflaretest.Link, 1)
	w.expectCalls(cloudflaretest.Delete, 0)
}

// pagesOnceChosen goes from nothing to a policy. The first time, somebody chooses
// another service.
func pagesOnceChosen(w *workspace) {
	w.t.Helper()
	w.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{onCall}})
	w.run(0, "validate")
	w.expectText(w.run(1, "apply"), "Cloudflare is not connected to a PagerDuty service named Website.")
	w.a.SetServices(onCall, website)
	w.run(0, "apply")
	w.expectCalls(cloudflaretest.Link, 1)
	w.run(0, "plan", "-detailed-exitcode")

	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes json.RawMessage }
		}
	}
	content, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	routed := false
	for _, found := range state.Resources {
		if found.Type == "cloudflare_notification_policy" {
			policy := string(found.Instances[0].Attributes)
			routed = strings.Contains(policy, website.ID) && !strings.Contains(policy, onCall.ID)
		}
	}
	if !routed {
		w.t.Errorf("no policy routes to %s alone:\n%s", website.ID, content)
	}
	w.run(0, "destroy")
	if left := w.a.Services(); len(left) > 0 {
		w.t.Errorf("left: %v", left)
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
	w.run(0, command[1:]...)
	w.keeps()
}
