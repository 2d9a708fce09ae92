// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

var thorough = flag.Bool("thorough", false, "try every byte offset in every way, and more iterations of the operator's faults")

const (
	list, token = cloudflaretest.List, cloudflaretest.Token
	link, del   = cloudflaretest.Link, cloudflaretest.Delete
	policies    = cloudflaretest.Policies

	connectFails    = "Unable to Connect PagerDuty"
	readFails       = "Unable to Read PagerDuty Connection"
	dataFails       = "Unable to Read PagerDuty Services"
	disconnectFails = "Unable to Disconnect PagerDuty"

	connectedError  = "Cloudflare Account Already Connected to PagerDuty"
	checkWarning    = "Unable to Check Cloudflare Account"
	pendingWarning  = "PagerDuty Connection Is Pending"
	unroutedWarning = "Notification Policies Route to Missing Services"
)

var (
	onCall  = cloudflaretest.Service{ID: "11111111111111111111111111111111", Name: "On-call"}
	network = cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Network"}

	none      = []cloudflaretest.Service{}
	connected = []cloudflaretest.Service{onCall}
	unplanned = []cloudflaretest.Service{onCall, network} // of which no state knows network
)

// operation is one of terraform's, on an account that has services or not, of
// which one response breaks off.
type operation struct {
	stride  int // every so many offsets are tried, 1 for each; what is much like another operation has more
	before  []cloudflaretest.Service
	consent cloudflaretest.LinkModel // connected at once, if it is zero
	routed  bool                     // a policy routes to a service that is not there
	request cloudflaretest.Op        // the response is that to this request,
	skip    int                      // after so many others to it
	run     func(*fixture, context.Context, string) (response, error)
	prior   []cloudflaretest.Service // in the state before; nil for none
	retries bool                     // the provider may retry the request
	slow    bool                     // a propagation timeout passes
	whole   outcome                  // with the response
	lost    outcome                  // without it
	// late is right too, where the machine is so busy that a propagation timeout, or a
	// request timeout, is over before the next list has its response.
	late outcome
}

// outcome is what terraform learns, and what the API has seen.
type outcome struct {
	fails, warns string                   // summaries
	services     []cloudflaretest.Service // in the state; nil when it is null
	connectionID bool                     // in the state
	links        int
	deletes      int
}

