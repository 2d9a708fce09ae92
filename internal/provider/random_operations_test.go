// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// TestRandomOperations draws what Terraform, people, the network and the API do,
// and checks the promises of the design after each operation. Time is a synctest
// bubble's: hours of waiting take none.
//
// The seed is fixed unless a flag of rapid is given: -rapid.checks=1000 draws
// other operations, and more of them.
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() {
			m := newModel(rt)
			operations := map[string]func(*rapid.T){
				"":             m.check,
				"plan":         m.planForLater,
				"apply":        m.applySavedPlan,
				"refresh only": m.refreshOnly,
				"import":       m.importOne,
				"look up":      m.lookUp,
				"query":        m.query,
				"act":          func(rt *rapid.T) { m.act(rt)() },
				"heal":         func(*rapid.T) { m.heal() },
			}
			for i := range 4 { // More often than the rest.
				operations[fmt.Sprint("run ", i)] = m.run
				operations[fmt.Sprint("edit ", i)] = m.edit
				operations[fmt.Sprint("state ", i/2)] = m.editState
				operations[fmt.Sprint("fault ", i/2)] = m.fault
			}
			rt.Repeat(operations)
			m.converge(rt)
		})
	})
}

// inBubble runs f in a bubble, and hands on a panic, by which rapid ends a check.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	var panicked any
	synctest.Test(t, func(*testing.T) {
		defer func() { panicked = recover() }()
		f()
	})
	// The shrinker takes panics from one line for the same failure, and rapid ends
	// a check that lacks draws by one, too.
	if fmt.Sprintf("%T", panicked) == "rapid.invalidData" {
		panic(panicked)
	}
	if panicked != nil {
		panic(panicked)
	}
}

// model is the fake API, what people and faults do to it, and the configuration
// and the state of one Terraform workspace.
type model struct {
	server    *fakeAPI
	recorder  *recorder
	addresses []*address
	serial    int // of the state: a saved plan is for one of them
	saved     *run

	acts   atomic.Int64 // what people have done so far
	late   atomic.Bool  // services may show a while after a link
	made   int          // services made up so far
	healed bool         // at the end: nothing goes wrong any more

	mu       sync.Mutex
	previous map[*cloudflaretest.Account][]cloudflaretest.Service // before someone acted
	policies map[string][]cloudflaretest.Policy
}

// address is a connection in the configuration, in the state, or in both.
type address struct {
	name     string
	provider int       // the provider configuration that it uses
	block    *block    // nil when the configuration has none
	current  *instance // nil when the state has none
	tainted  bool
	deposed  []*instance // left over from create_before_destroy
}

type block struct {
	account                 string
	adopt, wait, disconnect bool
	createBeforeDestroy     bool
	timeouts                object
}

// config is nil where there is no block.
func (b *block) config() object {
	if b == nil {
		return nil
	}
	return object{
		"account_id": b.account, "adopt_existing": b.adopt, "wait_for_services": b.wait, "disconnect_on_destroy": b.disconnect,
		"timeouts": b.timeouts,
	}
}

// run is a plan, and its apply.
type run struct {
	interrupted bool
	ends        time.Duration // when it is interrupted
	crashes     bool          // create_before_destroy ends between the two
	steps       []*step
	serial      int

	mu         sync.Mutex
	processes  map[int]*core // of the provider, by configuration
	operations []*operation

	// What there was when it was planned: in a calm run, that is how it stays.
	connected map[string][]cloudflaretest.Service
	acts      int64
	refused   int64
	calm      bool // until now nobody has acted, and nothing has gone wrong
}

// options are those of a plan, and what it is about.
type options struct {
	include, includeDeposed, replace func(*address) bool
	refresh, destroy                 bool
	// fromSaved plans the destroy of a removed block from the saved state, as
	// Terraform 1.11 does.
	fromSaved bool
}

