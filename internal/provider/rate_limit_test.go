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
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// The rate limit of the Cloudflare API, and a large organisation under it.
const (
	budgetCalls  = 1200
	budgetWindow = 300 * time.Second
	parallelism  = 10 // terraform's own default
	callLatency  = 100 * time.Millisecond
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
	large  = fleet{dataSources: 2000, connections: 500}
	medium = fleet{dataSources: 800, connections: 200}
)

// inBubble runs a test on a fleet, on a clock of its own.
func (f fleet) inBubble(t *testing.T, test func(*fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(24 * time.Hour) }) // What nobody waits for any more runs out.
		server := cloudflaretest.NewOffline(
			cloudflaretest.WithRateLimit(budgetCalls, budgetWindow, budgetWindow), cloudflaretest.WithLatency(callLatency))
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

// walk does the operations as terraform walks its graph. None may fail.
func (f *fleet) walk(operations []func() diagnostics) {
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

// planWalk reads all data sources and plans all connections, in turns.
func (f *fleet) planWalk(prior []instance, config func(string) object) []plan {
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
	f.walk(operations)
	return plans
}

// applyWalk applies all plans.
func (f *fleet) applyWalk(plans []plan) []instance {
	applied := make([]instance, f.connections)
	var operations []func() diagnostics
	for i, p := range plans {
		operations = append(operations, func() diagnostics {
			out := f.core.apply(p)
			applied[i] = out.instance
			return out.diags
		})
	}
	f.walk(operations)
	return applied
}

// run is a whole life: connect everything in one run, destroy it in another.
func (f *fleet) run(check func(made, needed, refused int, took, ideal time.Duration)) {
	f.t.Helper()
	config := func(id string) object { return object{"account_id": id} }
	created := f.applyWalk(f.planWalk(make([]instance, f.connections), config))
	// A look in the plan; a look, a token, a link and a look in the apply.
	f.report("plan and apply", f.dataSources+f.connections+4*f.connections, check)
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
	f.applyWalk(f.planWalk(created, func(string) object { return nil }))
	// A refresh; a look, a deletion and a look.
	f.report("destroy", f.dataSources+f.connections+3*f.connections, check)
	for _, id := range f.accounts("c", f.connections) {
		if len(f.server.Account(id).Services()) != 0 {
			f.t.Errorf("account %s is still connected", id)
		}
	}
}

// report tells of the calls that the provider made, and of what an ideal pacer
// would need that had the budget for itself: a window for each full budget, and
// the rest at once.
func (f *fleet) report(what string, needed int, check func(made, needed, refused int, took, ideal time.Duration)) {
	f.t.Helper()
	made, refused := 0, 0
	for _, request := range f.server.Requests() {
		if request.Header.Get("X-Other-User") != "" {
			continue
		}
		made++
		if request.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	rest := (needed-1)%budgetCalls + 1
	ideal := time.Duration((needed-1)/budgetCalls)*budgetWindow + time.Duration(rest)*callLatency/parallelism
	took := time.Since(f.started)
	f.t.Logf("%s: %d calls made, %d needed, %d refused; took %s, alone ideally %s; longest operation %s",
		what, made, needed, refused, took.Round(time.Second), ideal.Round(time.Second), f.longest.Round(time.Second))
	check(made, needed, refused, took, ideal)
}

// otherUser spends the same credentials' budget until the context ends, at this
// many calls a second. A rude one does not mind a 429.
func (f *fleet) otherUser(ctx context.Context, rate int, rude bool) {
	var wait atomic.Int64
	for ctx.Err() == nil {
		go func() {
			resp, err := f.server.RoundTripper().RoundTrip(f.otherCall(ctx))
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

func (f *fleet) otherCall(ctx context.Context) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL()+"/accounts/"+f.accounts("d", 1)[0]+"/alerting/v3/destinations/pagerduty", http.NoBody)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+cloudflaretest.APIToken)
	req.Header.Set("X-Other-User", "yes")
	return req
}

// The pacing never runs into the block, and hardly waits longer than it must.
func TestRateLimitAlone(t *testing.T) {
	t.Parallel()
	large.inBubble(t, func(f *fleet) {
		f.run(func(made, needed, refused int, took, ideal time.Duration) {
			if made != needed || refused > 0 {
				f.t.Errorf("%d calls made, %d refused, want %d made", made, refused, needed)
			}
			if took > ideal+time.Minute {
				f.t.Errorf("took %s where %s would do", took, ideal)
			}
		})
	})
}

// Another user of the same credentials can run everybody into the block. It is
// waited out within the time that an operation has by default, and hardly a call
// is made in vain.
func TestRateLimitWithAnotherUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fleet fleet
		rate  int
		rude  bool
	}{
		"who uses the whole budget":     {large, 4, false},
		"who does not wait after a 429": {medium, 20, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.fleet.inBubble(t, func(f *fleet) {
				ctx, cancel := context.WithCancel(f.t.Context())
				defer cancel()
				go f.otherUser(ctx, test.rate, test.rude)
				f.run(func(made, needed, refused int, _, _ time.Duration) {
					// A look that a plan takes is left out where it would have to wait.
					if made-refused > needed || made < needed-f.connections || refused > needed/50 {
						f.t.Errorf("%d calls made, %d refused, %d needed", made, refused, needed)
					}
				})
			})
		})
	}
}