// operations are all whose responses can break off, by name.
var operations = map[string]operation{
	"plan": {
		stride: 7,
		before: connected, request: list, run: (*fixture).plan,
		whole: outcome{fails: connectedError}, lost: outcome{warns: checkWarning}, // A list that fails is no reason to fail a plan.
	},
	"create/list before": {
		stride:  1,
		request: list, run: (*fixture).create, retries: true,
		whole: outcome{services: connected, connectionID: true, links: 1}, lost: outcome{fails: connectFails},
	},
	"create/token": {
		stride:  1,
		request: token, run: (*fixture).create, retries: true,
		whole: outcome{services: connected, connectionID: true, links: 1}, lost: outcome{fails: connectFails},
	},
	"create/link": {
		stride:  1,
		request: link, run: (*fixture).create,
		whole: outcome{services: connected, connectionID: true, links: 1}, lost: outcome{services: connected, links: 1},
		late: outcome{services: none, warns: pendingWarning, links: 1},
	},
	"create/link that waits for a person": {
		stride:  7,
		consent: cloudflaretest.Silent(),
		request: link, run: (*fixture).create, slow: true,
		whole: outcome{services: none, connectionID: true, warns: pendingWarning, links: 1},
		lost:  outcome{services: none, warns: pendingWarning, links: 1},
	},
	"create/link that is refused": {
		stride:  7,
		consent: cloudflaretest.Refuses(http.StatusBadRequest, 17102),
		request: link, run: (*fixture).create, slow: true,
		whole: outcome{services: none, warns: pendingWarning, links: 1},
		lost:  outcome{services: none, warns: pendingWarning, links: 1},
	},
	"create/policies": {
		stride:  7,
		routed:  true,
		request: policies, run: (*fixture).create, retries: true,
		whole: outcome{services: connected, connectionID: true, warns: unroutedWarning, links: 1},
		lost:  outcome{services: connected, connectionID: true, warns: unroutedWarning, links: 1},
	},
	"read/policies": {
		stride: 7,
		before: none, prior: connected, routed: true, request: policies, run: (*fixture).read, retries: true,
		whole: outcome{services: none, connectionID: true, warns: pendingWarning},
		lost:  outcome{services: none, connectionID: true, warns: pendingWarning},
	},
	"create/list after": {
		stride:  7,
		request: list, skip: 1, run: (*fixture).create,
		whole: outcome{services: connected, connectionID: true, links: 1},
		lost:  outcome{services: connected, connectionID: true, links: 1},
		late:  outcome{services: none, connectionID: true, warns: pendingWarning, links: 1},
	},
	"adopt": {
		stride: 7,
		before: connected, request: list, run: (*fixture).adopt, retries: true,
		whole: outcome{services: connected}, lost: outcome{fails: connectFails},
	},
	"refuse to adopt": {
		stride: 7,
		before: connected, request: list, run: (*fixture).create, retries: true,
		whole: outcome{fails: connectFails}, lost: outcome{fails: connectFails},
	},
	"read": {
		stride: 7,
		before: connected, prior: connected, request: list, run: (*fixture).read, retries: true,
		whole: outcome{services: connected, connectionID: true}, lost: outcome{services: connected, connectionID: true, fails: readFails},
	},
	"read of services that are gone": {
		stride: 1,
		before: none, prior: connected, request: list, run: (*fixture).read, retries: true,
		whole: outcome{services: none, connectionID: true, warns: pendingWarning}, lost: outcome{services: connected, connectionID: true, fails: readFails},
	},
	"read of a data source": {
		stride: 7,
		before: unplanned, request: list, run: (*fixture).readData, retries: true,
		whole: outcome{services: []cloudflaretest.Service{network, onCall}}, lost: outcome{fails: dataFails},
	},
	"delete/list before": {
		stride: 1,
		before: connected, prior: connected, request: list, run: (*fixture).delete, retries: true,
		whole: outcome{deletes: 1}, lost: outcome{services: connected, connectionID: true, fails: disconnectFails},
	},
	"delete/list before that shows an unplanned service": {
		stride: 7,
		before: unplanned, prior: connected, request: list, run: (*fixture).delete, retries: true,
		whole: outcome{services: connected, connectionID: true, fails: disconnectFails},
		lost:  outcome{services: connected, connectionID: true, fails: disconnectFails},
	},
	"delete/delete": {
		stride: 1,
		before: connected, prior: connected, request: del, run: (*fixture).delete,
		whole: outcome{deletes: 1}, lost: outcome{deletes: 1},
		late: outcome{services: connected, connectionID: true, fails: disconnectFails, deletes: 1},
	},
	"delete/list after": {
		stride: 7,
		before: connected, prior: connected, request: list, skip: 1, run: (*fixture).delete,
		whole: outcome{deletes: 1}, lost: outcome{deletes: 1},
		late: outcome{services: connected, connectionID: true, fails: disconnectFails, deletes: 1},
	},
}

// fixture is a provider process before a fake API of its own, and what cases are
// made of: values for the account template. All account IDs have one length, so
// that another account's values differ in the ID alone.
type fixture struct {
	server *cloudflaretest.Server
	plugin *plugin

	planned, plannedAdoption, state encoded

	serial atomic.Int64

	mu          sync.Mutex
	diagnostics []diagnostic // of all trials
}

const template = "7e000000000000000000000000000000"

// newFixture puts toxics between the two.
func newFixture(t *testing.T, config object, toxics ...string) *fixture {
	t.Helper()
	s := newFixtureWith(t, nil)
	all := object{"base_url": baseURL(newProxy(t, hostPort(t, s.server), toxics...).Listen)}
	maps.Copy(all, config)
	s.plugin.configure(t, all)
	return s
}

