// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package faults searches for faults of the network and of the operator that
// break the provider's promises: the real binary, between toxiproxy and signals,
// alone and under a real terraform.
package faults

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	accountA   = "0a000000000000000000000000000001"
	connection = "pagerduty_connection.this"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		// Most of the time is spent waiting.
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
	}
	terraformtest.Main(m)
}

// newWorkspace returns a workspace with a configuration that connects account A.
func newWorkspace(t *testing.T, baseURL string, env ...string) *terraformtest.Workspace {
	t.Helper()
	w := terraformtest.NewWorkspace(t, baseURL, env...)
	w.Write("main.tf", terraformtest.RequiredProviders("pagerduty")+fmt.Sprintf("resource \"pagerduty_connection\" \"this\" {\n  account_id = %q\n}\n", accountA))
	return w
}

// expectConnected wants the account and the state to have the same services, or
// neither to have any.
func expectConnected(w *terraformtest.Workspace, account *cloudflaretest.Account, want bool) {
	w.T.Helper()
	state, services := w.Connection(), account.Services()
	if (state != nil) != want || (len(services) > 0) != want || state != nil && !slices.Equal(state.Services, services) {
		w.T.Errorf("there is %v, and in the state %+v", services, state)
	}
}
