// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"encoding/json"
	"fmt"
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
var special = map[string]func(*workspace, example){
	"complete":             untilChosen,
	"demo":                 untilChosen,
	"guides/many-accounts": untilChosen,

	"guides/adopt":          generates,
	"guides/both-providers": looksUp,
	"module":                isTested,

	"data-sources/pagerduty_connected_service/data-source.tf": looksUp,
	"data-sources/pagerduty_services/data-source.tf":          looksUp,
	"list-resources/pagerduty_connection":                     queries,

	"resources/pagerduty_connection/adopt_existing.tf":      adopts,
	"resources/pagerduty_connection/import-by-identity.tf":  importsIdentity,
	"resources/pagerduty_connection/import-by-string-id.tf": importsIntoBlock,
	"resources/pagerduty_connection/moved.tf":               moves,
	"resources/pagerduty_connection/removed.tf":             letsGo,
	"resources/pagerduty_connection/wait_for_services.tf":   waits,
}

// TestExamples runs every configuration below examples/. What is not
// special is applied, before and after someone has chosen services, planned without
// changes and destroyed. An example that is added is found without a change here.
func TestExamples(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range examples(t) {
		seen[e.path] = true
		t.Run(e.path, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, e)
			if run := special[e.path]; run != nil {
				run(w, e)
				return
			}
			w.lives(e, 0)
		})
	}
	for path := range special {
		if !seen[path] {
			t.Errorf("there is no example %s", path)
		}
	}
}

// untilChosen goes from nothing to a policy. It stops at an index until someone has
// chosen services.
func untilChosen(w *workspace, e example) {
	w.T.Helper()
	w.lives(e, 1)
}

// lives goes through the life of an example, whose first apply has to exit with a
// status.
func (w *workspace) lives(e example, first int) {
	w.T.Helper()
	output := w.Run(first, "apply")
	var accounts []*cloudflaretest.Account
	for _, account := range []*cloudflaretest.Account{w.a, w.b} {
		if len(account.Tokens()) > 0 {
			accounts = append(accounts, account)
			account.PersonConnects(website, onCall)
		}
	}
	if len(accounts) > 0 {
		terraformtest.ExpectText(w.T, output, "Warning: PagerDuty Connection Is Pending")
	}
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Link, len(accounts))
	w.ExpectEmptyPlan()
	if first == 1 {
		terraformtest.ExpectText(w.T, output, "Error: Invalid index")
		w.expectPolicies(len(accounts))
	}
	w.Run(0, "destroy")
	stay := strings.Contains(e.text(), "disconnect_on_destroy = false")
	for _, account := range accounts {
		if left := account.Services(); len(left) > 0 != stay {
			w.T.Errorf("left: %v", left)
		}
	}
}

// expectPolicies checks that there are so many policies, or what is in their
// place, and that each routes to Website alone.
func (w *workspace) expectPolicies(want int) {
	w.T.Helper()
	found := 0
	for address, instance := range w.State() {
		if strings.HasPrefix(address, "pagerduty_connection.") {
			continue
		}
		found++
		if policy := string(instance.Attributes); !strings.Contains(policy, website.ID) || strings.Contains(policy, onCall.ID) {
			w.T.Errorf("%s does not route to %s alone: %s", address, website.ID, policy)
		}
	}
	if found != want {
		w.T.Errorf("%d policies, want %d", found, want)
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

func (w *workspace) expectRequests(op cloudflaretest.Op, want int) {
	w.T.Helper()
	if got := w.server.Count(op); got != want {
		w.T.Errorf("%d requests of %q, want %d", got, op, want)
	}
}

// imports applies what has an import block, on a connected account.
func (w *workspace) imports(args ...string) {
	w.T.Helper()
	w.connected()
	terraformtest.ExpectText(w.T, w.Run(0, append([]string{"plan"}, args...)...), "1 to import, 0 to add, 0 to change, 0 to destroy.")
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Token, 0)
	w.keeps()
}

func generates(w *workspace, _ example) { w.imports("-generate-config-out=generated.tf") }

// queries finds the connection, generates a block for it, and imports.
func queries(w *workspace, _ example) {
	w.T.Helper()
	w.Needs("query")
	w.connected()
	w.Run(0, "validate", "-query")
	terraformtest.ExpectText(w.T, w.Run(0, "query"), "account_id="+accountA, "(1 PagerDuty service)")
	w.Run(0, "query", "-generate-config-out=generated.tf")
	w.imports()
}

// looksUp reads a service that is there.
func looksUp(w *workspace, _ example) {
	w.T.Helper()
	w.a.SetServices(website, onCall)
	terraformtest.ExpectText(w.T, w.Run(0, "apply"), website.ID)
	w.ExpectEmptyPlan()
}

// isTested runs the tests of a module: first those that need no account.
func isTested(w *workspace, _ example) {
	w.T.Helper()
	w.Run(0, "test")
	w.expectRequests("", 0)
	w.Run(0, "test", "-test-directory=account")
	w.expectRequests(cloudflaretest.Token, 0)
}

func importsIntoBlock(w *workspace, _ example) {
	w.T.Helper()
	w.Write("block.tf", fmt.Sprintf("resource \"pagerduty_connection\" \"this\" {\n  provider   = cloudflare-pagerduty\n  account_id = %q\n}\n", accountA))
	w.imports()
	w.Run(0, "destroy")
}

func importsIdentity(w *workspace, e example) {
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
	importsIntoBlock(w, e)
}

func adopts(w *workspace, _ example) {
	w.T.Helper()
	w.connected()
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Token, 0)
	w.keeps()
	w.Run(0, "destroy")
}

// waits has someone connect while create waits.
func waits(w *workspace, _ example) {
	w.T.Helper()
	terraformtest.ExpectText(w.T, w.Run(0, "plan"), "Warning: Create Waits for a Person", "Create waits up to 30 minutes")
	w.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Times: 1, Hook: func() {
		w.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 1, Times: 1, Hook: func() { w.a.PersonConnects(website) }})
	}})
	if output := w.Run(0, "apply"); strings.Contains(output, "Pending") {
		w.T.Errorf("did not wait:\n%s", output)
	}
	w.ExpectEmptyPlan()
	w.expectRequests(cloudflaretest.Link, 1)
	w.Run(0, "destroy")
}

// follows applies an example that takes over from the one in resource.tf.
func (w *workspace) follows(e example, want string) {
	w.T.Helper()
	w.a.SetLinkModel(cloudflaretest.Connects(website))
	w.write(single(w.T, "resources/pagerduty_connection/resource.tf"))
	w.Run(0, "apply")
	w.write(e)
	terraformtest.ExpectText(w.T, w.Run(0, "plan"), want, "0 to add, 0 to change, 0 to destroy")
	w.Run(0, "apply")
	w.expectRequests(cloudflaretest.Link, 1)
	w.keeps()
}

func moves(w *workspace, e example) {
	w.T.Helper()
	w.follows(e, "has moved to")
	w.Run(0, "destroy")
}

func letsGo(w *workspace, e example) {
	w.T.Helper()
	w.follows(e, "but will not be destroyed")
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
	w.Run(0, "apply") // An import saves no outputs.
	w.keeps()
}
