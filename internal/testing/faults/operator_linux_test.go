// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

var seed = flag.Uint64("seed", 1, "of the moments at which the operator's signals come")

// signal is sent to a run of terraform.
type signal string

const (
	interrupt      signal = "interrupt of terraform"
	interruptTwice signal = "two interrupts of terraform"
	interruptAll   signal = "interrupt of the process group" // Ctrl-C in a terminal
	interruptOther signal = "interrupt of the provider"
	kill           signal = "kill of terraform"
	killProvider   signal = "kill of the provider"
	killAll        signal = "kill of both" // the machine goes down
)

var signals = []signal{interrupt, interruptTwice, interruptAll, interruptOther, kill, killProvider, killAll}

// TestOperator sends signals to terraform at random moments, and then does what an
// operator would do. Whatever it was, nothing may be deleted that no plan showed,
// nothing linked twice, and no connection lost without a word.
func TestOperator(t *testing.T) {
	t.Parallel()
	limit, workers := time.Duration(0), 3
	if *thorough {
		limit = 5 * time.Minute
	}
	r := &stressRun{template: operatorTemplate(t), deadline: time.Now().Add(limit), seen: map[string]int{}}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { r.work(t) })
	}
	wg.Wait()
	t.Logf("%d iterations with seed %d", r.iterations, *seed)
	for _, what := range slices.Sorted(maps.Keys(r.seen)) {
		t.Logf("%4d %s", r.seen[what], what)
	}
}

// stressRun is iterations, two of each signal at least, and more until its time is up.
type stressRun struct {
	template string
	deadline time.Time

	mu         sync.Mutex
	iterations int
	seen       map[string]int // how often what has happened
}

// work runs iterations, one after the other. Other workers do so at the same time.
func (r *stressRun) work(t *testing.T) {
	t.Helper()
	for !t.Failed() {
		r.mu.Lock()
		// Each signal is sent at least twice, however slow the machine is.
		done := r.iterations >= 2*len(signals) && time.Now().After(r.deadline)
		if done {
			r.mu.Unlock()
			return
		}
		r.iterations++
		n := r.iterations
		r.mu.Unlock()
		it := &iteration{n: n, random: rand.New(rand.NewPCG(*seed, uint64(n))), template: r.template}
		t.Run(strconv.Itoa(n), it.test)
		r.mu.Lock()
		for _, what := range it.seen {
			r.seen[what]++
		}
		r.mu.Unlock()
	}
}

// operatorTemplate is the state of a connected account.
func operatorTemplate(t *testing.T) string {
	t.Helper()
	server := cloudflaretest.New(t)
	server.Account(accountA)
	w := newWorkspace(t, server.URL())
	w.Run(0, "apply")
	return w.Read(terraformtest.StateFile)
}

// iteration is one signal, and what an operator does then.
type iteration struct {
	n        int
	random   *rand.Rand
	template string
	seen     []string // what has happened, for the statistics

	t      *testing.T
	w      *terraformtest.Workspace
	server *cloudflaretest.Server

	slow func() // makes requests take their time; nil when they do
	// during reports whether a request was under way at the signal: so was a provider,
	// for longer than it takes to start.
	during bool

	story []string // what was done, for a failure
	runs  []ran
}

func (it *iteration) test(t *testing.T) {
	it.t = t
	latency := time.Duration(50+it.random.IntN(250)) * time.Millisecond
	if it.random.IntN(2) == 0 {
		// A request takes its time after its effect,
		it.server = cloudflaretest.New(t, cloudflaretest.WithLatency(latency))
	} else {
		// or before it: a server goes on although its client has gone.
		it.server = cloudflaretest.New(t)
		defer it.server.Heal()
		it.slow = func() { it.server.Fail(cloudflaretest.Fault{Stall: latency}) }
	}
	it.server.Account(accountA)
	it.w = newWorkspace(t, it.server.URL())
	defer func() {
		if t.Failed() {
			t.Logf("latency %s\n%s", latency, strings.Join(it.story, "\n"))
			for _, request := range it.server.Requests() {
				t.Logf("%s %-6s %d linked %t removed %v", request.Start.Format("05.000"), request.Op, request.Status, request.Linked, request.Removed)
			}
		}
	}()
	if connected := it.random.IntN(2) == 0; connected {
		it.destroy(latency)
		it.audit(connected)
	} else {
		it.apply(latency)
		it.audit(connected)
	}
}

