// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package heaptest measures how much memory something takes, in a process of its
// own.
package heaptest

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

const variable = "HEAPTEST_CASE"

// Run runs f for each case as a subtest, in a process of its own. The test that
// calls it does so first, and nothing else.
func Run(t *testing.T, cases []string, f func(t *testing.T, name string)) {
	t.Helper()
	if name := os.Getenv(variable); name != "" {
		f(t, name)
		return
	}
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test, _, _ := strings.Cut(t.Name(), "/")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.count=1", "-test.v")
			child.Env = append(os.Environ(), variable+"="+name)
			output, err := child.CombinedOutput()
			t.Logf("%s", output)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Expect fails the test if f takes more than limit bytes of memory at any time,
// garbage included, on top of what is taken already.
func Expect(t *testing.T, limit uint64, what string, f func()) {
	t.Helper()
	runtime.GC()
	before := heap()
	started := time.Now()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := before
		for {
			most = max(most, heap())
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}()
	f()
	close(done)
	taken := <-peak - before
	t.Logf("%s: %.1f MiB at most, in %s", what, float64(taken)/(1<<20), time.Since(started).Round(time.Millisecond))
	if taken > limit {
		t.Errorf("%s: that is more than %d MiB", what, limit>>20)
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