// newFixtureWith gives the process an environment, of which prepare, unless nil,
// tells a part once there is a fake API.
func newFixtureWith(t *testing.T, prepare func(*fixture) []string, env ...string) *fixture {
	t.Helper()
	// The header that tells of the budget must not slow the provider down.
	s := &fixture{server: cloudflaretest.New(t,
		cloudflaretest.WithRateLimit(1<<30, time.Hour, time.Hour), cloudflaretest.WithLinkModel(cloudflaretest.LinkModel{Services: connected}))}
	if prepare != nil {
		env = append(env, prepare(s)...)
	}
	s.plugin = startPlugin(t, env...)
	ctx := withTimeout(t, 3*time.Minute)
	s.server.Account(template)
	s.plugin.configure(t, object{"base_url": s.server.URL()})
	get := func(resp response, err error) response {
		t.Helper()
		if err != nil || len(resp.Diagnostics) > 0 {
			t.Fatal(err, resp.Diagnostics)
		}
		return resp
	}
	s.planned = get(s.plugin.plan(ctx, object{"account_id": template})).PlannedState
	s.plannedAdoption = get(s.plugin.plan(ctx, object{"account_id": template, "adopt_existing": true})).PlannedState
	s.state = get(s.plugin.create(ctx, object{"account_id": template}, s.planned)).NewState
	s.server.ResetRequests()
	return s
}

// of is a template's value for an account.
func (e encoded) of(account string) encoded {
	return encoded{Msgpack: bytes.ReplaceAll(e.Msgpack, []byte(template), []byte(account))}
}

func (s *fixture) plan(ctx context.Context, account string) (response, error) {
	resp, err := s.plugin.plan(ctx, object{"account_id": account})
	resp.NewState = null
	return resp, err
}

func (s *fixture) create(ctx context.Context, account string) (response, error) {
	return s.plugin.create(ctx, object{"account_id": account}, s.planned.of(account))
}

func (s *fixture) adopt(ctx context.Context, account string) (response, error) {
	return s.plugin.create(ctx, object{"account_id": account, "adopt_existing": true}, s.plannedAdoption.of(account))
}

func (s *fixture) read(ctx context.Context, account string) (response, error) {
	return s.plugin.read(ctx, s.state.of(account))
}

func (s *fixture) delete(ctx context.Context, account string) (response, error) {
	return s.plugin.delete(ctx, s.state.of(account))
}

func (s *fixture) readData(ctx context.Context, account string) (response, error) {
	resp, err := s.plugin.readData(ctx, object{"account_id": account})
	resp.NewState = resp.State
	return resp, err
}

// patience is how long an operation may take that has to wait for nothing, on a
// machine with much else to do. propagationTimeout is the provider's own.
const (
	patience           = 3 * time.Minute
	propagationTimeout = 10 * time.Second
)

// try runs an operation on a fresh account, with times responses cut. It returns
// what terraform learned, in words where that breaks a promise.
func (s *fixture) try(ctx context.Context, op operation, c cut, times int) (trial, error) {
	result := trial{account: fmt.Sprintf("%032x", s.serial.Add(1))}
	account := s.server.Account(result.account)
	account.SetServices(op.before...)
	if op.consent.NeedsPerson {
		account.SetLinkModel(op.consent)
	}
	if op.routed {
		account.SetPolicies(cloudflaretest.Policy{Name: "Stale", AlertType: "dos_attack_l7", Enabled: true, PagerDuty: []string{network.ID}})
	}
	s.server.Fail(cloudflaretest.Fault{Op: op.request, Account: result.account, Skip: op.skip, Times: times, Header: c.header()})
	limit := patience
	if op.slow {
		limit += propagationTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	started := time.Now()
	resp, err := op.run(s, ctx, result.account)
	result.took = time.Since(started)
	if err != nil {
		return result, err
	}
	s.mu.Lock()
	s.diagnostics = append(s.diagnostics, resp.Diagnostics...)
	s.mu.Unlock()
	result.resp = resp
	result.state, err = resp.NewState.decode()
	return result, err
}

type trial struct {
	account string
	resp    response
	state   *terraformtest.Connection
	took    time.Duration
}

// check compares what terraform has learned with what it should have.
func (r trial) check(want outcome) error {
	got := outcome{fails: summaries(r.resp.errors()), warns: summaries(r.resp.warnings()), links: want.links, deletes: want.deletes}
	if r.state != nil {
		got.services, got.connectionID = r.state.Services, r.state.ConnectionID != nil
		if got.services == nil {
			got.services = none
		}
		if r.state.AccountID != r.account {
			return fmt.Errorf("the state has account %s", r.state.AccountID)
		}
	}
	if got, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); got != want {
		return fmt.Errorf("got  %s\nwant %s\n%+v", got, want, r.resp.Diagnostics)
	}
	return nil
}