// apply signals an apply, and applies again.
func (it *iteration) apply(latency time.Duration) {
	what, output := it.signalRun(latency, 7, "apply")
	account, state := it.server.Account(accountA), it.w.Connection()
	live := len(account.Services()) > 0
	it.note("apply, %s: connected %t, in the state %t", what, live, state != nil)
	if state != nil && !live && len(state.Services) > 0 {
		it.t.Error("the state has services that there are not")
	}
	if live && state == nil && (what == interrupt || what == interruptAll) && !strings.Contains(output, "Error: "+connectFails) {
		it.t.Error("connected and not in the state, without a word")
	}
	if what == interruptOther && it.during && state == nil {
		it.t.Error("the provider heeds an interrupt")
	}

	result := it.run("apply")
	switch {
	case live && state == nil:
		// The next apply refuses, and says how to import.
		if result.ExitCode != 1 {
			it.t.Errorf("the next apply does not refuse:\n%s", result.Output)
			return
		}
		terraformtest.ExpectText(it.t, result.Output, "already connected", "terraform import pagerduty_connection.NAME "+accountA)
		it.must("import", connection, accountA)
	case result.ExitCode != 0:
		it.t.Errorf("the next apply fails:\n%s", result.Output)
		return
	}
	it.expectConnected()
}

// destroy signals a destroy, and then destroys, or applies after all.
func (it *iteration) destroy(latency time.Duration) {
	account := it.server.Account(accountA)
	account.SetServices(it.connect()...)
	unplanned := cloudflaretest.Service{ID: "99999999999999999999999999999999", Name: "Stranger"}
	requests, args := 6, []string{"destroy"}
	if it.random.IntN(2) == 0 {
		// Someone adds a service when the plan lists, or after it, when destroy
		// checks. The plan is a saved one: terraform shows the warnings of any other
		// at its end, which a signal keeps from coming.
		it.server.Fail(cloudflaretest.Fault{Op: list, Skip: 1 + it.random.IntN(2), Times: 1, Hook: func() {
			account.SetServices(append(account.Services(), unplanned)...)
		}})
		it.must("plan", "-destroy", "-out=saved.tfplan")
		requests, args = 3, []string{"apply", "saved.tfplan"}
	}
	what, _ := it.signalRun(latency, requests, args...)
	it.server.Heal()
	state, live := it.w.Connection(), len(account.Services()) > 0
	it.note("destroy, %s: connected %t, in the state %t", what, live, state != nil)
	if live && state == nil {
		it.t.Error("connected and not in the state any more")
		return
	}
	if it.random.IntN(2) == 0 {
		it.must("destroy")
		// Now the plan shows what there is.
		if services := account.Services(); len(services) > 0 {
			it.t.Errorf("left after destroy: %v", services)
		}
		if it.w.Connection() != nil {
			it.t.Error("the connection is in the state after destroy")
		}
		return
	}
	result := it.run("apply")
	if result.ExitCode != 0 {
		it.t.Errorf("the next apply fails:\n%s", result.Output)
		return
	}
	if !live && state != nil {
		terraformtest.ExpectText(it.t, result.Output, pendingWarning)
	}
	it.expectConnected()
}

// connect puts the connection of the template into the state, and returns its
// services.
func (it *iteration) connect() []cloudflaretest.Service {
	it.w.Write(terraformtest.StateFile, it.template)
	return it.w.Connection().Services
}

// expectConnected wants the state to show what there is, and an empty plan. A
// connection that is still pending is linked again, as its warning says.
func (it *iteration) expectConnected() {
	it.t.Helper()
	if len(it.server.Account(accountA).Services()) == 0 {
		it.must("apply", "-replace="+connection)
	}
	it.must("plan", "-detailed-exitcode")
	expectConnected(it.w, it.server.Account(accountA), true)
}

