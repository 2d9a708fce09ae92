// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// TestRandomOperations runs random operations of Terraform, other people, the
// network and the API, and checks the promises of the design after each step. Time is
// a synctest bubble's: hours of waiting take none.
//
// A longer one is "make random-ops".
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() {
			w := newWorld(rt)
			rt.Repeat(map[string]func(*rapid.T){
				"":              w.check,
				"run":           w.run,
				"run again":     w.run,
				"plan":          w.planForLater,
				"apply":         w.applyEarlierPlan,
				"import":        w.importOne,
				"look up":       w.lookUp,
				"query":         w.query,
				"edit":          w.editBlock,
				"others":        w.others,
				"fault":         w.fault,
				"another fault": w.fault,
				"heal":          func(*rapid.T) { w.server.Heal() },
			})
			w.converge(rt)
		})
	})
}

// inBubble runs f in a bubble, and hands on a panic, by which rapid ends a walk.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	var panicked any
	synctest.Test(t, func(*testing.T) {
		defer func() { panicked = recover() }()
		f()
	})
	if panicked != nil {
		panic(panicked)
	}
}

// world is the fake API and the configuration that is applied to it.
type world struct {
	server    *fakeAPI
	wire      *wiretap
	resources []*managed
	saved     []*step // a saved plan
	made      int     // services made up so far
}

// managed is a connection block with its state.
type managed struct {
	name     string
	provider int       // the provider instance that it uses
	block    *block    // nil when the configuration has none
	instance *instance // nil when the state has none
	serial   int       // counts the changes of the state: a saved plan is for one of them
}

type block struct {
	account             string
	adopt, wait         bool
	createBeforeDestroy bool
}

// config is nil where there is no block.
func (b *block) config() object {
	if b == nil {
		return nil
	}
	return object{"account_id": b.account, "adopt_existing": b.adopt, "wait_for_services": b.wait}
}

// step is what a plan says of one connection.
type step struct {
	plan
	managed *managed
	block   *block // nil to destroy
	serial  int
	created diagnostics // what its create or update said
}

func newWorld(rt *rapid.T) *world {
	server := cloudflaretest.NewOffline()
	// The lock of an account goes by the URL, and must not reach from bubble to bubble.
	url := fmt.Sprintf("http://127.0.0.1:%d/client/v4", ports.Add(1))
	w := &world{server: &fakeAPI{Server: server, url: url, a: server.Account(accountA), b: server.Account(accountB)}}
	w.wire = &wiretap{next: server.RoundTripper(), accounts: map[string]*tapped{accountA: newTapped(), accountB: newTapped()}}
	w.resources = []*managed{
		{name: "a", block: &block{account: accountA}},
		{name: "same account"},
		{name: "same account, other instance", provider: 1},
		{name: "b", provider: 1, block: &block{account: accountB}},
	}
	for _, account := range w.accounts() {
		account.SetLinkModel(w.consent(rt))
	}
	return w
}

func (w *world) accounts() []*cloudflaretest.Account {
	return []*cloudflaretest.Account{w.server.a, w.server.b}
}

func (w *world) name(kind string) cloudflaretest.Service {
	w.made++
	return cloudflaretest.Service{ID: fmt.Sprintf("%s-%d", kind, w.made), Name: fmt.Sprintf("%s %d\x1b[2J", kind, w.made)}
}

func (w *world) consent(rt *rapid.T) cloudflaretest.LinkModel {
	consent := cloudflaretest.LinkModel{Services: []cloudflaretest.Service{w.name("consented")}}
	switch rapid.SampledFrom([]string{"at once", "after lists", "after a while", "never"}).Draw(rt, "consent") {
	case "after lists":
		consent.Lists = rapid.IntRange(1, 4).Draw(rt, "lists")
	case "after a while":
		consent.Delay = seconds(rt, 1, 900)
	case "never":
		consent.NeedsPerson = true
	}
	return consent
}

func seconds(rt *rapid.T, least, most int) time.Duration {
	return time.Duration(rapid.IntRange(least, most).Draw(rt, "seconds")) * time.Second
}

func oneIn(rt *rapid.T, n int, label string) bool {
	return rapid.IntRange(1, n).Draw(rt, label) == n
}