// step is what a plan says of an object, and what its apply does.
type step struct {
	plan
	address *address
	block   *block    // nil to destroy
	saved   *instance // what is in the state; nil for nothing
	object  *instance // the same, refreshed
	deposed bool
	tainted bool
	forced  bool
	fails   bool // its plan does
	read    *operation

	errors diagnostics // of its apply
	gone   bool        // a deposed object that is destroyed
	left   *instance   // an object that is deposed now
}

func newModel(rt *rapid.T) *model {
	server := cloudflaretest.NewOffline()
	// The lock of an account goes by the URL, and must not reach from bubble to bubble.
	url := fmt.Sprintf("http://127.0.0.1:%d/client/v4", ports.Add(1))
	m := &model{server: &fakeAPI{Server: server, url: url, a: server.Account(accountA), b: server.Account(accountB)}}
	m.recorder = &recorder{next: server.RoundTripper(), server: server, listed: map[string]map[cloudflare.Service]bool{}}
	m.policies = map[string][]cloudflaretest.Policy{}
	m.previous = map[*cloudflaretest.Account][]cloudflaretest.Service{}
	m.addresses = []*address{
		{name: "a", block: m.newBlock(rt, accountA)},
		{name: "renamed"},
		{name: "b", block: m.newBlock(rt, accountB)},
		{name: "aliased", provider: 1},
	}
	for i, account := range m.accounts() {
		m.setLinkModel(rt, account)()
		if rapid.Bool().Draw(rt, "connected") {
			account.PersonConnects(m.service(rt))
			m.importInto(rt, m.addresses[2*i])
		}
	}
	return m
}

func (m *model) accounts() []*cloudflaretest.Account {
	return []*cloudflaretest.Account{m.server.a, m.server.b}
}

// connected is what each account is connected to now.
func (m *model) connected() map[string][]cloudflaretest.Service {
	return map[string][]cloudflaretest.Service{accountA: m.server.a.Services(), accountB: m.server.b.Services()}
}

func oneIn(rt *rapid.T, n int, label string) bool {
	return rapid.IntRange(1, n).Draw(rt, label) == n
}

func seconds(rt *rapid.T, least, most int) time.Duration {
	return time.Duration(rapid.IntRange(least, most).Draw(rt, "seconds")) * time.Second
}

// newRun starts one, with the processes of its plan.
func (m *model) newRun(rt *rapid.T) *run {
	r := &run{serial: m.serial, connected: m.connected(), acts: m.acts.Load(), refused: m.recorder.refused.Load()}
	m.startProcesses(rt, r)
	return r
}

// startProcesses is what terraform does before a plan, and again before its
// apply. Unless all is well by now, half of them are slow, some are interrupted,
// and people act meanwhile.
func (m *model) startProcesses(rt *rapid.T, r *run) {
	r.processes, r.operations = map[int]*core{}, nil
	m.server.ResetRequests()
	m.recorder.seed.Store(0)
	if m.healed {
		return
	}
	if rapid.Bool().Draw(rt, "slow") {
		m.recorder.seed.Store(rapid.Uint64Min(1).Draw(rt, "delays"))
	}
	if oneIn(rt, 10, "interrupted") {
		r.interrupted = true
		r.ends = time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "after milliseconds")) * time.Millisecond
	}
	if oneIn(rt, 5, "someone acts meanwhile") {
		time.AfterFunc(seconds(rt, 0, 30), m.act(rt))
	}
}

// isCalm reports whether nobody has acted since the plan began, and nothing went
// wrong since the processes started.
func (m *model) isCalm(r *run) bool {
	faulted := func(request cloudflaretest.Request) bool { return request.Faulted }
	return !r.interrupted && !m.late.Load() && m.acts.Load() == r.acts && m.recorder.refused.Load() == r.refused &&
		!slices.ContainsFunc(m.server.Requests(), faulted)
}