// signalRun runs terraform and sends it a signal. It returns which, and what
// terraform has written.
func (it *iteration) signalRun(latency time.Duration, requests int, args ...string) (signal, string) {
	if it.slow != nil {
		it.slow()
		defer it.server.Heal()
	}
	what := signals[it.n%len(signals)]
	// A moment after one of the requests; or, for what comes before and after all
	// of them, any moment.
	after, pause := 1+it.random.IntN(requests), time.Duration(it.random.Int64N(int64(latency*5/4)))
	if it.random.IntN(6) == 0 {
		after, pause = 0, time.Duration(it.random.Int64N(int64(2*time.Second)))
	}
	again := time.Duration(it.random.Int64N(int64(300 * time.Millisecond)))
	it.story = append(it.story, fmt.Sprintf("terraform %s: %s, %s after %d requests", args[0], what, pause, after))

	from := it.server.Count("")
	var output lockedBuffer
	cmd := it.w.Command(context.WithoutCancel(it.t.Context()), &output, terraformtest.Unattended(args)...)
	if err := cmd.Start(); err != nil {
		it.t.Fatal(err)
	}
	process := &process{w: it.w, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(process.done)
	}()
	for process.running() && it.server.Count("") < from+after {
		time.Sleep(2 * time.Millisecond)
	}
	process.sleep(pause)
	moment := "before the first request"
	if requests := it.server.Requests()[from:]; len(requests) > 0 {
		last := requests[len(requests)-1]
		moment = fmt.Sprintf("after request %d, %s", len(requests), last.Op)
		if it.during = last.End.IsZero(); it.during {
			moment = fmt.Sprintf("during request %d, %s", len(requests), last.Op)
		}
	}
	hit := process.signal(what, again)
	before := it.server.Count("")

	select {
	case <-process.done:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-process.done
		it.t.Errorf("terraform has not ended within a minute of: %s", what)
	}
	orphans := it.reap()
	if more := it.server.Count("") - before; what == kill && more > 0 {
		it.note("%d requests more after: %s", more, what)
	}
	if !hit {
		moment = "too late"
	}
	it.seen = append(it.seen, args[0]+" "+moment, string(what))
	if orphans > 0 {
		it.seen = append(it.seen, "orphans of: "+string(what))
	}
	it.story = append(it.story, fmt.Sprintf("%s: exit status %d, %d orphans\n%s", moment, cmd.ProcessState.ExitCode(), orphans, output.String()))
	it.runs = append(it.runs, ran{from: from, output: output.String(), saved: len(args) > 1})
	it.restore()
	return what, output.String()
}

// process is a terraform that runs.
type process struct {
	w    *terraformtest.Workspace
	cmd  *exec.Cmd
	done chan struct{}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) sleep(d time.Duration) {
	select {
	case <-p.done:
	case <-time.After(d):
	}
}

// signal sends a signal, and reports whether terraform was still there.
func (p *process) signal(what signal, again time.Duration) bool {
	terraform, providers := p.cmd.Process, providersIn(p.w)
	for len(providers) == 0 && p.running() && (what == killProvider || what == interruptOther) {
		// Between two phases of terraform there is none.
		p.sleep(time.Millisecond)
		providers = providersIn(p.w)
	}
	if !p.running() {
		return false
	}
	switch what {
	case interrupt:
		_ = terraform.Signal(os.Interrupt)
	case interruptTwice:
		_ = terraform.Signal(os.Interrupt)
		p.sleep(again)
		_ = terraform.Signal(os.Interrupt)
	case interruptAll:
		// Its own group: no other process gets it.
		_ = syscall.Kill(-terraform.Pid, syscall.SIGINT)
	case interruptOther:
		send(p.w, providers, syscall.SIGINT)
	case kill:
		_ = terraform.Kill()
	case killProvider:
		send(p.w, providers, syscall.SIGKILL)
	case killAll:
		_ = terraform.Kill()
		send(p.w, providers, syscall.SIGKILL)
	}
	return true
}

func send(w *terraformtest.Workspace, pids []int, signal syscall.Signal) {
	executable := resolved(w.Provider)
	for _, pid := range pids {
		if isProvider(pid, executable) {
			_ = syscall.Kill(pid, signal)
		}
	}
}

