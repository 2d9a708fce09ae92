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

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

var seed = flag.Uint64("seed", 1, "of the moments of the operator's faults")

// blow is what happens to a run of terraform.
type blow string

const (
	interrupt      blow = "interrupt of terraform"
	interruptTwice blow = "two interrupts of terraform"
	interruptAll   blow = "interrupt of the process group" // Ctrl-C in a terminal
	interruptOther blow = "interrupt of the provider"
	kill           blow = "kill of terraform"
	killProvider   blow = "kill of the provider"
	killAll        blow = "kill of both" // the machine goes down
)

var blows = []blow{interrupt, interruptTwice, interruptAll, interruptOther, kill, killProvider, killAll}

// TestOperator strikes runs of terraform at random moments, and then does what an
// operator would do. Whatever it was, nothing may be deleted that no plan showed,
// nothing linked twice, and no connection lost without a word.
func TestOperator(t *testing.T) {
	t.Parallel()
	limit, workers := 35*time.Second, 3
	if *thorough {
		limit = 5 * time.Minute
	}
	c := &campaign{template: operatorTemplate(t), deadline: time.Now().Add(limit), seen: map[string]int{}}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { c.work(t) })
	}
	wg.Wait()
	t.Logf("%d rounds with seed %d", c.rounds, *seed)
	for _, what := range slices.Sorted(maps.Keys(c.seen)) {
		t.Logf("%4d %s", c.seen[what], what)
	}
}

// campaign is rounds of blows, two of each kind at least, until its time is up.
type campaign struct {
	template []byte
	deadline time.Time

	mu     sync.Mutex
	rounds int
	seen   map[string]int // how often what has happened
}

// work fights rounds, one after the other. Other workers do so at the same time.
func (c *campaign) work(t *testing.T) {
	t.Helper()
	for !t.Failed() {
		c.mu.Lock()
		// Each blow is struck at least twice, however slow the machine is.
		done := c.rounds >= 2*len(blows) && time.Now().After(c.deadline)
		if done {
			c.mu.Unlock()
			return
		}
		c.rounds++
		n := c.rounds
		c.mu.Unlock()
		r := &round{n: n, random: rand.New(rand.NewPCG(*seed, uint64(n))), template: c.template}
		t.Run(strconv.Itoa(n), r.test)
		c.mu.Lock()
		for _, what := range r.seen {
			c.seen[what]++
		}
		c.mu.Unlock()
	}
}

// operatorTemplate is the state of a connected account.
func operatorTemplate(t *testing.T) []byte {
	t.Helper()
	server := cloudflaretest.New(t)
	server.Account(accountA)
	w := newWorkspace(t, server.URL())
	w.must(0, "apply")
	return w.read(stateFile)
}

// round is one blow, and what an operator does then.
type round struct {
	n        int
	random   *rand.Rand
	template []byte
	seen     []string // what has happened, for the statistics

	t      *testing.T
	w      *workspace
	server *cloudflaretest.Server

	slow func() // makes calls take their time; nil when they do
	// during tells whether a request was under way at the blow: so was a provider,
	// for longer than it takes to start.
	during bool

	story []string // what was done, for a failure
	runs  []ran
}

func (r *round) test(t *testing.T) {
	r.t = t
	latency := time.Duration(50+r.random.IntN(250)) * time.Millisecond
	if r.random.IntN(2) == 0 {
		// A call takes its time after its effect,
		r.server = cloudflaretest.New(t, cloudflaretest.WithLatency(latency))
	} else {
		// or before it: a server goes on although its client has gone.
		r.server = cloudflaretest.New(t)
		defer r.server.Heal()
		r.slow = func() { r.server.Fail(cloudflaretest.Fault{Stall: latency}) }
	}
	r.server.Account(accountA)
	r.w = newWorkspace(t, r.server.URL())
	defer func() {
		if t.Failed() {
			t.Logf("latency %s\n%s", latency, strings.Join(r.story, "\n"))
			for _, request := range r.server.Requests() {
				t.Logf("%s %-6s %d linked %t removed %v", request.Start.Format("05.000"), request.Op, request.Status, request.Linked, request.Removed)
			}
		}
	}()
	if connected := r.random.IntN(2) == 0; connected {
		r.destroy(latency)
		r.audit(connected)
	} else {
		r.apply(latency)
		r.audit(connected)
	}
}

// apply strikes an apply, and applies again.
func (r *round) apply(latency time.Duration) {
	what, output := r.strike(latency, 6, "apply")
	account, state := r.server.Account(accountA), r.w.inState()
	live := len(account.Services()) > 0
	r.note("apply, %s: connected %t, in the state %t", what, live, state != nil)
	if state != nil && !live {
		r.t.Error("the state has a connection that there is not")
	}
	if live && state == nil && (what == interrupt || what == interruptAll) && !strings.Contains(output, "Error: "+connectFails) {
		r.t.Error("connected and not in the state, without a word")
	}
	if what == interruptOther && r.during && state == nil {
		r.t.Error("the provider heeds an interrupt")
	}

	result := r.run("apply")
	switch {
	case live && state == nil:
		// The next apply refuses, and says how to import.
		if result.ExitCode != 1 {
			r.t.Errorf("the next apply does not refuse:\n%s", result.Output)
			return
		}
		expect(r.t, result.Output, "already connected", "terraform import 'pagerduty_connection.<NAME>' "+accountA)
		r.must("import", connection, accountA)
	case result.ExitCode != 0:
		r.t.Errorf("the next apply fails:\n%s", result.Output)
		return
	}
	r.expectConnected()
}