// begin returns the core for an operation on an address.
func (m *model) begin(rt *rapid.T, r *run, kind string, a *address, account any) (*core, *operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.processes[a.provider]
	if c == nil {
		c = newCore(rt, m.server, nil, func(config *cloudflare.Config) { config.Transport = m.recorder })
		if r.interrupted {
			ctx, cancel := context.WithCancel(c.ctx)
			c.ctx = ctx
			time.AfterFunc(r.ends, cancel)
		}
		r.processes[a.provider] = c
	}
	o := &operation{kind: kind, address: a.name, provider: a.provider, account: strings.ToLower(account.(string))}
	r.operations = append(r.operations, o)
	return c.during(o), o
}

// The operations.

func (m *model) run(rt *rapid.T) {
	r := m.planRun(rt, m.options(rt))
	if r == nil {
		return
	}
	if oneIn(rt, 3, "someone acts between plan and apply") {
		m.act(rt)()
	}
	m.apply(rt, r)
}

func (m *model) options(rt *rapid.T) options {
	return options{
		include:        func(a *address) bool { return !oneIn(rt, 4, "without "+a.name) },
		includeDeposed: func(*address) bool { return true },
		replace:        func(a *address) bool { return oneIn(rt, 8, "-replace "+a.name) },
		refresh:        !oneIn(rt, 5, "-refresh=false"),
		destroy:        oneIn(rt, 6, "destroy"),
		fromSaved:      rapid.Bool().Draw(rt, "plans destroys from the saved state"),
	}
}

// notNow ends an operation that nobody could run in this state: there is no plan to
// apply, or no object to change. rapid draws another in its place, so that no step of
// a sequence is empty.
func notNow(rt *rapid.T) { rt.Skip() }

func (m *model) planForLater(rt *rapid.T) { m.saved = m.planRun(rt, m.options(rt)) }

// applySavedPlan applies it, unless terraform would refuse that: the state has
// changed since.
func (m *model) applySavedPlan(rt *rapid.T) {
	r := m.saved
	if r == nil || r.serial != m.serial {
		notNow(rt)
	}
	m.saved = nil
	m.apply(rt, r)
}

func (m *model) refreshOnly(rt *rapid.T) {
	r := m.newRun(rt)
	for _, a := range m.addresses {
		if a.current != nil {
			r.steps = append(r.steps, &step{address: a, saved: a.current, object: a.current})
		}
	}
	inParallel(len(r.steps), func(i int) { m.refresh(rt, r, r.steps[i]) })
	m.checkPlan(rt, r)
	m.finish(rt, r)
	m.serial++
	for _, s := range r.steps {
		m.save(rt, s.address, s.object)
	}
}

func (m *model) importOne(rt *rapid.T) {
	a := rapid.SampledFrom(m.addresses).Draw(rt, "address")
	if a.current != nil || a.block == nil {
		notNow(rt)
	}
	m.importInto(rt, a)
}

func (m *model) importInto(rt *rapid.T, a *address) {
	r := m.newRun(rt)
	c, _ := m.begin(rt, r, reading, a, a.block.account)
	if imported := c.importID(a.block.account); !imported.diags.hasError() {
		m.serial++
		m.save(rt, a, &imported.instance)
	}
	m.finish(rt, r)
}

// lookUp reads the data sources, for what is there and for what is not.
func (m *model) lookUp(rt *rapid.T) {
	account := rapid.SampledFrom([]string{accountA, accountB}).Draw(rt, "account")
	services := append(m.server.Account(account).Services(), m.service(rt))
	wanted := rapid.SampledFrom(services).Draw(rt, "service")
	config := object{"account_id": account, "name": wanted.Name}
	if rapid.Bool().Draw(rt, "by ID") {
		config = object{"account_id": account, "id": cloudflaretest.OtherForm(wanted.ID)}
	}
	r := m.newRun(rt)
	c, _ := m.begin(rt, r, querying, m.addresses[0], account)
	if one := c.service(config); !one.diags.hasError() {
		found := cloudflare.Service{ID: one.state["id"].(string), Name: one.state["name"].(string)}
		if !m.recorder.saw(account, found) || !cloudflare.SameID(found.ID, wanted.ID) && found.Name != wanted.Name {
			rt.Fatalf("looked for %v, found %v", config, found)
		}
	}
	c, _ = m.begin(rt, r, querying, m.addresses[0], account)
	if all := c.services(object{"account_id": account}); !all.diags.hasError() {
		m.checkServices(rt, "pagerduty_services", all.state)
	}
	m.finish(rt, r)
}

