// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

const tokenConfig = `
variable "release" {
  type    = number
  default = 1
}

ephemeral "pagerduty_integration_token" "this" {}

resource "pagerduty_connection" "this" {
  integration_token_wo         = ephemeral.pagerduty_integration_token.this.token
  integration_token_wo_version = var.release
}
`

// TestEphemeralTokenStaysOut hands a token from the ephemeral resource to the
// connection, and looks for all that were made in everything that terraform has
// written.
func TestEphemeralTokenStaysOut(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	w := newWorkspace(t, server, tokenConfig)
	log := filepath.Join(w.Dir, "log")
	w.Env = append(w.Env, "TF_LOG=trace", "TF_LOG_PROVIDER=trace", "TF_LOG_PATH="+log)
	shows := func(name string, status int, args ...string) {
		t.Helper()
		w.write(name, w.run(status, args...))
	}
	made := func(want int) {
		t.Helper()
		if n := len(account.Tokens()); n != want {
			t.Errorf("%d tokens were made, want %d", n, want)
		}
	}

	// A plan makes one, and so does its apply, which links with its own.
	shows("plan.txt", 0, "plan", "-out=create.tfplan")
	made(1)
	shows("apply.txt", 0, "apply", "create.tfplan")
	made(2)
	requests := server.Requests()
	if i := slices.IndexFunc(requests, func(r cloudflaretest.Request) bool { return r.Op == cloudflaretest.Link }); requests[i].Token != account.Tokens()[1] {
		t.Errorf("linked with %s of %v", requests[i].Token, account.Tokens())
	}
	expectCalls(t, server, cloudflaretest.Link, 1)
	w.emptyPlan()
	made(3)

	// Another version is another connection.
	shows("replan.txt", 0, "plan", "-var=release=2", "-out=replace.tfplan")
	shows("show.json", 0, "show", "-json", "replace.tfplan")
	server.ResetRequests()
	shows("replace.txt", 0, "apply", "replace.tfplan")
	expectCalls(t, server, cloudflaretest.Delete, 1)
	expectCalls(t, server, cloudflaretest.Link, 1)

	// Refused by an API that hands the token back.
	account.SetLinkModel(cloudflaretest.LinkModel{NeedsPerson: true})
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Status: http.StatusBadRequest, Edit: echo(account, apiError)})
	shows("refused.txt", 1, "apply", "-var=release=3")
	account.SetLinkModel(cloudflaretest.LinkModel{})
	server.Heal()
	server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Token, Status: http.StatusForbidden})
	shows("unopened.txt", 1, "plan", "-var=release=3")
	server.Heal()
	shows("again.txt", 0, "apply", "-var=release=3")
	shows("destroy.txt", 0, "destroy")

	written := contents(t, w.Dir)
	for file, want := range map[string]string{
		"replan.txt":   "PagerDuty Services Will Be Disconnected",
		"replace.txt":  "1 added, 0 changed, 1 destroyed",
		"refused.txt":  "[redacted]",
		"unopened.txt": "Unable to Create PagerDuty Integration Token",
		"show.json":    "integration_token_wo_version",
		"log":          "connect/[redacted]",
	} {
		if !strings.Contains(string(written[file]), want) {
			t.Errorf("no %q in %s:\n%s", want, file, written[file])
		}
	}
	for _, file := range []string{"create.tfplan/tfplan", "replace.tfplan/tfplan", "replace.tfplan/tfstate", "terraform.tfstate", "terraform.tfstate.backup"} {
		if len(written[file]) == 0 {
			t.Errorf("%s was not written", file)
		}
	}
	for file, content := range written {
		expectNoSecret(t, file, content, append(account.Tokens(), cloudflaretest.APIToken))
	}
}

// TestGivenTokenStaysOut gives a token by an ephemeral variable, as somebody does
// whose own automation has made it.
func TestGivenTokenStaysOut(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	account := server.Account(accountA)
	w := newWorkspace(t, server, `
variable "token" {
  type      = string
  ephemeral = true
  sensitive = true
}

resource "pagerduty_connection" "this" {
  integration_token_wo = var.token
}
`)
	token := account.NewToken()
	w.Env = append(w.Env, "TF_VAR_token="+token, "TF_LOG=trace", "TF_LOG_PROVIDER=trace", "TF_LOG_PATH="+filepath.Join(w.Dir, "log"))
	w.write("plan.txt", w.run(0, "plan", "-out=create.tfplan"))
	w.write("apply.txt", w.run(0, "apply", "create.tfplan"))
	expectCalls(t, server, cloudflaretest.Token, 0)
	w.emptyPlan()
	w.write("destroy.txt", w.run(0, "destroy"))

	w.Env = append(w.Env, "TF_VAR_token="+token+"\n")
	w.write("invalid.txt", w.run(1, "plan"))
	account.SetServices()
	unknown := "01234567-89ab-4cde-8f01-23456789abcd"
	w.Env = append(w.Env, "TF_VAR_token="+unknown)
	w.write("refused.txt", w.run(1, "apply"))

	written := contents(t, w.Dir)
	for file, want := range map[string]string{"invalid.txt": "Invalid Integration Token", "refused.txt": "works once", "log": "connect/[redacted]"} {
		if !strings.Contains(string(written[file]), want) {
			t.Errorf("no %q in %s:\n%s", want, file, written[file])
		}
	}
	for file, content := range written {
		expectNoSecret(t, file, content, []string{token, unknown})
	}
}
