// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// manyConnections connects accounts that are numbered from 0.
const manyConnections = `
resource "pagerduty_connection" "many" {
  count          = %d
  account_id     = format("%%032x", count.index)
  adopt_existing = true
}
`

const manyDataSources = `
data "pagerduty_services" "many" {
  count      = %d
  account_id = format("%%032x", 0)
}
`

// TestPlanWithoutChange checks that a plan without a change makes one request for
// each connection.
func TestPlanWithoutChange(t *testing.T) {
	t.Parallel()
	const connections = 3
	p := newPlanned(t, fmt.Sprintf(manyConnections, connections), connections, 0)
	p.run("apply", "-auto-approve")
	if got := p.plan().requests; got != connections {
		t.Errorf("%d requests for %d connections", got, connections)
	}
}

// BenchmarkPlanWithoutChange plans connections that exist, one for each account.
func BenchmarkPlanWithoutChange(b *testing.B) {
	for _, connections := range []int{1, 100} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			p := newPlanned(b, fmt.Sprintf(manyConnections, connections), connections, 0)
			p.run("apply", "-auto-approve")
			p.bench(b)
		})
	}
}

// BenchmarkPlanDataSources plans data sources that list the same account.
func BenchmarkPlanDataSources(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		for _, sources := range []int{1, 100, 1_000} {
			b.Run(fmt.Sprintf("latency=%s/sources=%d", latency, sources), func(b *testing.B) {
				newPlanned(b, fmt.Sprintf(manyDataSources, sources), 1, latency).bench(b)
			})
		}
	}
}

// planned is a configuration to plan with a provider that terraform attaches to:
// what such a process has used can be read once it has ended.
type planned struct {
	tb        testing.TB
	server    *cloudflaretest.Server
	workspace *terraformtest.Workspace
}

// cost is what a plan takes.
type cost struct {
	cpu      time.Duration // of the provider
	memory   float64       // of the provider at its peak, in MiB
	requests int
}

func newPlanned(tb testing.TB, config string, accounts int, latency time.Duration) *planned {
	tb.Helper()
	server, err := cloudflaretest.Start(cloudflaretest.WithLatency(latency))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	for i := range accounts {
		server.Account(fmt.Sprintf("%032x", i)).SetServices(cloudflaretest.Service{ID: "7f2c1c8e9d5b4a36a1c0e4f8b2d69730", Name: "On-call"})
	}
	p := &planned{tb: tb, server: server, workspace: terraformtest.NewWorkspace(tb, server.URL())}
	p.workspace.Write("main.tf", terraformtest.RequiredProviders("pagerduty")+config)
	return p
}

// bench measures plans.
func (p *planned) bench(b *testing.B) {
	b.Helper()
	var total cost
	for b.Loop() {
		took := p.plan()
		total.cpu += took.cpu
		total.memory = max(total.memory, took.memory)
		total.requests += took.requests
	}
	b.ReportMetric(total.cpu.Seconds()*1e3/float64(b.N), "provider-cpu-ms/op")
	b.ReportMetric(total.memory, "provider-peak-MiB")
	b.ReportMetric(float64(total.requests)/float64(b.N), "requests/op")
}

func (p *planned) plan() cost { return p.run("plan", "-detailed-exitcode") }

// run runs terraform, which must exit with 0: a plan without a change.
func (p *planned) run(args ...string) cost {
	p.tb.Helper()
	before := p.server.Count("")
	ctx, cancel := context.WithCancel(p.tb.Context())
	defer cancel()
	provider := exec.CommandContext(ctx, p.workspace.Provider, "-debug")
	provider.Env = append(os.Environ(), p.workspace.Env...)
	stdout, err := provider.StdoutPipe()
	if err == nil {
		err = provider.Start()
	}
	if err != nil {
		p.tb.Fatal(err)
	}
	var reattach string
	for lines := bufio.NewScanner(stdout); reattach == "" && lines.Scan(); {
		_, reattach, _ = strings.Cut(lines.Text(), "TF_REATTACH_PROVIDERS='")
	}
	attached := p.workspace.Terraform
	attached.Env = append(slices.Clone(attached.Env), "TF_REATTACH_PROVIDERS="+strings.TrimSuffix(reattach, "'"))
	result, err := attached.Exec(ctx, args...)
	cancel()
	_ = provider.Wait() // The error is that it was killed.
	if err != nil || result.ExitCode != 0 {
		p.tb.Fatalf("%q: exit status %d, %v\n%s", args, result.ExitCode, err, result.Output)
	}
	usage, ok := provider.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		p.tb.Fatal("the system does not report what a process has used")
	}
	memory := float64(usage.Maxrss) / 1024
	if runtime.GOOS == "darwin" {
		memory /= 1024 // In bytes there, in KiB elsewhere.
	}
	return cost{
		cpu:      provider.ProcessState.UserTime() + provider.ProcessState.SystemTime(),
		memory:   memory,
		requests: p.server.Count("") - before,
	}
}