// query lists connections. Each account has a result, or a list that shows no
// service, or it is named by the diagnostic about those that failed.
func (m *model) query(rt *rapid.T) {
	ids := rapid.SampledFrom([][]any{
		{accountA}, {accountB}, {accountA, accountB}, {accountB, accountNone, strings.ToUpper(accountB), accountA},
	}).Draw(rt, "account_ids")
	r := m.newRun(rt)
	c, _ := m.begin(rt, r, querying, m.addresses[0], accountA)
	results, diags := c.query(object{"account_ids": ids}, 100, rapid.Bool().Draw(rt, "include_resource"))
	found := map[string]int{}
	for _, result := range results {
		found[strings.ToLower(result.identity["account_id"].(string))]++
		if result.state != nil {
			m.checkState(rt, "query", result.state)
		}
	}
	text := strings.ToLower(fmt.Sprint(ids))
	asked, failed := 0, 0
	for _, account := range []string{accountA, accountB, accountNone} {
		wanted, named := strings.Contains(text, account), strings.Contains(strings.ToLower(diags.String()), account)
		if wanted {
			asked++
		}
		if named {
			failed++
		}
		if found[account] > 1 || found[account] == 1 && (named || !wanted) {
			rt.Fatalf("account %s has %d results\n%s", account, found[account], diags)
		}
		if connected := len(r.connected[account]) > 0; m.isCalm(r) && wanted && connected != (found[account] == 1) {
			rt.Fatalf("account %s is connected to %v and has %d results\n%s", account, r.connected[account], found[account], diags)
		}
	}
	if !r.interrupted && diags.hasError() != (failed == asked) {
		rt.Fatalf("%d of %d accounts failed\n%s", failed, asked, diags)
	}
	m.finish(rt, r)
}

func (m *model) newBlock(rt *rapid.T, account string) *block {
	b := &block{
		account:             account,
		adopt:               oneIn(rt, 3, "adopt_existing"),
		wait:                oneIn(rt, 4, "wait_for_services"),
		disconnect:          !oneIn(rt, 3, "disconnect_on_destroy = false"),
		createBeforeDestroy: oneIn(rt, 3, "create_before_destroy"),
	}
	if oneIn(rt, 8, "in capitals") {
		b.account = strings.ToUpper(account)
	}
	if oneIn(rt, 4, "timeouts") {
		b.timeouts = object{"create": "20m", "delete": "15m"}
	}
	return b
}

// edit changes the configuration.
func (m *model) edit(rt *rapid.T) {
	var with, without []*address
	for _, a := range m.addresses {
		if a.block != nil {
			with = append(with, a)
		} else {
			without = append(without, a)
		}
	}
	if len(with) == 0 || len(without) == 0 {
		a := rapid.SampledFrom(m.addresses).Draw(rt, "address")
		a.block = nil
		if len(with) == 0 {
			a.block = m.newBlock(rt, a.usual())
		}
		return
	}
	a := rapid.SampledFrom(with).Draw(rt, "block")
	to := rapid.SampledFrom(without).Draw(rt, "address without a block")
	switch rapid.SampledFrom([]string{"add", "change", "account", "remove", "rename"}).Draw(rt, "edit") {
	case "add":
		to.block = m.newBlock(rt, to.usual())
	case "change":
		a.block = m.newBlock(rt, a.usual())
	case "account":
		a.block = m.newBlock(rt, rapid.SampledFrom([]string{accountA, accountB}).Draw(rt, "account"))
	case "remove":
		a.block = nil
	case "rename": // Without a moved block.
		to.block, a.block = a.block, nil
	}
}

