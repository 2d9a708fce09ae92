// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"pgregory.net/rapid"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// The promises that random operations are checked against. Every core checks
// whatever it gets for secrets and control characters.

// check is what holds after each operation.
func (m *model) check(rt *rapid.T) {
	if relinked := m.server.Relinked(); len(relinked) > 0 {
		rt.Fatalf("linked twice with the tokens %v", relinked)
	}
	if violations := m.server.Violations(); len(violations) > 0 {
		rt.Fatalf("contract violations: %v", violations)
	}
}

// finish looks through the logs and the requests of a run.
func (m *model) finish(rt *rapid.T, r *run) {
	for _, c := range r.processes {
		c.logMu.Lock()
		c.auditText("a log", c.log.String())
		c.logMu.Unlock()
	}
	for _, o := range r.operations {
		for _, e := range m.recorder.eventsOf(o) {
			if !slices.Contains(allowed[o.kind], e.op) {
				rt.Fatalf("%s: a %s requested a %s", o.address, o.kind, e.op)
			}
		}
	}
}

// servicesIn are the services in a state.
func servicesIn(state object) (services []cloudflare.Service) {
	elements, _ := state["services"].([]any)
	for _, element := range elements {
		service := element.(object)
		services = append(services, cloudflare.Service{ID: service["id"].(string), Name: service["name"].(string)})
	}
	return services
}

