// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// The rate limit of the Cloudflare API, and a large organisation under it.
const (
	budgetRequests = 1200
	budgetWindow   = 300 * time.Second
	parallelism    = 10 // terraform's own default
	requestLatency = 100 * time.Millisecond
)

// fleet is a large organisation, each block of which has an account of its own.
type fleet struct {
	dataSources, connections int

	t       *testing.T
	server  *cloudflaretest.Server
	core    *core
	started time.Time
	longest time.Duration // of the operations
}

var (
	large  = fleet{dataSources: 1200, connections: 300}
	medium = fleet{dataSources: 800, connections: 200}
)

// inBubble runs a test on a fleet, on a clock of its own.
func (f fleet) inBubble(t *testing.T, test func(*fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(24 * time.Hour) }) // Requests that nobody waits for any more end.
		server := cloudflaretest.NewOffline(
			cloudflaretest.WithRateLimit(budgetRequests, budgetWindow, budgetWindow), cloudflaretest.WithLatency(requestLatency))
		t.Cleanup(func() {
			for _, violation := range server.Violations() {
				t.Errorf("contract violation: %s", violation)
			}
			if relinked := server.Relinked(); len(relinked) > 0 {
				t.Errorf("%d tokens were linked twice", len(relinked))
			}
		})
		f.t, f.server, f.started = t, server, time.Now()
		for _, id := range f.accounts("d", f.dataSources) {
			server.Account(id).SetServices(primary, second)
		}
		for _, id := range f.accounts("c", f.connections) {
			server.Account(id)
		}
		f.restart()
		test(&f)
	})
}

// restart begins a provider process. The core looks through the log of its
// fake API at each step, so it gets one whose log stays empty.
func (f *fleet) restart() {
	f.core = newCore(f.t, offline(f.t), nil, func(config *cloudflare.Config) { config.Transport = f.server.RoundTripper() })
}

func (f *fleet) accounts(kind string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%031x", kind, i+1)
	}
	return ids
}