// sessions starts the provider processes of one run of terraform, one for each
// provider instance. The run may be interrupted at any moment.
func (w *world) sessions(rt *rapid.T, mayStop bool) []*core {
	var sessions []*core
	for range 2 {
		sessions = append(sessions, newCore(rt, w.server, nil, func(config *cloudflare.Config) { config.Transport = w.wire }))
	}
	if mayStop && oneIn(rt, 5, "interrupted") {
		after := time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "after milliseconds")) * time.Millisecond
		for _, session := range sessions {
			session.endAfter(after)
		}
	}
	return sessions
}

// endAfter ends all calls, those under way and those to come.
func (s *core) endAfter(d time.Duration) {
	ctx, cancel := context.WithCancel(s.ctx)
	s.ctx = ctx
	time.AfterFunc(d, cancel)
}

// finish looks through the logs of a run.
func finish(sessions []*core) {
	for _, session := range sessions {
		session.logMu.Lock()
		session.auditText("a log", session.log.String())
		session.logMu.Unlock()
	}
}

// The steps of a walk.

func (w *world) run(rt *rapid.T) {
	sessions := w.sessions(rt, true)
	steps := w.planSome(rt, sessions, oneIn(rt, 5, "destroy"))
	finish(sessions)
	if oneIn(rt, 4, "others act between plan and apply") {
		w.others(rt)
	}
	w.apply(rt, w.sessions(rt, true), steps)
}

func (w *world) planForLater(rt *rapid.T) {
	sessions := w.sessions(rt, true)
	w.saved = w.planSome(rt, sessions, oneIn(rt, 2, "destroy"))
	finish(sessions)
}

func (w *world) applyEarlierPlan(rt *rapid.T) {
	// Terraform refuses a plan that was made for another state.
	stale := func(s *step) bool { return s.serial != s.managed.serial }
	if len(w.saved) == 0 || slices.ContainsFunc(w.saved, stale) {
		rt.Skip()
	}
	w.apply(rt, w.sessions(rt, true), w.saved)
	w.saved = nil
}

func (w *world) importOne(rt *rapid.T) {
	m := rapid.SampledFrom(w.resources).Draw(rt, "resource")
	if m.instance != nil || m.block == nil {
		rt.Skip()
	}
	sessions := w.sessions(rt, true)
	if imported := sessions[m.provider].importID(m.block.account); !imported.diags.hasError() {
		w.save(rt, m, &imported.instance)
	}
	finish(sessions)
}

func (w *world) editBlock(rt *rapid.T) {
	m := rapid.SampledFrom(w.resources).Draw(rt, "resource")
	if oneIn(rt, 4, "remove the block") {
		m.block = nil
		return
	}
	m.block = &block{
		account:             rapid.SampledFrom([]string{accountA, accountB}).Draw(rt, "account"),
		adopt:               rapid.Bool().Draw(rt, "adopt_existing"),
		wait:                oneIn(rt, 4, "wait_for_services"),
		createBeforeDestroy: rapid.Bool().Draw(rt, "create_before_destroy"),
	}
}

// lookUp reads pagerduty_connected_service, by the name or ID of what is there, or of
// nothing.
func (w *world) lookUp(rt *rapid.T) {
	account := rapid.SampledFrom([]string{accountA, accountB}).Draw(rt, "account")
	known := append(w.server.Account(account).Services(), w.name("nothing"))
	wanted := rapid.SampledFrom(known).Draw(rt, "service")
	config := object{"account_id": account, "name": wanted.Name}
	if rapid.Bool().Draw(rt, "by ID") {
		config = object{"account_id": account, "id": strings.ToUpper(strings.ReplaceAll(wanted.ID, "-", ""))}
	}
	sessions := w.sessions(rt, true)
	read := sessions[0].service(config)
	if !read.diags.hasError() {
		found := cloudflare.Service{ID: read.state["id"].(string), Name: read.state["name"].(string)}
		if !w.wire.of(read.state).saw(found) || found.ID != wanted.ID && found.Name != wanted.Name {
			rt.Fatalf("looked for %v, found %v", config, found)
		}
	}
	finish(sessions)
}