func normalized(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

// idsOf are the IDs of services in one form, sorted.
func idsOf[S cloudflare.Service | cloudflaretest.Service](services []S) []string {
	var ids []string
	for _, service := range services {
		ids = append(ids, normalized(cloudflare.Service(service).ID))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// namedIDs finds the services that a text names.
var namedIDs = regexp.MustCompile(`\(ID ([^)]+)\)`)

func idsIn(text string) []string {
	var ids []string
	for _, match := range namedIDs.FindAllStringSubmatch(text, -1) {
		ids = append(ids, normalized(match[1]))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func missing(ids, from []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(from, id) })
}

// warnings returns those with this title, whichever account they are about.
func (d diagnostics) warnings(title string) (found diagnostics) {
	for _, diag := range d {
		if diag.Severity == tfprotov6.DiagnosticSeverityWarning && strings.HasPrefix(diag.Summary, title) {
			found = append(found, diag)
		}
	}
	return found
}

// checkServices: they were listed, and service_ids agrees with them.
func (m *model) checkServices(rt *rapid.T, where string, state object) {
	want := map[string]any{}
	twice := map[string]bool{}
	for _, service := range servicesIn(state) {
		if !m.recorder.saw(state["account_id"].(string), service) {
			rt.Fatalf("%s: the state has %v, which was never listed", where, service)
		}
		if _, found := want[service.Name]; found {
			twice[service.Name] = true
		}
		want[service.Name] = service.ID
	}
	for name := range twice {
		delete(want, name)
	}
	if got := state["service_ids"]; !agrees(want, got) || len(got.(object)) != len(want) {
		rt.Fatalf("%s: service_ids are %v, want %v", where, got, want)
	}
}

// checkState: all is known, and the attributes agree.
func (m *model) checkState(rt *rapid.T, where string, state object) {
	for name, value := range state {
		if value == unknown {
			rt.Fatalf("%s: %s is unknown", where, name)
		}
	}
	m.checkServices(rt, where, state)
	account := state["account_id"].(string)
	status := statusPending
	if len(servicesIn(state)) > 0 {
		status = statusConnected
	}
	want := object{"status": status, "id": account, "dashboard_url": "https://dash.cloudflare.com/" + account + "/notifications"}
	for name, value := range want {
		if state[name] != value {
			rt.Fatalf("%s: %s is %v, want %v\n%v", where, name, state[name], value, state)
		}
	}
}

// checkRead: a read never removes, believes a list that proves something, names
// what is gone, says what is pending, and is silent otherwise.
func (m *model) checkRead(rt *rapid.T, r *run, o *operation, before, after object) {
	if after == nil {
		rt.Fatalf("%s: dropped from the state by a read\n%s", o.address, o.diags)
	}
	m.checkState(rt, o.address, after)
	if !m.wasListed(r, o.account, idsOf(servicesIn(after))) {
		rt.Fatalf("%s: the read returns %v, which no list proves", o.address, servicesIn(after))
	}
	gone := missing(idsOf(servicesIn(before)), idsOf(servicesIn(after)))
	pending := after["status"] == statusPending
	due := pending || len(gone) > 0 || before["status"] == statusPending
	for _, e := range m.recorder.eventsOf(o) {
		if e.op == cloudflaretest.Policies && !due {
			rt.Fatalf("%s: a read asked for policies without need", o.address)
		}
	}
	switch {
	case len(gone) > 0 && (len(missing(gone, idsIn(o.diags.String()))) > 0 || !strings.Contains(strings.ToLower(o.diags[0].Summary), o.account)):
		rt.Fatalf("%s: the read does not name %v, which are gone, or not in a warning of the account\n%s", o.address, gone, o.diags)
	case pending && len(o.diags.warnings(titlePending)) == 0:
		rt.Fatalf("%s: pending without a warning\n%s", o.address, o.diags)
	case !due && len(o.diags) > 0:
		rt.Fatalf("%s: the read of a connected account is not silent\n%s", o.address, o.diags)
	}
}

// wasListed reports whether a list of this run had exactly these services. Reads
// share their lists.
func (m *model) wasListed(r *run, account string, ids []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.operations, func(o *operation) bool {
		return o.account == account && slices.ContainsFunc(m.recorder.eventsOf(o), func(e event) bool { return e.isList && slices.Equal(idsOf(e.listed), ids) })
	})
}

// checkPlan: in a calm run, what a plan can know to fail fails at plan, nothing
// else does, and its warnings are right.
func (m *model) checkPlan(rt *rapid.T, r *run) {
	now := m.connected()
	r.calm = m.isCalm(r)
	for account, services := range r.connected {
		r.calm = r.calm && slices.Equal(idsOf(services), idsOf(now[account]))
	}
	for _, s := range r.steps {
		m.checkReplacement(rt, s)
		m.checkChange(rt, s)
		if r.calm {
			m.checkCalmRead(rt, r, s)
			m.checkCalmPlan(rt, r, s)
		}
	}
}

func (s *step) account() string {
	if s.block != nil {
		return strings.ToLower(s.block.account)
	}
	return strings.ToLower(s.object.state["account_id"].(string))
}

// replaces reports whether the step replaces an object that is not tainted.
func (s *step) replaces() bool {
	return s.block != nil && s.object != nil && !s.address.tainted &&
		(s.forced || !cloudflare.SameAccount(s.object.state["account_id"].(string), s.block.account))
}

// disconnects reports whether the end of an object disconnects services.
func disconnects(state object) bool { return state["disconnect_on_destroy"] != false }

// checkReplacement: whatever goes wrong, no replacement of a connection with
// services gets past its plan.
func (m *model) checkReplacement(rt *rapid.T, s *step) {
	if s.replaces() && !s.fails && disconnects(s.object.state) && len(servicesIn(s.object.state)) > 0 {
		rt.Fatalf("%s: planned a replacement that disconnects %v\n%s", s.address.name, servicesIn(s.object.state), s.diags)
	}
}

// checkChange: whatever follows from the services is known after apply where the
// connection is pending, and stays known elsewhere.
func (m *model) checkChange(rt *rapid.T, s *step) {
	if s.block == nil || s.object == nil || s.fails || s.address.tainted || s.replaces() {
		return
	}
	for _, name := range []string{"status", "services", "service_ids"} {
		if pending := s.object.state["status"] == statusPending; (s.state[name] == unknown) != pending {
			rt.Fatalf("%s: the plan has %s = %v where the state has the status %s", s.address.name, name, s.state[name], s.object.state["status"])
		}
	}
}

func (m *model) checkCalmRead(rt *rapid.T, r *run, s *step) {
	if s.read == nil {
		return
	}
	connected := r.connected[s.read.account]
	if got, want := idsOf(servicesIn(s.object.state)), idsOf(connected); !slices.Equal(got, want) {
		rt.Fatalf("%s: the read returns %v where %v are connected", s.address.name, got, want)
	}
	gone := missing(idsOf(servicesIn(s.saved.state)), idsOf(connected))
	if len(connected) > 0 && len(gone) == 0 && s.saved.state["status"] == statusConnected {
		return
	}
	text := s.read.diags.String()
	for _, policy := range m.policiesOf(s.read.account) {
		routesToMissing := slices.ContainsFunc(policy.PagerDuty, func(id string) bool { return !slices.Contains(idsOf(connected), normalized(id)) })
		if routesToMissing != strings.Contains(text, cloudflare.Quote(policy.Name)) {
			rt.Fatalf("%s: %+v routes to a missing service: %t, unlike the warning\n%s", s.address.name, policy, routesToMissing, text)
		}
	}
}

func (m *model) checkCalmPlan(rt *rapid.T, r *run, s *step) {
	if s.block == nil {
		if s.object != nil && s.private != nil {
			m.checkCalmDestroyPlan(rt, r, s)
		}
		return
	}
	connected := r.connected[s.account()]
	creates := s.object == nil || s.address.tainted || s.replaces()
	fails := creates && len(connected) > 0 && !s.block.adopt ||
		s.replaces() && disconnects(s.object.state) && len(servicesIn(s.object.state)) > 0
	if s.fails != fails {
		rt.Fatalf("%s: the plan fails: %t, want %t\nconnected %v, block %+v, object %+v\n%s", s.address.name, s.fails, fails, connected, s.block, s.object, s.diags)
	}
}

// checkCalmDestroyPlan: the warning names exactly what is connected, and the
// policies that route there.
func (m *model) checkCalmDestroyPlan(rt *rapid.T, r *run, s *step) {
	connected := r.connected[s.account()]
	var want []string
	if disconnects(s.prior.state) {
		want = idsOf(connected)
	} else if len(s.diags.warnings(titleStaysConnected)) != 1 {
		rt.Fatalf("%s: the plan does not say that the account stays connected\n%s", s.address.name, s.diags)
	}
	text := s.diags.warnings(titleDisconnects).String()
	if got := idsIn(text); s.fails || !slices.Equal(got, want) {
		rt.Fatalf("%s: the destroy's plan names %v, want %v\n%s", s.address.name, got, want, s.diags)
	}
	for _, policy := range m.policiesOf(s.account()) {
		affected := slices.ContainsFunc(policy.PagerDuty, func(id string) bool { return slices.Contains(want, normalized(id)) })
		if affected != strings.Contains(text, cloudflare.Quote(policy.Name)) {
			rt.Fatalf("%s: %+v stops paging: %t, unlike the warning\n%s", s.address.name, policy, affected, text)
		}
	}
}

// checkCreate: a create links once, with one token, and only where a list has
// shown that nothing is connected. Once something may have linked, it succeeds.
func (m *model) checkCreate(rt *rapid.T, o *operation, out outcome) {
	var token string
	var empty, linked bool // linked: a link may have had its effect
	var link *event        // the last one
	for _, e := range m.recorder.eventsOf(o) {
		switch e.op {
		case cloudflaretest.List:
			empty = e.isEmptyList()
		case cloudflaretest.Token:
			if !empty || token != "" {
				rt.Fatalf("%s: made a token, although one was made (%t), or the account is not known to be empty (%t)", o.address, token != "", empty)
			}
			token = e.token
		case cloudflaretest.Link:
			if e.token != token || linked {
				rt.Fatalf("%s: linked with another token than the one it made, or again (%t)", o.address, linked)
			}
			link = &e
			linked = !e.neverLeft && e.status != http.StatusTooManyRequests
		default:
		}
	}
	failed := out.diags.hasError()
	switch {
	case out.tainted, failed && out.state != nil:
		rt.Fatalf("%s: a create that failed left something\n%s", o.address, out.diags)
	case failed && linked:
		rt.Fatalf("%s: a create failed after its link\n%s", o.address, out.diags)
	case !failed && token == "" && out.state["adopt_existing"] != true:
		rt.Fatalf("%s: adopted %v unasked\n%s", o.address, servicesIn(out.state), out.diags)
	case !failed && !linked && (token != "" || link != nil || len(servicesIn(out.state)) == 0):
		rt.Fatalf("%s: created without a link\n%s", o.address, out.diags)
	case !failed && out.state["status"] == statusPending && len(out.diags.warnings(titlePending)) == 0:
		rt.Fatalf("%s: pending without a warning\n%s", o.address, out.diags)
	}
	if token == "" {
		return
	}
	for _, blamed := range []string{"`api_token`", "`api_key`", "`account_id`", "Business plan", writePermission} {
		if strings.Contains(out.diags.String(), blamed) {
			rt.Fatalf("%s: blames %s, which has just been shown to work\n%s", o.address, blamed, out.diags)
		}
	}
}

// checkDestroyed: a destroy that succeeded has seen that nothing is connected any
// more, has transferred ownership, or had to leave it connected.
func (m *model) checkDestroyed(rt *rapid.T, o *operation, state object) {
	events := m.recorder.eventsOf(o)
	if !disconnects(state) {
		if len(events) > 0 {
			rt.Fatalf("%s: a destroy that leaves the account connected made a request", o.address)
		}
		return
	}
	deleted := slices.ContainsFunc(events, func(e event) bool { return e.op == cloudflaretest.Delete })
	empties := 0
	for _, e := range slices.Backward(events) {
		if !e.isEmptyList() {
			break
		}
		empties++
	}
	if transferred := len(o.diags.warnings(titleTransferred)) > 0; !transferred && (empties == 0 || deleted && empties < 2) {
		rt.Fatalf("%s: destroyed after %d empty lists, and after a DELETE: %t\n%s", o.address, empties, deleted, o.diags)
	}
}

// checkTransfer: an account that another resource has connected or adopted in the
// same run is transferred, of which no plan warns. No other one is.
func (m *model) checkTransfer(rt *rapid.T, r *run, o *operation) {
	events := m.recorder.eventsOf(o)
	mayBe, is := false, false
	for _, other := range r.operations {
		if other.kind != creating || other.provider != o.provider || other.account != o.account {
			continue
		}
		mayBe = mayBe || slices.ContainsFunc(m.recorder.eventsOf(other), func(e event) bool { return e.op == cloudflaretest.Link || e.isList && !e.isEmptyList() })
		is = is || other.connected > 0 && len(events) > 0 && other.connected < events[0].number
	}
	transferred := len(o.diags.warnings(titleTransferred)) > 0
	switch {
	case o.kind == planning && is && len(o.diags.warnings(titleDisconnects)) > 0:
		rt.Fatalf("%s: a plan warns of a disconnection, where ownership is transferred\n%s", o.address, o.diags)
	case o.kind == deleting && is:
		rt.Fatalf("%s: not transferred, although another resource has connected the account\n%s", o.address, o.diags)
	case transferred && (!mayBe || len(events) > 0):
		rt.Fatalf("%s: transferred to nobody, or with requests\n%s", o.address, o.diags)
	}
}

// checkApply: what was disconnected was named, one flow at a time ran for an
// account, and a calm apply succeeds.
func (m *model) checkApply(rt *rapid.T, r *run) {
	r.calm = r.calm && m.isCalm(r)
	for _, o := range r.operations {
		if o.kind == deleting {
			m.checkDisconnected(rt, o, r.named(o.account))
		}
		m.checkAlone(rt, r, o)
		m.checkTransfer(rt, r, o)
	}
	for _, s := range r.steps {
		behind := s.object != nil && !slices.Equal(idsOf(servicesIn(s.object.state)), idsOf(r.connected[strings.ToLower(s.object.state["account_id"].(string))]))
		contested := m.contested(accountA) || m.contested(accountB)
		if r.calm && s.errors != nil && !behind && !contested && !s.moves() && !r.connectsBeside(s) {
			rt.Fatalf("%s: apply fails, which its plan could know\n%s", s.address.name, s.errors)
		}
	}
}

// moves reports whether a tainted connection gets another account. Terraform plans
// that as a create, which sees nothing of the old one: its services have to be
// planned again.
func (s *step) moves() bool {
	return s.tainted && s.block != nil && s.object != nil && !cloudflare.SameAccount(s.object.state["account_id"].(string), s.block.account)
}

// connectsBeside reports whether another account gets connected beside a deposed
// object, which could be of a connection that moves there.
func (r *run) connectsBeside(s *step) bool {
	return s.deposes() && slices.ContainsFunc(r.operations, func(o *operation) bool {
		return o.kind == creating && o.provider == s.address.provider && o.connected > 0 &&
			!cloudflare.SameAccount(o.account, s.object.state["account_id"].(string))
	})
}

// deposes reports whether the step destroys a deposed object.
func (s *step) deposes() bool {
	return s.deposed || s.block != nil && s.block.createBeforeDestroy && len(s.replaced) > 0
}

// named are the services of the account that the plan's warnings named. Terraform
// plans the destroy of a deposed object again while it applies: of those, the
// plan's diff has shown the services, unless the connection moves.
func (r *run) named(account string) []string {
	var ids []string
	for _, s := range r.steps {
		for _, warning := range s.diags.warnings(titleDisconnects) {
			if strings.Contains(strings.ToLower(warning.Summary), account) {
				ids = append(ids, idsIn(warning.Detail)...)
			}
		}
		for _, warning := range s.diags.warnings(titleAdopts) {
			if strings.Contains(strings.ToLower(warning.Detail), account) {
				ids = append(ids, idsIn(warning.Detail)...)
			}
		}
		if s.deposes() && !s.moves() && strings.EqualFold(s.object.state["account_id"].(string), account) {
			ids = append(ids, idsOf(servicesIn(s.object.state))...)
		}
	}
	return ids
}

// checkDisconnected: right before each DELETE there was a list, and the plan's
// warning named all that was connected then.
func (m *model) checkDisconnected(rt *rapid.T, o *operation, named []string) {
	var list event
	for _, e := range m.recorder.eventsOf(o) {
		if e.op == cloudflaretest.Delete {
			// What came after the list goes with the rest.
			both := slices.DeleteFunc(idsOf(list.before), func(id string) bool {
				return !slices.Contains(idsOf(list.after), id) || !slices.Contains(idsOf(e.before), id)
			})
			if !list.isList || list.isEmptyList() || len(missing(append(both, idsOf(list.listed)...), named)) > 0 {
				rt.Fatalf("%s: a DELETE was sent after a list of %v, with %v connected, where the plan named %v", o.address, list.listed, both, named)
			}
		}
		list = e
	}
}

// checkAlone: no link of another operation comes between an operation's list and
// what it does because of it.
func (m *model) checkAlone(rt *rapid.T, r *run, o *operation) {
	var list int
	for _, e := range m.recorder.eventsOf(o) {
		switch e.op {
		case cloudflaretest.List:
			list = e.number
		case cloudflaretest.Link, cloudflaretest.Delete:
			for _, other := range r.operations {
				if other == o || other.account != o.account {
					continue
				}
				for _, link := range m.recorder.eventsOf(other) {
					if link.op == cloudflaretest.Link && link.number > list && link.number < e.number {
						rt.Fatalf("%s: a %s while %s links", o.address, e.op, other.address)
					}
				}
			}
		default:
		}
	}
}

// contested reports whether several blocks, or several provider configurations,
// manage an account. Then an apply may undo what another part of it needs.
func (m *model) contested(account string) bool {
	blocks, providers := 0, map[int]bool{}
	for _, a := range m.addresses {
		if a.block != nil && cloudflare.SameAccount(a.block.account, account) {
			blocks++
			providers[a.provider] = true
		}
		for _, object := range append(slices.Clone(a.deposed), a.current) {
			if object != nil && cloudflare.SameAccount(object.state["account_id"].(string), account) {
				providers[a.provider] = true
			}
		}
	}
	return blocks > 1 || len(providers) > 1
}
