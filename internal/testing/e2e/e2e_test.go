// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package e2e tests what only the whole shows: the provider's real binary, run by
// a real terraform, over HTTP to the fake API.
package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	accountA = "0a000000000000000000000000000001"
	accountB = "0b000000000000000000000000000002"

	connection = "pagerduty_connection.this"
)

var (
	providers   = terraformtest.RequiredProviders("pagerduty")
	plainConfig = configFor(accountA)
)

// configFor connects an account.
func configFor(account string) string {
	return fmt.Sprintf("resource \"pagerduty_connection\" \"this\" {\n  account_id = %q\n}\n", account)
}

func TestMain(m *testing.M) { terraformtest.Main(m) }

// newWorkspace returns a workspace with a configuration, on an API that knows
// account A.
func newWorkspace(t *testing.T, server *cloudflaretest.Server, config string, env ...string) *terraformtest.Workspace {
	t.Helper()
	server.Account(accountA)
	w := terraformtest.NewWorkspace(t, server.URL(), env...)
	w.Write("main.tf", providers+config)
	return w
}

// services are those of the one connection in the state.
func services(w *terraformtest.Workspace) []cloudflaretest.Service {
	w.T.Helper()
	found := w.Connection()
	if found == nil {
		w.T.Fatalf("%s is not in the state", connection)
	}
	return found.Services
}

func expectServices(t *testing.T, what string, got, want []cloudflaretest.Service) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("services %s: got %v, want %v", what, got, want)
	}
}

// withSettings adds settings to a connection.
func withSettings(config, settings string) string {
	return strings.Replace(config, "\n", "\n  "+settings+"\n", 1)
}

// expectOnlyReads wants no request that changes anything.
func expectOnlyReads(t *testing.T, server *cloudflaretest.Server) {
	t.Helper()
	for _, op := range []cloudflaretest.Op{cloudflaretest.Token, cloudflaretest.Link, cloudflaretest.Delete} {
		expectRequests(t, server, op, 0)
	}
}

func expectRequests(t *testing.T, server *cloudflaretest.Server, op cloudflaretest.Op, want int) {
	t.Helper()
	if got := server.Count(op); got != want {
		t.Errorf("%d requests of %s, want %d", got, op, want)
	}
}