// usual is the account that an address is about unless a draw says otherwise:
// where each was about any, nearly all would be about one of two.
func (a *address) usual() string {
	if a.name == "b" {
		return accountB
	}
	return accountA
}

// editState is what people do with the state, and what a terraform that is killed
// leaves of create_before_destroy.
func (m *model) editState(rt *rapid.T) {
	a := rapid.SampledFrom(m.addresses).Draw(rt, "address")
	if a.current == nil {
		notNow(rt)
	}
	m.serial++
	switch rapid.SampledFrom([]string{"taint", "untaint", "rm", "depose", "depose"}).Draw(rt, "state") {
	case "taint":
		a.tainted = true
	case "untaint":
		a.tainted = false
	case "rm":
		a.current, a.tainted = nil, false
	case "depose":
		a.deposed, a.current, a.tainted = append(a.deposed, a.current), nil, false
	}
}

// planRun refreshes and plans. It returns nil where terraform would not apply:
// the plan of anything failed.
func (m *model) planRun(rt *rapid.T, with options) *run {
	r := m.newRun(rt)
	for _, a := range m.addresses {
		if with.include(a) && (a.current != nil || a.block != nil) {
			r.steps = append(r.steps, &step{address: a, block: a.block, saved: a.current, object: a.current, tainted: a.tainted, forced: with.replace(a)})
		}
		if with.includeDeposed(a) {
			for _, deposed := range a.deposed {
				r.steps = append(r.steps, &step{address: a, saved: deposed, object: deposed, deposed: true})
			}
		}
	}
	inParallel(len(r.steps), func(i int) { m.planStep(rt, r, r.steps[i], with) })
	m.checkPlan(rt, r)
	m.finish(rt, r)
	if slices.ContainsFunc(r.steps, func(s *step) bool { return s.fails }) {
		return nil
	}
	return r
}

func (m *model) planStep(rt *rapid.T, r *run, s *step, with options) {
	if with.refresh && s.object != nil && !m.refresh(rt, r, s) {
		return
	}
	if with.destroy && s.block != nil {
		// Terraform plans as usual first, unless with -refresh=false.
		if with.refresh {
			s.forced = false
			m.planOnce(rt, r, s, s.object)
		}
		if s.fails {
			return
		}
		if s.block = nil; s.object == nil {
			return
		}
	}
	s.forced = s.forced && s.block != nil && s.object != nil
	if s.block == nil && with.fromSaved {
		m.planOnce(rt, r, s, s.saved)
	} else {
		m.planOnce(rt, r, s, s.object)
	}
}

func (m *model) planOnce(rt *rapid.T, r *run, s *step, object *instance) {
	var prior instance
	if object != nil {
		prior = *object
	}
	account := prior.state["account_id"]
	config := s.block.config()
	if config != nil {
		account = config["account_id"]
	}
	c, o := m.begin(rt, r, planning, s.address, account)
	switch {
	case config != nil && s.address.tainted:
		s.plan = c.planTainted(prior, config)
	case s.forced:
		s.plan = c.planForced(prior, config)
	default:
		s.plan = c.plan(prior, config)
	}
	s.fails, o.diags = s.diags.hasError(), s.diags
}

// refresh reports whether the read went well.
func (m *model) refresh(rt *rapid.T, r *run, s *step) bool {
	c, o := m.begin(rt, r, reading, s.address, s.object.state["account_id"])
	read := c.read(*s.object)
	o.diags = read.diags
	if s.fails = read.diags.hasError(); s.fails {
		return false
	}
	s.read, s.object = o, &read.instance
	m.checkRead(rt, r, o, s.saved.state, read.state)
	return true
}

