// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const (
	account = "0123456789abcdef0123456789abcdef"

	manyDataSources = `
terraform {
  required_providers {
    pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty" }
  }
}

data "pagerduty_services" "many" {
  count = %d
}
`
)

// cost is what a plan took.
type cost struct {
	wall, cpu time.Duration
	memory    float64 // of the provider at its peak, in MiB
	calls     int
}

// measurePlan runs a provider that terraform attaches to, so that the provider's
// own use of the machine can be read once it has ended.
func measurePlan(ctx context.Context, terraform terraformtest.Terraform, dir string, sources int, latency time.Duration) (cost, error) {
	server, err := cloudflaretest.Start(cloudflaretest.WithLatency(latency))
	if err != nil {
		return cost{}, err
	}
	defer server.Close()
	server.Account(account).SetServices(cloudflaretest.Service{ID: "7f2c1c8e9d5b4a36a1c0e4f8b2d69730", Name: "On-call"})

	folder, err := os.MkdirTemp(dir, "plan")
	if err != nil {
		return cost{}, err
	}
	if err := os.WriteFile(filepath.Join(folder, "main.tf"), fmt.Appendf(nil, manyDataSources, sources), 0o600); err != nil {
		return cost{}, err
	}
	provider, attach, err := startProvider(ctx, terraform.Provider,
		"CLOUDFLARE_API_TOKEN="+cloudflaretest.APIToken,
		"CLOUDFLARE_ACCOUNT_ID="+account,
		"CLOUDFLARE_BASE_URL="+server.URL())
	if err != nil {
		return cost{}, err
	}
	terraform.Dir, terraform.Env = folder, []string{attach}
	// Terraform skips the installation of a provider that it attaches to.
	planned, err := terraform.Exec(ctx, "init")
	started := time.Now()
	if err == nil && planned.ExitCode == 0 {
		started = time.Now()
		planned, err = terraform.Exec(ctx, "plan")
	}
	took := cost{wall: time.Since(started), calls: server.Count(cloudflaretest.List)}
	stopErr := provider.Process.Signal(os.Interrupt)
	_ = provider.Wait() // Its exit code says that it was interrupted.
	if planned.ExitCode != 0 {
		err = fmt.Errorf("terraform failed:\n%s", planned.Output)
	}
	usage, ok := provider.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		err = errors.Join(err, errors.New("the system does not tell what a process used"))
	}
	if err = errors.Join(err, stopErr); err != nil {
		return cost{}, err
	}
	took.cpu = provider.ProcessState.UserTime() + provider.ProcessState.SystemTime()
	took.memory = float64(usage.Maxrss) / 1024
	if runtime.GOOS == "darwin" {
		took.memory /= 1024 // It counts in bytes, not in KiB.
	}
	return took, nil
}

// startProvider starts a provider to attach to, and returns the variable that
// tells terraform how.
func startProvider(ctx context.Context, binary string, env ...string) (*exec.Cmd, string, error) {
	cmd := exec.CommandContext(ctx, binary, "-debug")
	cmd.Env = append(os.Environ(), env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, value, found := strings.Cut(lines.Text(), "TF_REATTACH_PROVIDERS="); found {
			return cmd, "TF_REATTACH_PROVIDERS=" + strings.Trim(value, "'"), nil
		}
	}
	return nil, "", fmt.Errorf("%s -debug did not say how to attach to it: %w", filepath.Base(binary), cmd.Wait())
}