func summaries(diagnostics []diagnostic) string {
	var all []string
	for _, d := range diagnostics {
		title, _, _ := strings.Cut(d.Summary, " (account ")
		all = append(all, title)
	}
	return strings.Join(all, ", ")
}

// losses are the words for a response that has broken off; each error says one.
var losses = []string{"EOF", "connection reset by peer", "no complete response within the request timeout", "the response is not JSON from the Cloudflare API"}

// checkWords wants an error that says what happened, where, and what to do, and
// gives no secret away.
func (s *fixture) checkWords(r trial) error {
	for _, d := range r.resp.Diagnostics {
		for _, secret := range append(s.server.Account(r.account).Tokens(), cloudflaretest.APIToken) {
			if strings.Contains(d.Detail, secret) {
				return fmt.Errorf("a secret shows: %s", d.Detail)
			}
		}
		if !strings.Contains(d.Summary+d.Detail, r.account) || d.Severity == "ERROR" && !strings.Contains(d.Detail, "\n\n") {
			return fmt.Errorf("account or advice is missing: %s", d.Detail)
		}
	}
	return nil
}

// way is one in which responses break off, and how the provider is configured.
type way struct {
	how     string
	toxics  []string
	retries int
	timeout string
	times   int // how many responses in a row
	stride  int // as an operation's
}

// What may run at a time, of all tests: as much as keeps the machine busy, but
// does not slow operations down so far that time limits act. What hardly does
// more than wait has slots of its own.
var busy, waiting = make(chan struct{}, 32), make(chan struct{}, 150)

// "once" cuts at every byte, except in operations that are much like another one. The
// other ways lose bytes differently, but not other bytes: they cut at a sample of
// them, and at the last one. With -thorough, all ways cut at every byte.
func TestTruncation(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]way{
		"once":               {how: ends, times: 1, stride: 1},
		"once, retried":      {how: ends, times: 1, stride: 7, retries: 2},
		"each time, retried": {how: ends, times: 2, stride: 11, retries: 1},
		"without a length":   {how: bare, times: 1, stride: 17},
		"compressed":         {how: zipped, times: 1, stride: 17},
		"in chunks":          {how: chunked, times: 1, stride: 17},
		"reset":              {how: ends, toxics: []string{abrupt}, times: 1, stride: 17},
		"stalled":            {how: stalls, times: 1, stride: 41, timeout: "15s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testWay(t, way)
		})
	}
}

func testWay(t *testing.T, w way) {
	t.Helper()
	config := object{"max_retries": w.retries}
	if w.timeout != "" {
		config["request_timeout"] = w.timeout
	}
	sweep := &sweep{
		way: w, fixture: newFixture(t, config, append(w.toxics, cutting)...), t: t,
		wanted: map[string]outcome{}, losses: map[string]int{},
	}
	started := time.Now()
	var wg sync.WaitGroup
	for name, op := range operations {
		wg.Go(func() { sweep.operation(name, op) })
	}
	wg.Wait()
	t.Logf("%d responses cut, in %s; the longest operation but for the propagation timeout took %s; words for the loss: %v",
		len(sweep.wanted), time.Since(started).Round(time.Millisecond), sweep.longest.Round(time.Millisecond), sweep.losses)
	sweep.fixture.audit(t, sweep.wanted)
}