// providersIn are the providers that run in a folder. A provider has terraform's;
// its parent is no longer terraform once that has been killed.
func providersIn(w *terraformtest.Workspace) []int {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd")
	dir, executable := resolved(w.Dir), resolved(w.Provider)
	var found []int
	for _, path := range folders {
		if cwd, err := os.Readlink(path); err != nil || cwd != dir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && isProvider(pid, executable) {
			found = append(found, pid)
		}
	}
	return found
}

// isProvider reports whether a process is the provider that these tests have
// built: its number may be another's by now.
func isProvider(pid int, executable string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && exe == executable
}

// resolved is a path as the kernel gives it.
func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// reap waits for what is under way, and ends the providers that outlive their
// terraform. It returns how many did.
func (it *iteration) reap() int {
	// A process that terraform has just forked is not a provider yet.
	time.Sleep(50 * time.Millisecond)
	end := time.Now().Add(3 * time.Second)
	underway := func(request cloudflaretest.Request) bool { return request.End.IsZero() }
	for time.Now().Before(end) && (len(providersIn(it.w)) > 0 || slices.ContainsFunc(it.server.Requests(), underway)) {
		time.Sleep(20 * time.Millisecond)
	}
	orphans := providersIn(it.w)
	send(it.w, orphans, syscall.SIGKILL)
	return len(orphans)
}

// restore does what an operator does about a state that a terraform which was
// killed has left.
func (it *iteration) restore() {
	if it.w.Read("errored.tfstate") != "" {
		it.note("errored.tfstate")
		it.must("state", "push", "errored.tfstate")
	}
	// An empty file is that of a terraform which had no state before.
	if backup := it.w.Read(terraformtest.StateFile + ".backup"); backup != "" && !json.Valid([]byte(it.w.Read(terraformtest.StateFile))) {
		it.note("state cut off")
		it.w.Write(terraformtest.StateFile, backup)
	}
}

func (it *iteration) note(format string, args ...any) {
	it.seen = append(it.seen, fmt.Sprintf(format, args...))
}

// ran is a run of terraform.
type ran struct {
	from   int // how many requests had arrived before
	output string
	saved  bool // it applied a plan that the run before had made
}

func (it *iteration) run(args ...string) terraformtest.Result {
	it.t.Helper()
	from := it.server.Count("")
	result := it.w.Try(args...)
	it.runs = append(it.runs, ran{from: from, output: result.Output})
	it.story = append(it.story, fmt.Sprintf("terraform %s: exit status %d\n%s", strings.Join(args, " "), result.ExitCode, result.Output))
	return result
}

func (it *iteration) must(args ...string) {
	it.t.Helper()
	if result := it.run(args...); result.ExitCode != 0 {
		it.t.Errorf("terraform %s: exit status %d\n%s", strings.Join(args, " "), result.ExitCode, result.Output)
	}
}

// audit holds the requests of all runs against the promises.
func (it *iteration) audit(connected bool) {
	if relinked := it.server.Relinked(); len(relinked) > 0 {
		it.t.Errorf("linked again with %v", relinked)
	}
	requests := it.server.Requests()
	for i, request := range requests {
		if request.Linked {
			if connected {
				it.t.Errorf("request %d links an account that is connected", i+1)
			}
			connected = true
		}
		if request.Op != del {
			continue
		}
		connected = false
		// One list is for the plan, and one right before the delete.
		from, plan := it.plan(i)
		planned := slices.ContainsFunc(requests[from:max(from, i-1)], func(r cloudflaretest.Request) bool { return r.Op == list })
		if !planned || requests[i-1].Op != list {
			it.t.Errorf("request %d deletes without a list", i+1)
		}
		for _, removed := range request.Removed {
			if !strings.Contains(plan, removed.ID) {
				it.t.Errorf("request %d deletes %v, which the plan does not show:\n%s", i+1, removed, plan)
			}
		}
	}
}

// plan returns the first request of the run that planned a request, and what had
// been shown before anything was changed.
func (it *iteration) plan(request int) (from int, plan string) {
	for _, ran := range it.runs {
		if ran.from <= request && !ran.saved {
			from = ran.from
			plan, _, _ = strings.Cut(ran.output, ": Destroying...")
		}
	}
	return from, plan
}