// apply starts new processes and carries a plan out, in parallel and in no order
// between addresses.
func (m *model) apply(rt *rapid.T, r *run) {
	m.startProcesses(rt, r)
	r.crashes = !m.healed && oneIn(rt, 4, "crashes")
	m.serial++
	for _, s := range r.steps {
		switch {
		case s.deposed:
			s.address.deposed[slices.Index(s.address.deposed, s.saved)] = s.object
		case s.object != nil:
			m.save(rt, s.address, s.object)
		}
	}
	starts := make([]time.Duration, len(r.steps))
	for i := range r.steps {
		if !m.healed && rapid.Bool().Draw(rt, "starts later") {
			starts[i] = 10 * time.Second
		}
	}
	inParallel(len(r.steps), func(i int) {
		time.Sleep(starts[i])
		m.applyStep(rt, r, r.steps[i])
	})
	for _, s := range r.steps {
		if s.gone {
			s.address.deposed = slices.DeleteFunc(s.address.deposed, func(i *instance) bool { return i == s.object })
		}
		if s.left != nil {
			s.address.deposed = append(s.address.deposed, s.left)
		}
	}
	m.checkApply(rt, r)
	m.finish(rt, r)
}

func (m *model) applyStep(rt *rapid.T, r *run, s *step) {
	switch {
	case s.deposed:
		s.gone = m.destroyDeposed(rt, r, s, s.object)
	case s.block == nil && s.object == nil: // A destroy, of nothing.
	case s.block == nil:
		m.destroyCurrent(rt, r, s)
	case s.object == nil:
		m.create(rt, r, s)
	case len(s.replaced) == 0:
		m.update(rt, r, s)
	case s.block.createBeforeDestroy:
		if m.create(rt, r, s) && (r.crashes || !m.destroyDeposed(rt, r, s, s.object)) {
			s.left = s.object
		}
	default:
		if m.destroyCurrent(rt, r, s) {
			m.create(rt, r, s)
		}
	}
}

func (m *model) destroyCurrent(rt *rapid.T, r *run, s *step) bool {
	if !m.destroy(rt, r, s, *s.address.current, s.private) {
		return false
	}
	s.address.current, s.address.tainted = nil, false
	return true
}

// destroyDeposed plans the destroy again, as terraform does.
func (m *model) destroyDeposed(rt *rapid.T, r *run, s *step, deposed *instance) bool {
	c, o := m.begin(rt, r, planning, s.address, deposed.state["account_id"])
	p := c.planOnce(*deposed, nil)
	o.diags = p.diags
	if p.diags.hasError() {
		rt.Fatalf("%s: the destroy of a deposed object can't be planned\n%s", s.address.name, p.diags)
	}
	return m.destroy(rt, r, s, *deposed, p.private)
}

func (m *model) destroy(rt *rapid.T, r *run, s *step, prior instance, private []byte) bool {
	c, o := m.begin(rt, r, deleting, s.address, prior.state["account_id"])
	out := c.applyOnce(plan{prior: prior, private: private})
	o.diags = out.diags
	if out.diags.hasError() {
		if out.state == nil {
			rt.Fatalf("%s: a destroy that failed dropped the state\n%s", s.address.name, out.diags)
		}
		s.errors = append(s.errors, out.diags...)
		return false
	}
	m.checkDestroyed(rt, o, prior.state)
	return true
}

// again plans a create or an update a second time, as terraform does.
func (m *model) again(rt *rapid.T, r *run, s *step, prior instance) (plan, bool) {
	c, o := m.begin(rt, r, planning, s.address, s.config["account_id"])
	p := c.planOnce(prior, s.config)
	o.diags = p.diags
	if p.diags.hasError() {
		s.errors = append(s.errors, p.diags...)
		return p, false
	}
	if !agrees(s.state, p.state) {
		rt.Fatalf("%s: apply plans\n%v\nwhere the plan has\n%v", s.address.name, p.state, s.state)
	}
	return p, true
}

func (m *model) create(rt *rapid.T, r *run, s *step) bool {
	p, ok := m.again(rt, r, s, instance{})
	if !ok {
		return false
	}
	c, o := m.begin(rt, r, creating, s.address, s.config["account_id"])
	out := c.applyOnce(p)
	o.diags = out.diags
	m.checkCreate(rt, o, out)
	if out.diags.hasError() {
		s.errors = append(s.errors, out.diags...)
		return false
	}
	o.connected = m.recorder.count()
	s.address.tainted = false
	m.save(rt, s.address, &out.instance)
	return true
}

