// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// TestDebugServer starts the provider as a debugger would, and attaches terraform
// to it.
func TestDebugServer(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, plainConfig)
	// A debug server is known under its full address, in tofu too.
	w.Write("main.tf", strings.Replace(providers, terraformtest.Source, "registry.terraform.io/"+terraformtest.Source, 1)+plainConfig)

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	debugged := exec.CommandContext(ctx, w.Provider, "-debug")
	debugged.Env = append(os.Environ(), w.Env...)
	stdout, err := debugged.StdoutPipe()
	if err == nil {
		err = debugged.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer debugged.Wait() //nolint:errcheck // It is killed.
	defer stop()

	var reattach string
	for lines := bufio.NewScanner(stdout); reattach == "" && lines.Scan(); {
		_, reattach, _ = strings.Cut(lines.Text(), "TF_REATTACH_PROVIDERS='")
	}
	if reattach == "" {
		t.Fatal("TF_REATTACH_PROVIDERS was not printed")
	}
	w.Env = append(w.Env, "TF_REATTACH_PROVIDERS="+strings.TrimSuffix(reattach, "'"))
	w.Run(2, "plan", "-detailed-exitcode")
	expectRequests(t, server, cloudflaretest.List, 1)
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	newWorkspace(t, server, plainConfig, "TF_APPEND_USER_AGENT=e2e/1").Run(0, "plan")
	requests := server.Requests()
	if len(requests) == 0 {
		t.Fatal("no requests")
	}
	agent := requests[0].Header.Get("User-Agent")
	if want := "terraform-provider-cloudflare-pagerduty/" + terraformtest.LinkedVersion + " (+https://"; !strings.HasPrefix(agent, want) {
		t.Errorf("user agent %q, want it to begin with %q", agent, want)
	}
	if !strings.Contains(agent, " Terraform/1.") || !strings.HasSuffix(agent, " e2e/1") {
		t.Errorf("user agent %q", agent)
	}
}