// query lists connections. An account is found, or it has no service, or there is
// a warning of it.
func (w *world) query(rt *rapid.T) {
	ids := rapid.SampledFrom([][]any{{accountA}, {accountB}, {accountA, accountB}, {accountB, accountNone, accountA}}).Draw(rt, "account_ids")
	emptied := map[any]int{}
	for account, tap := range w.wire.accounts {
		emptied[account] = tap.emptied()
	}
	sessions := w.sessions(rt, true)
	results, diags := sessions[0].query(object{"account_ids": ids}, 100, rapid.Bool().Draw(rt, "include_resource"))
	found := map[any]bool{}
	for _, result := range results {
		found[result.identity["account_id"]] = true
		for _, service := range claimed(result.state) {
			if !w.wire.of(result.state).saw(service) {
				rt.Fatalf("the list claims %v, which was never listed", service)
			}
		}
	}
	for _, id := range ids {
		tap := w.wire.accounts[id.(string)]
		none := tap != nil && tap.emptied() > emptied[id]
		if warned := strings.Contains(diags.String(), id.(string)); found[id] && warned || !found[id] && !warned && !none || diags.hasError() {
			rt.Fatalf("account %s is found: %t, without a service: %t\n%s", id, found[id], none, diags)
		}
	}
	finish(sessions)
}

// others act in the dashboard and in PagerDuty.
func (w *world) others(rt *rapid.T) {
	w.othersDo(rt, []string{"add", "rename", "remove one", "remove all", "finish consent", "change their minds"})()
}

func (w *world) othersDo(rt *rapid.T, what []string) func() {
	account := rapid.SampledFrom(w.accounts()).Draw(rt, "whose")
	added, consent := w.name("added"), w.consent(rt)
	switch rapid.SampledFrom(what).Draw(rt, "what") {
	case "add":
		return func() { account.SetServices(append(account.Services(), added)...) }
	case "rename":
		return func() {
			services := account.Services()
			for i := range services {
				services[i].Name = added.Name
			}
			account.SetServices(services...)
		}
	case "remove one":
		return func() {
			if services := account.Services(); len(services) > 0 {
				account.SetServices(services[1:]...)
			}
		}
	case "remove all":
		return func() { account.SetServices() }
	case "finish consent":
		return account.PersonConnects
	default:
		return func() { account.SetLinkModel(consent) }
	}
}

// fault makes calls go wrong from now on.
func (w *world) fault(rt *rapid.T) {
	fault := cloudflaretest.Fault{
		Op:      rapid.SampledFrom([]cloudflaretest.Op{"", cloudflaretest.List, cloudflaretest.Delete, cloudflaretest.Token, cloudflaretest.Link}).Draw(rt, "call"),
		Account: rapid.SampledFrom([]string{"", accountA, accountB}).Draw(rt, "account"),
		Skip:    rapid.IntRange(0, 3).Draw(rt, "skip"),
		Times:   rapid.IntRange(1, 6).Draw(rt, "times"),
		After:   rapid.Bool().Draw(rt, "after the effect"),
	}
	switch rapid.SampledFrom([]string{"answer", "answer", "limit", "drop", "stall", "truncate", "spoil", "meanwhile"}).Draw(rt, "fault") {
	case "answer":
		fault.Status = rapid.SampledFrom([]int{200, 204, 301, 307, 400, 401, 403, 404, 408, 409, 500, 502, 503, 520}).Draw(rt, "status")
		fault.Body = rapid.SampledFrom(strangeBodies).Draw(rt, "body")
		fault.Header = http.Header{
			"Content-Type": {rapid.SampledFrom([]string{"application/json", "text/html", ""}).Draw(rt, "content type")},
			"Location":     {"https://example.com/" + cloudflaretest.APIToken},
		}
	case "limit":
		// The API refuses before it acts.
		fault.Status, fault.After = http.StatusTooManyRequests, false
		fault.Header = http.Header{"Retry-After": {fmt.Sprint(rapid.IntRange(-1, 400).Draw(rt, "Retry-After"))}}
	case "drop":
		fault.Drop = true
	case "stall":
		fault.Stall = seconds(rt, 1, 60)
	case "truncate":
		fault.Truncate = rapid.IntRange(cloudflaretest.TruncateAll, 80).Draw(rt, "bytes")
	case "spoil":
		fault.Edit = rapid.SampledFrom(spoiled).Draw(rt, "how")
	case "meanwhile":
		fault.Hook = w.othersDo(rt, []string{"add", "rename", "remove one", "remove all"})
		if fault.Op == "" || fault.Op == cloudflaretest.Delete {
			// What is added while a delete has its effect goes with the rest: the API
			// can't be asked to delete only what is known. So this one has none.
			fault.Op, fault.Drop, fault.After = cloudflaretest.Delete, true, false
		}
	}
	w.server.Fail(fault)
}

