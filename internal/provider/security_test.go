// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// onlyLists responds to each request with one body.
type onlyLists []byte

func (body onlyLists) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// bodies are lists that take much memory: as many services as are read, as much
// text as is read, and more than that.
func bodies() map[string]onlyLists {
	list := func(n int, service string) onlyLists {
		var b bytes.Buffer
		b.WriteString(`{"success":true,"result":[`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, service, i)
		}
		b.WriteString(`]}`)
		return b.Bytes()
	}
	return map[string]onlyLists{
		"most services named": list(10_000, `{"id":"%032d","name":"`+strings.Repeat("n", 150)+`"}`),
		"name of control":     list(1, `{"id":"%d","name":"`+strings.Repeat(`\u0001`, (2<<20-100)/6)+`"}`),
		"10 MiB of services":  list(900_000, `{"id":"%d"}`)[:10<<20],
	}
}

// The lists of a hostile API take little memory in all the forms that Terraform
// needs. Each list is read in a process of its own.
func TestHostileListsTakeLittle(t *testing.T) {
	t.Parallel()
	if name := os.Getenv("TEST_HOSTILE_LIST"); name != "" {
		withHostileList(t, name)
		return
	}
	for name := range bodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostileListsTakeLittle$", "-test.count=1", "-test.v")
			child.Env = append(os.Environ(), "TEST_HOSTILE_LIST="+name)
			output, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, output)
			}
			for line := range strings.Lines(string(output)) {
				if strings.Contains(line, "heap") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

func withHostileList(t *testing.T, name string) {
	t.Helper()
	body := bodies()[name]
	c := newCore(t, offline(t), nil, func(config *cloudflare.Config) { config.Transport, config.Clock = body, &fastClock{} })
	own := len(body) // The test's, not the provider's.
	for what, f := range map[string]func() outcome{
		"data source": func() outcome { return c.services(object{}) },
		"lookup":      func() outcome { return c.service(object{"name": "x"}) },
		"plan":        func() outcome { return c.plan(instance{}, object{}).outcome },
		"create": func() outcome {
			return c.applyOnce(plan{config: onA(object{}), outcome: outcome{instance: instance{state: c.proposed(nil, object{"account_id": accountA, "id": accountA})}}})
		},
	} {
		started := time.Now()
		var out outcome
		peak := peakHeap(func() { out = f() }) - uint64(own)
		t.Logf("%s: heap of at most %.1f MiB, %s, %d diagnostics of %d bytes", what, float64(peak)/(1<<20), time.Since(started).Round(time.Millisecond), len(out.diags), len(out.diags.String()))
		if peak > 64<<20 {
			t.Error("that is more than 64 MiB")
		}
	}
}

// peakHeap is the most memory that the heap has while f runs, garbage included.
func peakHeap(f func()) uint64 {
	runtime.GC()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var most uint64
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
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
	return <-peak
}
