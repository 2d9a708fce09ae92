// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Command bench measures the real provider as a process of its own: how fast it
// starts and how large it is next to a provider that does nothing, and what a plan
// of many data sources costs with a real terraform on a stand-in for the API.
//
// It ends with an error when the provider is more than a twentieth slower to start
// or larger than the empty one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const (
	// tolerance is how much more than the empty provider the real one may take.
	tolerance = 1.05
	startRuns = 20
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overheadErr := compareWithEmpty(ctx, dir)
	if err := measurePlans(ctx, dir); err != nil {
		return err
	}
	return overheadErr
}

// compareWithEmpty starts both providers in turns until they have told their
// schemas, so that what else the machine does meets both.
func compareWithEmpty(ctx context.Context, dir string) error {
	real, err := buildRelease(ctx, dir)
	if err != nil {
		return fmt.Errorf("unable to build the provider: %w", err)
	}
	empty, err := buildEmpty(ctx, filepath.Join(dir, "empty"))
	if err != nil {
		return fmt.Errorf("unable to build the empty provider: %w", err)
	}
	times := map[string][]time.Duration{}
	for i := range startRuns + 1 {
		for _, binary := range []string{real, empty} {
			took, err := timeSchema(ctx, binary)
			if err != nil {
				return fmt.Errorf("unable to start %s: %w", filepath.Base(binary), err)
			}
			if i > 0 { // The first run warms caches.
				times[binary] = append(times[binary], took)
			}
		}
	}
	var sizes [2]float64
	for i, binary := range []string{real, empty} {
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		sizes[i] = float64(info.Size()) / (1 << 20)
	}
	took, base := median(times[real]), median(times[empty])
	timeRatio, sizeRatio := float64(took)/float64(base), sizes[0]/sizes[1]

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\tprovider\tempty provider\tratio\t\n")
	fmt.Fprintf(table, "start to schema, median of %d\t%s\t%s\t%.3f\t\n", startRuns, took.Round(10*time.Microsecond), base.Round(10*time.Microsecond), timeRatio)
	fmt.Fprintf(table, "release binary, MiB\t%.2f\t%.2f\t%.3f\t\n", sizes[0], sizes[1], sizeRatio)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Println()
	if timeRatio > tolerance || sizeRatio > tolerance {
		return errors.New("the provider takes more than a twentieth more than an empty one")
	}
	return nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return (times[(len(times)-1)/2] + times[len(times)/2]) / 2
}

// measurePlans plans many data sources with a real terraform.
func measurePlans(ctx context.Context, dir string) error {
	path, err := terraformtest.Find(ctx, "", dir)
	if err != nil {
		return err
	}
	terraform, err := terraformtest.New(ctx, dir, path, "bench")
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "terraform plan: data sources\taccounts\tlatency\twall\tprovider CPU\tprovider memory, MiB\tcalls\tneeded\t\n")
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		for _, sources := range []int{1, 100, 1_000} {
			cost, err := measurePlan(ctx, terraform, dir, sources, latency)
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "%d\t1\t%s\t%s\t%s\t%.0f\t%d\t1\t\n", sources, latency,
				cost.wall.Round(10*time.Millisecond), cost.cpu.Round(10*time.Millisecond), cost.memory, cost.calls)
		}
	}
	return table.Flush()
}