// sweep tries all operations with all offsets, in one way.
type sweep struct {
	way
	fixture *fixture
	t       *testing.T

	mu      sync.Mutex
	wanted  map[string]outcome // by account
	losses  map[string]int
	longest time.Duration
}

// operation tries one operation, first with the whole response: that tells its
// length.
func (s *sweep) operation(name string, op operation) {
	key := strings.ReplaceAll(s.t.Name()+"/"+name, " ", "_")
	s.trial(name, op, cut{how: s.how, offset: noCut, key: key}, op.whole)
	length, ok := responseLengths.Load(key)
	if !ok {
		s.t.Errorf("%s: no response was marked", name)
		return
	}
	want := op.lost
	if op.retries && s.times <= s.retries {
		want = op.whole
	}
	stride := op.stride * s.stride
	if *thorough {
		stride = 1
	}
	slots := busy
	if op.slow || s.how == stalls {
		slots = waiting
	}
	var wg sync.WaitGroup
	offsets := []int{length.(int) - 1}
	for offset := 0; offset < length.(int)-1; offset += stride {
		offsets = append(offsets, offset)
	}
	for _, offset := range offsets {
		wants := []outcome{want}
		if offset == 0 && op.request == list {
			// net/http itself sends a GET again that got no byte of a response on a
			// connection which it had used before.
			wants = append(wants, op.whole)
		}
		slots <- struct{}{}
		wg.Go(func() {
			s.trial(name, op, cut{how: s.how, offset: offset, key: key}, wants...)
			<-slots
		})
	}
	wg.Wait()
}

// trial runs an operation once, which has to have one of the outcomes. The late one
// will do where that much time has passed.
func (s *sweep) trial(name string, op operation, c cut, wants ...outcome) {
	result, err := s.fixture.try(s.t.Context(), op, c, s.times)
	if late := op.late.links+op.late.deletes > 0; late && result.took >= propagationTimeout {
		wants = append(wants, op.late)
	}
	want := wants[0]
	for i := 0; err == nil && i < len(wants); i++ {
		if mismatch := result.check(wants[i]); mismatch == nil {
			want = wants[i]
			break
		} else if i == len(wants)-1 {
			err = mismatch
		}
	}
	if err == nil {
		err = s.fixture.checkWords(result)
	}
	if err != nil {
		s.t.Errorf("%s, cut at byte %d: %v", name, c.offset, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted[result.account] = want
	for _, d := range result.resp.errors() {
		for _, loss := range losses {
			if strings.Contains(d.Detail, loss) {
				s.losses[loss]++
			}
		}
	}
	if !op.slow {
		s.longest = max(s.longest, result.took)
	}
}

// audit holds the log of requests against the promises.
func (s *fixture) audit(t *testing.T, wanted map[string]outcome) {
	t.Helper()
	if relinked := s.server.Relinked(); len(relinked) > 0 {
		t.Errorf("linked again with %v", relinked)
	}
	requests := map[string][]cloudflaretest.Request{}
	for _, r := range s.server.Requests() {
		requests[r.Account] = append(requests[r.Account], r)
	}
	for account, want := range wanted {
		links, deletes := 0, 0
		for i, r := range requests[account] {
			if r.Op == link {
				links++
			}
			if r.Op == del {
				if i == 0 || requests[account][i-1].Op != list {
					t.Errorf("account %s: a delete without a list", account)
				}
				if slices.Contains(r.Removed, network) {
					t.Errorf("account %s: %v deleted", account, r.Removed)
				}
				deletes++
			}
		}
		if links != want.links || deletes != want.deletes {
			t.Errorf("account %s: %d links and %d deletes, want %d and %d", account, links, deletes, want.links, want.deletes)
		}
	}
}