// strangeBodies stand in place of an answer.
var strangeBodies = []string{
	"", "<html>\x1b]0;gone\x07</html>", "{}", "null", `{"result":[]}`, `{"result":null,"success":null}`,
	`{"success":false,"errors":[{"code":7003,"message":"Could not route"}],"messages":[]}`,
	`{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[]}`,
}

// spoiled changes the body of a regular answer.
var spoiled = []func([]byte) []byte{
	func([]byte) []byte { return []byte(`{"success":true,"errors":[],"messages":[],"result":{"id":7}}`) },
	func([]byte) []byte {
		return []byte(`{"success":true,"errors":[],"messages":[],"result":[{"name":"no ID"}]}`)
	},
	func([]byte) []byte { return []byte(`{"success":true,"errors":[],"messages":[],"result":null}`) },
	func([]byte) []byte { return []byte(`{"success":true,"errors":null,"messages":null}`) },
	func([]byte) []byte { return []byte(`[]`) },
	func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"success":true`), []byte(`"success":false`)) },
	func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"success":true`), []byte(`"x":true`)) },
	func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"name"`), []byte(`"title"`)) },
	func(b []byte) []byte { return b[:len(b)/2] },
	func(b []byte) []byte { return append(b, "trailing"...) },
	func([]byte) []byte { return bytes.Repeat([]byte(" "), cloudflare.MaxResponseSize+1) },
}

// What terraform does with the connections.

// planSome refreshes and plans some of them, in parallel.
func (w *world) planSome(rt *rapid.T, sessions []*core, destroy bool) []*step {
	refresh := !oneIn(rt, 5, "-refresh=false")
	var steps []*step
	var forced []bool
	for _, m := range w.resources {
		if rapid.Bool().Draw(rt, "-target "+m.name) {
			steps = append(steps, &step{managed: m})
			forced = append(forced, oneIn(rt, 6, "-replace "+m.name))
		}
	}
	inParallel(len(steps), func(i int) {
		if !w.planOne(rt, sessions, steps[i], refresh, forced[i], destroy) {
			steps[i] = nil
		}
	})
	return slices.DeleteFunc(steps, func(s *step) bool { return s == nil })
}

func (w *world) planOne(rt *rapid.T, sessions []*core, s *step, refresh, force, destroy bool) bool {
	m, session := s.managed, sessions[s.managed.provider]
	if refresh && m.instance != nil && !w.refresh(rt, session, m) {
		return false
	}
	s.block = m.block
	if destroy {
		s.block = nil
	}
	var prior instance
	if m.instance != nil {
		prior = *m.instance
	}
	s.serial = m.serial
	if prior.state == nil && s.block == nil {
		return false
	}
	config := s.block.config()
	s.plan = session.plan(prior, config)
	if force && prior.state != nil && config != nil && len(s.replaced) == 0 && !s.diags.hasError() {
		s.plan = session.planOnce(instance{}, config)
		s.prior, s.replaced = prior, []string{"-replace"}
	}
	return !s.diags.hasError()
}

func (w *world) refresh(rt *rapid.T, session *core, m *managed) bool {
	tap := w.wire.of(m.instance.state)
	emptied := tap.emptied()
	read := session.read(*m.instance)
	switch {
	case read.diags.hasError():
		return false
	case read.state == nil && tap.emptied() == emptied:
		rt.Fatalf("%s: dropped from the state without a list that shows none\n%s", m.name, read.diags)
	case read.state == nil:
		w.save(rt, m, nil)
	default:
		w.save(rt, m, &read.instance)
	}
	return true
}

// save puts an instance into the state, and checks what it claims.
func (w *world) save(rt *rapid.T, m *managed, i *instance) {
	m.instance = i
	m.serial++
	if i == nil {
		return
	}
	for _, service := range claimed(i.state) {
		if !w.wire.of(i.state).saw(service) {
			rt.Fatalf("%s: the state claims %v, which was never listed", m.name, service)
		}
	}
}

// claimed are the services in a state.
func claimed(state object) (services []cloudflare.Service) {
	elements, _ := state["services"].([]any)
	for _, element := range elements {
		service := element.(object)
		services = append(services, cloudflare.Service{ID: service["id"].(string), Name: service["name"].(string)})
	}
	return services
}

// apply carries steps out, in parallel, and checks each delete that was sent.
func (w *world) apply(rt *rapid.T, sessions []*core, steps []*step) {
	inParallel(len(steps), func(i int) { w.applyOne(rt, sessions[steps[i].managed.provider], steps[i]) })
	for account, tap := range w.wire.accounts {
		for _, listed := range tap.takeDeletes() {
			if !slices.ContainsFunc(steps, func(s *step) bool { return s.shows(account, listed) }) {
				rt.Fatalf("a delete was sent for account %s, after a list of %v, which no plan showed", account, listed)
			}
		}
	}
	finish(sessions)
}

// shows tells whether the step's plan showed that all of the services listed go.
func (s *step) shows(account string, listed []cloudflare.Service) bool {
	goes := s.prior.state != nil && (s.config == nil || len(s.replaced) > 0) && s.prior.state["account_id"] == account
	shown := claimed(s.prior.state)
	return goes && listed != nil && !slices.ContainsFunc(listed, func(l cloudflare.Service) bool {
		return !slices.ContainsFunc(shown, func(s cloudflare.Service) bool { return s.ID == l.ID })
	})
}

func (w *world) applyOne(rt *rapid.T, session *core, s *step) {
	m := s.managed
	switch {
	case s.config == nil:
		w.destroy(rt, session, m)
	case len(s.replaced) == 0:
		w.create(rt, session, s, s.prior)
	case s.block.createBeforeDestroy:
		old := *m.instance
		if w.create(rt, session, s, instance{}) {
			replacement := m.instance
			m.instance = &old
			w.destroy(rt, session, m)
			// What could not be destroyed is deposed, and here it is forgotten.
			w.save(rt, m, replacement)
		}
	default:
		if w.destroy(rt, session, m) {
			w.create(rt, session, s, instance{})
		}
	}
}

// create creates, or updates where there is a prior instance. It tells whether
// that went well.
func (w *world) create(rt *rapid.T, session *core, s *step, prior instance) bool {
	p := s.plan
	p.prior = prior
	out := session.applyOnce(p)
	s.created = out.diags
	if out.tainted {
		rt.Fatalf("%s: tainted\n%s", s.managed.name, out.diags)
	}
	if out.diags.hasError() {
		return false
	}
	w.save(rt, s.managed, &out.instance)
	return true
}

func (w *world) destroy(rt *rapid.T, session *core, m *managed) bool {
	tap := w.wire.of(m.instance.state)
	emptied := tap.emptied()
	out := session.applyOnce(plan{prior: *m.instance, private: m.instance.private})
	switch {
	case out.diags.hasError() && out.state == nil:
		rt.Fatalf("%s: a destroy that failed dropped the state\n%s", m.name, out.diags)
	case out.diags.hasError():
		return false
	case tap.emptied() == emptied && !strings.Contains(out.diags.String(), "Handed Over"):
		rt.Fatalf("%s: destroyed without a list that shows none\n%s", m.name, out.diags)
	}
	w.save(rt, m, nil)
	return true
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

// The promises. Others are checked where they can be broken, secrets by every
// session on whatever it is told.

func (w *world) check(rt *rapid.T) {
	if relinked := w.server.Relinked(); len(relinked) > 0 {
		rt.Fatalf("linked twice with the tokens %v", relinked)
	}
	if violations := w.server.Violations(); len(violations) > 0 {
		rt.Fatalf("contract violations: %v", violations)
	}
	for account, tap := range w.wire.accounts {
		if tap.overlapped() {
			rt.Fatalf("two connect flows of account %s ran at once", account)
		}
	}
}

// converge: when the faults stop, one plan and apply reaches what is configured,
// and the next plan is empty, or an error names the manual step that is needed.
func (w *world) converge(rt *rapid.T) {
	w.server.Heal()
	time.Sleep(time.Hour) // What comes late has come, and no limit blocks any more.
	for _, account := range w.accounts() {
		account.PersonConnects()
		account.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{w.name("final")}})
	}
	runs := 1
	if w.contested() {
		runs = 3 // What one owner of an account deletes, another one finds gone.
	}
	for range runs {
		for _, m := range w.resources {
			sessions := w.sessions(rt, false)
			if s := (&step{managed: m}); w.planOne(rt, sessions, s, true, false, false) {
				w.apply(rt, sessions, []*step{s})
			}
		}
	}
	for _, m := range w.resources {
		sessions := w.sessions(rt, false)
		s := &step{managed: m}
		planned := w.planOne(rt, sessions, s, true, false, false)
		if planned && !agrees(s.state, s.prior.state) {
			w.apply(rt, sessions, []*step{s})
			if !strings.Contains(s.created.String(), "terraform import") {
				rt.Fatalf("%s: not settled\nblock %v\nstate %v\nplan %v\n%s", m.name, s.config, s.prior.state, s.state, s.created)
			}
		}
		if !planned && (m.block != nil || m.instance != nil) {
			rt.Fatalf("%s: can't be planned\n%s", m.name, s.diags)
		}
	}
}

// contested tells whether an account has more than one owner.
func (w *world) contested() bool {
	owners := map[any]map[string]bool{accountA: {}, accountB: {}}
	for _, m := range w.resources {
		if m.block != nil {
			owners[m.block.account][m.name] = true
		}
		if m.instance != nil {
			owners[m.instance.state["account_id"]][m.name] = true
		}
	}
	return len(owners[accountA]) > 1 || len(owners[accountB]) > 1
}

// wiretap notes what the provider sends and is answered.
type wiretap struct {
	next     http.RoundTripper
	accounts map[string]*tapped
}

func (w *wiretap) of(state object) *tapped { return w.accounts[state["account_id"].(string)] }

func (w *wiretap) RoundTrip(req *http.Request) (*http.Response, error) {
	path := strings.Split(req.URL.Path, "/")
	tap := w.accounts[path[slices.Index(path, "accounts")+1]]
	token := path[len(path)-1]
	linking := req.Method == http.MethodGet && token != "pagerduty"
	if tap == nil { // The account that is not there.
		return w.next.RoundTrip(req)
	}
	switch flow := req.Context().Value(flow{}); {
	case linking:
		tap.sentLink(flow)
	case req.Method == http.MethodGet && flow != nil:
		tap.sentList(flow)
	case req.Method == http.MethodDelete:
		tap.sentDelete()
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), &ending{err}))
	if err == nil && !linking && resp.StatusCode < 300 {
		tap.answered(req.Method, resp.StatusCode, body)
	}
	return resp, nil
}

// ending ends a body the way it ended on the wire.
type ending struct{ err error }

func (e *ending) Read([]byte) (int, error) {
	if e.err == nil {
		return 0, io.EOF
	}
	return 0, e.err
}

// tapped is what was seen of one account.
type tapped struct {
	mu      sync.Mutex
	listed  map[cloudflare.Service]bool // whatever a list ever showed
	empties int                         // lists that showed none
	latest  []cloudflare.Service        // the last list since the last delete, nil for none
	deletes [][]cloudflare.Service      // for each delete, the list right before it
	looked  map[any]bool                // the flows that listed since the last link of another one
	overlap bool
}

func newTapped() *tapped {
	return &tapped{listed: map[cloudflare.Service]bool{}, looked: map[any]bool{}}
}

func (t *tapped) answered(method string, status int, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var answer struct {
		Success bool
		Result  []cloudflare.Service
	}
	if method != http.MethodGet || status != http.StatusOK || json.Unmarshal(body, &answer) != nil || !answer.Success {
		return
	}
	t.latest = append([]cloudflare.Service{}, answer.Result...)
	if len(answer.Result) == 0 {
		t.empties++
	}
	for _, service := range answer.Result {
		t.listed[service] = true
	}
}

func (t *tapped) sentList(flow any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looked[flow] = true
}

// sentLink: a flow looks before it links. A link of another one in between means
// that both were under way at once.
func (t *tapped) sentLink(flow any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overlap = t.overlap || !t.looked[flow]
	t.looked = map[any]bool{flow: true}
}

func (t *tapped) overlapped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.overlap
}

func (t *tapped) sentDelete() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deletes = append(t.deletes, t.latest)
	t.latest = nil
}

func (t *tapped) takeDeletes() [][]cloudflare.Service {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.deletes
	t.deletes = nil
	return taken
}

func (t *tapped) emptied() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.empties
}

func (t *tapped) saw(service cloudflare.Service) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listed[service]
}