// destroy strikes a destroy, and then destroys, or applies after all.
func (r *round) destroy(latency time.Duration) {
	account := r.server.Account(accountA)
	account.SetServices(r.connect()...)
	strange := cloudflaretest.Service{ID: "99999999999999999999999999999999", Name: "Stranger"}
	requests := 4
	if r.random.IntN(2) == 0 {
		requests = 2
		// Somebody adds a service after the plan, when the guard looks.
		r.server.Fail(cloudflaretest.Fault{Op: list, Skip: 1, Times: 1, Hook: func() {
			account.SetServices(append(account.Services(), strange)...)
		}})
	}
	what, _ := r.strike(latency, requests, "destroy")
	r.server.Heal()
	state, live := r.w.inState(), len(account.Services()) > 0
	r.note("destroy, %s: connected %t, in the state %t", what, live, state != nil)
	if live && state == nil {
		r.t.Error("connected and not in the state any more")
		return
	}
	if r.random.IntN(2) == 0 {
		r.must("destroy")
		// Now the plan shows what there is.
		if services := account.Services(); len(services) > 0 {
			r.t.Errorf("left after destroy: %v", services)
		}
		if r.w.inState() != nil {
			r.t.Error("the connection is in the state after destroy")
		}
		return
	}
	result := r.run("apply")
	if result.ExitCode != 0 {
		r.t.Errorf("the next apply fails:\n%s", result.Output)
		return
	}
	if !live && state != nil {
		expect(r.t, result.Output, goneWarning)
	}
	r.expectConnected()
}

// connect puts the connection of the template into the state, and returns its
// services.
func (r *round) connect() []cloudflaretest.Service {
	r.w.write(stateFile, r.template)
	return r.w.inState().Services
}

// expectConnected wants the state to show what there is, and an empty plan.
func (r *round) expectConnected() {
	r.t.Helper()
	r.must("plan", "-detailed-exitcode")
	state, services := r.w.inState(), r.server.Account(accountA).Services()
	if state == nil || len(services) == 0 || !slices.Equal(state.Services, services) {
		r.t.Errorf("there is %v, and in the state %+v", services, state)
	}
}

// strike runs terraform and hits it. It returns with what, and what terraform has
// written.
func (r *round) strike(latency time.Duration, requests int, args ...string) (blow, string) {
	if r.slow != nil {
		r.slow()
		defer r.server.Heal()
	}
	what := blows[r.n%len(blows)]
	// A moment after one of the requests; or, for what comes before and after all
	// of them, any moment.
	after, pause := 1+r.random.IntN(requests), time.Duration(r.random.Int64N(int64(latency*5/4)))
	if r.random.IntN(6) == 0 {
		after, pause = 0, time.Duration(r.random.Int64N(int64(2*time.Second)))
	}
	again := time.Duration(r.random.Int64N(int64(300 * time.Millisecond)))
	r.story = append(r.story, fmt.Sprintf("terraform %s: %s, %s after %d requests", args[0], what, pause, after))

	var output lockedBuffer
	cmd := r.w.Command(context.WithoutCancel(r.t.Context()), &output, complete(args)...)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	process := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(process.done)
	}()
	for process.running() && r.server.Count("") < after {
		time.Sleep(2 * time.Millisecond)
	}
	process.sleep(pause)
	moment := "before the first request"
	if requests := r.server.Requests(); len(requests) > 0 {
		last := requests[len(requests)-1]
		moment = fmt.Sprintf("after request %d, %s", len(requests), last.Op)
		if r.during = last.End.IsZero(); r.during {
			moment = fmt.Sprintf("during request %d, %s", len(requests), last.Op)
		}
	}
	hit := process.strike(what, again)
	before := r.server.Count("")

	select {
	case <-process.done:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-process.done
		r.t.Errorf("terraform has not ended within a minute of: %s", what)
	}
	orphans := r.reap()
	if more := r.server.Count("") - before; what == kill && more > 0 {
		r.note("%d requests more after: %s", more, what)
	}
	if !hit {
		moment = "too late"
	}
	r.seen = append(r.seen, args[0]+" "+moment, string(what))
	if orphans > 0 {
		r.seen = append(r.seen, "orphans of: "+string(what))
	}
	r.story = append(r.story, fmt.Sprintf("%s: exit status %d, %d orphans\n%s", moment, cmd.ProcessState.ExitCode(), orphans, output.String()))
	r.runs = append(r.runs, ran{0, output.String()})
	r.restore()
	return what, output.String()
}