func (m *model) update(rt *rapid.T, r *run, s *step) {
	if reflect.DeepEqual(s.state, s.object.state) {
		return
	}
	p, ok := m.again(rt, r, s, *s.object)
	if !ok {
		return
	}
	c, o := m.begin(rt, r, updating, s.address, s.config["account_id"])
	out := c.applyOnce(p)
	o.diags = out.diags
	if out.diags.hasError() {
		rt.Fatalf("%s: an update failed\n%s", s.address.name, out.diags)
	}
	m.save(rt, s.address, &out.instance)
}

// save puts an instance into the state.
func (m *model) save(rt *rapid.T, a *address, i *instance) {
	m.checkState(rt, a.name, i.state)
	a.current = i
}

// inParallel hands on the first panic.
func inParallel(n int, f func(int)) {
	var group sync.WaitGroup
	panics := make(chan any, n)
	for i := range n {
		group.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics <- p
				}
			}()
			f(i)
		})
	}
	group.Wait()
	select {
	case p := <-panics:
		panic(p)
	default:
	}
}

// converge: once nothing goes wrong any more and a person has acted, one plan and
// apply is enough, and the next plan is empty.
func (m *model) converge(rt *rapid.T) {
	m.heal()
	time.Sleep(24 * time.Hour) // What comes late has come, and no rate limit blocks any more.
	m.healed = true
	m.late.Store(false)
	if oneIn(rt, 2, "prompt") {
		for _, account := range m.accounts() {
			account.SetLinkModel(cloudflaretest.Silent())
		}
	}
	for _, a := range m.addresses {
		a.tainted = false
		if a.block != nil && a.current != nil {
			a.block.account = a.current.state["account_id"].(string)
		}
	}
	managed := func(a *address) bool { return a.block != nil }
	removed := func(a *address) bool { return a.block == nil }
	all := func(*address) bool { return true }
	none := func(*address) bool { return false }
	m.mustApply(rt, options{include: removed, includeDeposed: all, replace: none, refresh: true})

	for _, account := range m.accounts() {
		account.PersonDisconnects()
	}
	if oneIn(rt, 2, "the person goes first") || m.contested(accountA) || m.contested(accountB) {
		m.connect(rt)
		for _, a := range m.addresses {
			if a.block != nil && a.current == nil {
				m.importInto(rt, a)
			}
		}
	} else {
		m.mustApply(rt, options{include: managed, includeDeposed: none, replace: none, refresh: true})
		m.connect(rt)
	}
	m.mustApply(rt, options{include: managed, includeDeposed: none, replace: none, refresh: true})

	r := m.planRun(rt, options{include: managed, includeDeposed: none, replace: none, refresh: true})
	if r == nil {
		rt.Fatalf("the last plan fails")
	}
	for _, s := range r.steps {
		if !reflect.DeepEqual(s.state, s.saved.state) || len(s.diags)+len(s.read.diags) > 0 {
			rt.Fatalf("%s: the last plan is not empty\nstate %v\nplan %v\n%s%s", s.address.name, s.saved.state, s.state, s.read.diags, s.diags)
		}
	}
}

// connect has a person connect the accounts that are not connected.
func (m *model) connect(rt *rapid.T) {
	for _, account := range m.accounts() {
		if len(account.Services()) == 0 {
			account.PersonConnects(m.service(rt), m.service(rt))
		}
	}
}

// mustApply is a plan and an apply that have to succeed.
func (m *model) mustApply(rt *rapid.T, with options) {
	r := m.planRun(rt, with)
	if r == nil {
		rt.Fatalf("the plan fails, though all is well")
	}
	m.apply(rt, r)
	for _, s := range r.steps {
		if s.errors != nil {
			rt.Fatalf("%s: apply fails, though all is well\n%s", s.address.name, s.errors)
		}
	}
}
