// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package acceptance runs the lifecycle of a connection with a real terraform on
// a real account, and records what the API's documentation leaves open. Without
// TF_ACC, it runs on the fake API in place of it.
package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	// envDisconnect has to repeat the account's ID before a test disconnects what
	// is connected there.
	envDisconnect = "TF_ACC_DISCONNECT_ALL_SERVICES_OF"
	fakeAccount   = "0a000000000000000000000000000001"
)

// onAccount tells that the tests run on a real account, with this environment.
var (
	onAccount   = os.Getenv("TF_ACC") == "1"
	environment = map[string]string{}
	all         record
)

func TestMain(m *testing.M) {
	// The harness takes the variables away, so that no other test uses an account.
	for _, name := range []string{"CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_BASE_URL"} {
		environment[name] = os.Getenv(name)
	}
	terraformtest.Main(m, func(string) error {
		if onAccount {
			fmt.Print("\nRecord, to paste into the issue form \"Acceptance test record\". It holds no secrets and no IDs; read it first.\n\n", all.String())
		}
		return nil
	})
}

// target is the account that tests run on.
type target struct {
	accountID string
	baseURL   string
	env       []string
	record    *record
	// disconnects allows a test to disconnect what is connected.
	disconnects bool
	fake        *cloudflaretest.Account // nil on a real account
}

func newTarget(t *testing.T, token string) target {
	t.Helper()
	if !onAccount {
		server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
		fake := server.Account(fakeAccount)
		fake.PersonConnects()
		r := &record{}
		return target{accountID: fakeAccount, baseURL: r.listen(t, server.URL()), env: []string{"CLOUDFLARE_API_TOKEN=" + token}, record: r, disconnects: true, fake: fake}
	}
	accountID, base := environment["CLOUDFLARE_ACCOUNT_ID"], environment["CLOUDFLARE_BASE_URL"]
	if accountID == "" {
		t.Fatal("CLOUDFLARE_ACCOUNT_ID is not set")
	}
	if base == "" {
		base = "https://api.cloudflare.com/client/v4"
	}
	to := target{accountID: accountID, record: &all, disconnects: strings.EqualFold(os.Getenv(envDisconnect), accountID)}
	to.baseURL = all.listen(t, base)
	for _, name := range []string{"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL"} {
		to.env = append(to.env, name+"="+environment[name])
	}
	return to
}

func (to target) workspace(t *testing.T, config string) *terraformtest.Workspace {
	t.Helper()
	w := terraformtest.NewWorkspace(t, to.baseURL, to.env...)
	w.Write("main.tf", terraformtest.RequiredProviders("pagerduty")+fmt.Sprintf(config, to.accountID))
	return w
}

const (
	readConfig = `
data "pagerduty_services" "this" {
  account_id = %q
}

output "services" {
  value = length(data.pagerduty_services.this.services)
}
`
	connectionConfig = `
resource "pagerduty_connection" "this" {
  account_id     = %q
  adopt_existing = true
}
`
)

// TestRead needs a read-only token.
func TestRead(t *testing.T) { //nolint:paralleltest // All tests share one account.
	to := newTarget(t, cloudflaretest.ReadOnlyToken)
	to.record.note("Read")
	w := to.workspace(t, readConfig)
	w.Run(0, "apply")
	w.ExpectEmptyPlan()
	expectNoIDs(t, to)
}

// TestLifecycle adopts what is connected, disconnects it, and links without a
// person's consent.
func TestLifecycle(t *testing.T) { //nolint:paralleltest // All tests share one account.
	to := newTarget(t, cloudflaretest.APIToken)
	if !to.disconnects {
		t.Skipf("it disconnects all services of the account, which %s has to allow: set it to the account's ID", envDisconnect)
	}
	w := to.workspace(t, connectionConfig)
	to.record.note("Create: adopts what is connected, or links without a person's consent")
	w.Run(0, "apply")
	connected := expectStatus(w) > 0
	imported := to.workspace(t, strings.Replace(connectionConfig, "adopt_existing = true", "", 1))
	imported.Run(0, "import", "pagerduty_connection.this", to.accountID)
	if !connected {
		w.Run(2, "plan", "-detailed-exitcode")
		to.record.note("Destroy of a pending connection")
		w.Run(0, "destroy")
		return
	}
	w.ExpectEmptyPlan()
	imported.ExpectEmptyPlan()
	to.record.note("Destroy")
	w.Run(0, "destroy")
	to.record.note("Create after it: links without a new consent")
	w.Run(0, "apply")
	if expectStatus(w) == 0 {
		w.Run(2, "plan", "-detailed-exitcode")
	}
	if to.fake != nil {
		to.record.note("A person connects")
		to.fake.PersonConnects()
		w.Run(0, "apply")
		if expectStatus(w) == 0 {
			t.Error("the services were not found")
		}
		w.ExpectEmptyPlan()
	}
	w.Run(0, "destroy")
	if state := w.State(); len(state) > 0 {
		t.Errorf("in the state after destroy: %v", state)
	}
	expectNoIDs(t, to)
}

// expectStatus wants the status to agree with the services, and returns how many
// there are.
func expectStatus(w *terraformtest.Workspace) int {
	w.T.Helper()
	found := w.Connection()
	if found == nil {
		w.T.Fatal("the connection is not in the state")
	}
	want := `"status":"pending"`
	if len(found.Services) > 0 {
		want = `"status":"connected"`
	}
	attributes := string(w.State()["pagerduty_connection.this"].Attributes)
	if !strings.Contains(strings.ReplaceAll(attributes, " ", ""), want) {
		w.T.Errorf("%s is missing: %s", want, attributes)
	}
	return len(found.Services)
}

// expectNoIDs wants a record that anyone may read, and that says something.
func expectNoIDs(t *testing.T, to target) {
	t.Helper()
	text := to.record.String()
	if !strings.Contains(text, "GET …/destinations/pagerduty`: 200, application/json") {
		t.Errorf("the record has no list:\n%s", text)
	}
	for _, found := range identifiers.FindAllString(text, -1) {
		if strings.ContainsAny(found, "0123456789") {
			t.Errorf("the record holds %s", found)
		}
	}
	if strings.Contains(strings.ToLower(text), strings.ToLower(to.accountID)) {
		t.Error("the record holds the account's ID")
	}
}