// process is a terraform that runs.
type process struct {
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

// strike returns whether terraform was still there to be struck.
func (p *process) strike(what blow, again time.Duration) bool {
	terraform, providers := p.cmd.Process, providersIn(p.cmd.Dir)
	for len(providers) == 0 && p.running() && (what == killProvider || what == interruptOther) {
		// Between two phases of terraform there is none.
		p.sleep(time.Millisecond)
		providers = providersIn(p.cmd.Dir)
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
		// Its own group: nobody else gets it.
		_ = syscall.Kill(-terraform.Pid, syscall.SIGINT)
	case interruptOther:
		signal(providers, syscall.SIGINT)
	case kill:
		_ = terraform.Kill()
	case killProvider:
		signal(providers, syscall.SIGKILL)
	case killAll:
		_ = terraform.Kill()
		signal(providers, syscall.SIGKILL)
	}
	return true
}

func signal(pids []int, signal syscall.Signal) {
	for _, pid := range pids {
		if isProvider(pid) {
			_ = syscall.Kill(pid, signal)
		}
	}
}

// providersIn are the providers that run in a folder. A provider has terraform's;
// its parent is no longer terraform once that has been killed.
func providersIn(dir string) []int {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd")
	dir = resolved(dir)
	var found []int
	for _, path := range folders {
		if cwd, err := os.Readlink(path); err != nil || cwd != dir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && isProvider(pid) {
			found = append(found, pid)
		}
	}
	return found
}

// isProvider tells of a process whether it is the provider that these tests have
// built: its number may be another's by now.
func isProvider(pid int) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && exe == resolved(terraform.Provider)
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
func (r *round) reap() int {
	// A process that terraform has just forked is not a provider yet.
	time.Sleep(50 * time.Millisecond)
	end := time.Now().Add(3 * time.Second)
	underway := func(request cloudflaretest.Request) bool { return request.End.IsZero() }
	for time.Now().Before(end) && (len(providersIn(r.w.Dir)) > 0 || slices.ContainsFunc(r.server.Requests(), underway)) {
		time.Sleep(20 * time.Millisecond)
	}
	orphans := providersIn(r.w.Dir)
	signal(orphans, syscall.SIGKILL)
	return len(orphans)
}

// restore does what an operator does about a state that a terraform which was
// killed has left.
func (r *round) restore() {
	if saved := r.w.read("errored.tfstate"); saved != nil {
		r.note("errored.tfstate")
		r.must("state", "push", "errored.tfstate")
	}
	// An empty file is that of a terraform which had no state before.
	if backup := r.w.read(stateFile + ".backup"); len(backup) > 0 && !json.Valid(r.w.read(stateFile)) {
		r.note("state cut off")
		r.w.write(stateFile, backup)
	}
}

func (r *round) note(format string, args ...any) {
	r.seen = append(r.seen, fmt.Sprintf(format, args...))
}

// ran is a run of terraform.
type ran struct {
	from   int // how many requests had arrived before
	output string
}

func (r *round) run(args ...string) terraformtest.Result {
	r.t.Helper()
	from := r.server.Count("")
	result := r.w.run(args...)
	r.runs = append(r.runs, ran{from, result.Output})
	r.story = append(r.story, fmt.Sprintf("terraform %s: exit status %d\n%s", strings.Join(args, " "), result.ExitCode, result.Output))
	return result
}

func (r *round) must(args ...string) {
	r.t.Helper()
	if result := r.run(args...); result.ExitCode != 0 {
		r.t.Errorf("terraform %s: exit status %d\n%s", strings.Join(args, " "), result.ExitCode, result.Output)
	}
}

// audit holds the requests of all runs against the promises.
func (r *round) audit(connected bool) {
	if relinked := r.server.Relinked(); len(relinked) > 0 {
		r.t.Errorf("linked again with %v", relinked)
	}
	requests := r.server.Requests()
	for i, request := range requests {
		if request.Linked {
			if connected {
				r.t.Errorf("request %d links an account that is connected", i+1)
			}
			connected = true
		}
		if request.Op != del {
			continue
		}
		connected = false
		// One list is for the plan, and one right before the delete.
		from, plan := r.plan(i)
		if i-from < 2 || requests[i-2].Op != list || requests[i-1].Op != list {
			r.t.Errorf("request %d deletes without a look", i+1)
		}
		for _, removed := range request.Removed {
			if !strings.Contains(plan, removed.ID) {
				r.t.Errorf("request %d deletes %v, which the plan does not show:\n%s", i+1, removed, plan)
			}
		}
	}
}

// plan returns the first request of the run that made a request, and what that
// run had shown before it asked for anything to be done.
func (r *round) plan(request int) (from int, plan string) {
	for _, ran := range r.runs {
		if ran.from <= request {
			from = ran.from
			plan, _, _ = strings.Cut(ran.output, "\nPlan: ")
		}
	}
	return from, plan
}