// runAll runs the operations as terraform does, ten at a time. None may fail.
func (f *fleet) runAll(operations []func() diagnostics) {
	f.t.Helper()
	queue := make(chan func() diagnostics)
	var mu sync.Mutex
	var group sync.WaitGroup
	failed := 0
	for range parallelism {
		group.Go(func() {
			for operation := range queue {
				started := time.Now()
				diags := operation()
				mu.Lock()
				f.longest = max(f.longest, time.Since(started))
				if diags.hasError() {
					if failed++; failed <= 3 {
						f.t.Errorf("after %s, an operation of %s: %s", time.Since(f.started), time.Since(started), diags)
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, operation := range operations {
		queue <- operation
	}
	close(queue)
	group.Wait()
	if failed > 0 {
		f.t.Errorf("%d of %d operations failed", failed, len(operations))
	}
}

// planAll reads all data sources and plans all connections, in turns.
func (f *fleet) planAll(prior []instance, config func(string) object) []plan {
	plans := make([]plan, f.connections)
	var operations []func() diagnostics
	for i, id := range f.accounts("d", f.dataSources) {
		operations = append(operations, func() diagnostics {
			read := f.core.services(object{"account_id": id})
			if services, _ := read.state["services"].([]any); !read.diags.hasError() && len(services) != 2 {
				f.t.Errorf("account %s has %d services", id, len(services))
			}
			return read.diags
		})
		if i >= f.connections {
			continue
		}
		operations = append(operations, func() diagnostics {
			before := prior[i]
			if before.state != nil {
				read := f.core.read(before)
				if read.diags.hasError() {
					return read.diags
				}
				before = read.instance
			}
			plans[i] = f.core.plan(before, config(f.accounts("c", f.connections)[i]))
			return plans[i].diags
		})
	}
	f.runAll(operations)
	return plans
}

// applyAll applies all plans.
func (f *fleet) applyAll(plans []plan) []instance {
	applied := make([]instance, f.connections)
	var operations []func() diagnostics
	for i, p := range plans {
		operations = append(operations, func() diagnostics {
			out := f.core.apply(p)
			applied[i] = out.instance
			return out.diags
		})
	}
	f.runAll(operations)
	return applied
}

// run is a whole life: connect everything in one run, destroy it in another.
func (f *fleet) run(check func(requests, time.Duration, time.Duration)) {
	f.t.Helper()
	config := func(id string) object { return object{"account_id": id} }
	created := f.applyAll(f.planAll(make([]instance, f.connections), config))
	// A list in the plan; a list in the plan that apply makes, then a list, a token, a
	// link, a list and the policies.
	f.report("plan and apply", f.dataSources+7*f.connections, 3*f.connections, check)
	for _, id := range f.accounts("c", f.connections) {
		if len(f.server.Account(id).Services()) != 1 {
			f.t.Errorf("account %s is not connected", id)
		}
	}
	// The next run begins in a new budget, so that its figures stand alone.
	time.Sleep(2 * budgetWindow)
	f.server.ResetRequests()
	f.started, f.longest = time.Now(), 0
	f.restart()
	f.applyAll(f.planAll(created, func(string) object { return nil }))
	// A refresh; a list and the policies in the plan; a list, a DELETE and two lists.
	f.report("destroy", f.dataSources+7*f.connections, 2*f.connections, check)
	for _, id := range f.accounts("c", f.connections) {
		if len(f.server.Account(id).Services()) != 0 {
			f.t.Errorf("account %s is still connected", id)
		}
	}
}

// report logs the requests that the provider made, and the time of an ideal client
// that has the budget for itself: a window for each full budget, and the rest at
// once.
func (f *fleet) report(what string, needed, checks int, check func(requests, time.Duration, time.Duration)) {
	f.t.Helper()
	r := requests{needed: needed, checks: checks}
	for _, request := range f.server.Requests() {
		if request.Header.Get("X-Other-User") != "" {
			continue
		}
		r.made++
		if request.Status == http.StatusTooManyRequests {
			r.refused++
		}
	}
	rest := (needed-1)%budgetRequests + 1
	ideal := time.Duration((needed-1)/budgetRequests)*budgetWindow + time.Duration(rest)*requestLatency/parallelism
	took := time.Since(f.started)
	f.t.Logf("%s: %d requests made, %d needed, %d refused; took %s, alone ideally %s; longest operation %s",
		what, r.made, needed, r.refused, took.Round(time.Second), ideal.Round(time.Second), f.longest.Round(time.Second))
	check(r, took, ideal)
}

// requests counts the requests of a run. The checks are those of the needed ones
// that are left out where they would have to wait.
type requests struct{ made, needed, checks, refused int }

// otherUser spends the same credentials' budget until the context ends, at this
// many requests a second. A rude one does not mind a 429.
func (f *fleet) otherUser(ctx context.Context, rate int, rude bool) {
	var wait atomic.Int64
	for ctx.Err() == nil {
		go func() {
			resp, err := f.server.RoundTripper().RoundTrip(f.otherRequest(ctx))
			if err != nil {
				return // The context has ended.
			}
			defer resp.Body.Close()
			if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && !rude {
				wait.Store(int64(time.Duration(after) * time.Second))
			}
		}()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second/time.Duration(rate) + time.Duration(wait.Swap(0))):
		}
	}
}

func (f *fleet) otherRequest(ctx context.Context) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL()+"/accounts/"+f.accounts("d", 1)[0]+"/alerting/v3/destinations/pagerduty", http.NoBody)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+cloudflaretest.APIToken)
	req.Header.Set("X-Other-User", "yes")
	return req
}

// Without anyone else, the provider never runs into the block, and hardly waits
// longer than it must.
func TestRateLimitAlone(t *testing.T) {
	t.Parallel()
	large.inBubble(t, func(f *fleet) {
		f.run(func(r requests, took, ideal time.Duration) {
			if r.made > r.needed || r.made < r.needed-r.checks || r.refused > 0 {
				f.t.Errorf("%+v", r)
			}
			if took > ideal+time.Minute {
				f.t.Errorf("took %s where %s would do", took, ideal)
			}
		})
	})
}

// Another user of the same credentials can run everybody into the block. The
// provider waits for its end within the time that an operation has by default, and
// hardly makes a request in vain.
func TestRateLimitWithAnotherUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fleet fleet
		rate  int
		rude  bool
	}{
		"who uses the whole budget":     {fleet: medium, rate: 4},
		"who does not wait after a 429": {fleet: medium, rate: 10, rude: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.fleet.inBubble(t, func(f *fleet) {
				ctx, cancel := context.WithCancel(f.t.Context())
				defer cancel()
				go f.otherUser(ctx, test.rate, test.rude)
				f.run(func(r requests, _, _ time.Duration) {
					// A DELETE that is refused has another list before it is sent again.
					if r.made-r.refused > r.needed+r.refused || r.made < r.needed-r.checks || r.refused > r.needed/50 {
						f.t.Errorf("%+v", r)
					}
				})
			})
		})
	}
}
