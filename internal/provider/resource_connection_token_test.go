// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// unusedToken is one that no API has given.
const unusedToken = "01234567-89ab-4cde-8f01-23456789abcd"

func given(token any, version any) object {
	return object{"integration_token_wo": token, "integration_token_wo_version": version}
}

// connectedWith is a connection that was made with a version of a token.
func connectedWith(version any, services ...cloudflaretest.Service) instance {
	i := connected(services...)
	i.state["integration_token_wo_version"] = version
	return i
}

// The session sees to it that the token is in no plan, state or diagnostic.
func TestCreateWithToken(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]any{"with version": 1, "without version": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}})
				s := newSession(t, server, nil)
				planned, applied := server.a.NewToken(), server.a.NewToken()
				p := s.plan(instance{}, given(planned, version))
				expect(t, p.diags)
				expectState(t, p.state, given(nil, version))
				expectCalls(t, server, "list")

				// Plan and apply may be given different ones.
				p.config = given(applied, version)
				created := s.apply(p)
				expect(t, created.diags)
				if links := server.Requests(); links[1].Token != applied {
					t.Errorf("linked with %q", links[1].Token)
				}
				expectCalls(t, server, "list link list")
				expectState(t, created.state, with(given(nil, version), object{"account_id": accountA, "services": listed(primary)}))
				if created.state["connection_id"] == nil {
					t.Error("connection_id is null after a link")
				}

				// What the token is later is no matter.
				again := s.rerun(nil)
				refreshed := again.read(created.instance)
				for _, token := range []any{planned, applied, unusedToken, unknown} {
					p = again.plan(refreshed.instance, given(token, version))
					expect(t, p.diags)
					if len(p.replaced) > 0 || !agrees(p.state, refreshed.state) {
						t.Errorf("plans to change %v to %v, replaced because of %v", refreshed.state, p.state, p.replaced)
					}
				}
				for _, entry := range s.entries() {
					for name, value := range entry {
						if text, ok := value.(string); ok {
							s.auditText("the log's "+name, text)
						}
					}
				}
			})
		})
	}
}

// A token that is null is none: one is made.
func TestCreateWithNullToken(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		expect(t, newSession(t, server, nil).create(given(nil, nil)).diags)
		expectCalls(t, server, "list list token link list")
	})
}

func TestTokenVersion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after any
		replaces      bool
	}{
		"changed":      {1, 2, true},
		"set back":     {2, 1, true},
		"the same":     {1, 1, false},
		"added":        {nil, 1, false},
		"removed":      {1, nil, false},
		"unknown":      {1, unknown, false},
		"none":         {nil, nil, false},
		"to zero":      {1, 0, true},
		"zero at last": {0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				server.a.SetServices(primary)
				server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{second}})
				s := newSession(t, server, nil)
				prior := connectedWith(test.before, primary)
				p := s.plan(prior, given(server.a.NewToken(), test.after))
				if !test.replaces {
					expect(t, p.diags)
					if len(p.replaced) > 0 {
						t.Errorf("replaced because of %v", p.replaced)
					}
					expectState(t, p.state, with(prior.state, object{"integration_token_wo_version": test.after}))
					expectCalls(t, server, "")
					if test.after == unknown {
						return
					}
					expect(t, s.apply(p).diags)
					expectCalls(t, server, "")
					return
				}
				expect(t, p.diags, willDelete(primary))
				if strings.Join(p.replaced, " ") != "integration_token_wo_version" {
					t.Errorf("replaced because of %v", p.replaced)
				}
				expectState(t, p.inPlace, object{"account_id": accountA, "id": accountA, "connection_id": unknown, "services": unknown})
				expectCalls(t, server, "list") // By the second plan call, whose warning is lost.
				replaced := s.apply(p)
				expect(t, replaced.diags)
				expectCalls(t, server, "list delete list list link list")
				expectState(t, replaced.state, object{"integration_token_wo_version": test.after, "services": listed(second)})
			})
		})
	}
}

// After an import there is no version, and giving one deletes nothing.
func TestTokenVersionAfterImport(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		s := newSession(t, server, nil)
		imported := s.importID(accountA)
		expect(t, imported.diags)
		updated := s.converge(imported.instance, given(unusedToken, 1))
		expect(t, updated.diags)
		expectState(t, updated.state, with(imported.state, object{"integration_token_wo_version": 1}))
		expectCalls(t, server, "list")
	})
}

// With another account, that is what replaces, and both accounts are looked at.
func TestTokenVersionAndAccountChange(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		p := newSession(t, server, nil).plan(connectedWith(1, primary), with(given(unusedToken, 2), object{"account_id": accountB}))
		expect(t, p.diags, willDelete(primary), isConnected(accountB, second))
		if strings.Join(p.replaced, " ") != "account_id" {
			t.Errorf("replaced because of %v", p.replaced)
		}
	})
}

func TestTokenInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		s := newSession(t, server, nil)
		for token, why := range map[string]string{
			"": "is empty", "..": "is no token", "a secret": "white space", "secret\n": "look for a line break at its end",
			"a\x1bsecret": "control characters", strings.Repeat("secret", 100): "is too long",
		} {
			diags := s.validate(given(token, nil))
			expect(t, diags, anError("Invalid Integration Token", "`integration_token_wo`", why).on("integration_token_wo"))
			if strings.Contains(diags.String(), "secret") {
				t.Errorf("the token is in %s", diags)
			}
		}
		expect(t, s.validate(given(nil, 1)), anError("Invalid Attribute Combination", "integration_token_wo").on("integration_token_wo_version"))
		for _, block := range []object{given(unknown, nil), given(unknown, 1), given(unknown, unknown), given(unusedToken, unknown), given(unusedToken, nil)} {
			expect(t, s.validate(block))
		}
	})
}

// A terraform that can't keep what is written only is told so.
func TestTokenNeedsWriteOnlyArguments(t *testing.T) {
	t.Parallel()
	s := newSession(t, offline(t), nil)
	s.noWriteOnly = true
	expect(t, s.validate(given(unusedToken, nil)), anError("WriteOnly Attribute Not Allowed").on("integration_token_wo"))
	expect(t, s.validate(object{}))
}

func TestCreateWithTokenIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token func(*standIn) string
		want  string
	}{
		"used": {func(server *standIn) string {
			token := server.a.NewToken()
			expect(server.t, newSession(server.t, server, nil).create(given(token, 1)).diags)
			server.a.SetServices()
			return token
		}, "has already been used"},
		"never given":     {func(*standIn) string { return unusedToken }, "Unknown integration token [redacted]"},
		"another account": {func(server *standIn) string { return server.b.NewToken() }, "Unknown integration token [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *standIn) {
				t := server.t
				token := test.token(server)
				server.ResetRequests()
				created := newSession(t, server, nil).create(given(token, 1))
				expect(t, created.diags, anError("Unable to Connect PagerDuty", "Account "+accountA, "400", test.want, "works once", "`integration_token_wo`", "give a new one"))
				if created.state != nil {
					t.Errorf("kept %v", created.state)
				}
				expectCalls(t, server, "list list link")
				server.relinks = name == "used"
			})
		})
	}
}

func TestCreateWithTokenLooksBefore(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetServices(primary)
		s := newSession(t, server, nil)
		p := s.plan(instance{}, given(server.a.NewToken(), 1))
		expect(t, p.diags, isConnected(accountA, primary))
		server.ResetRequests()
		expect(t, s.apply(p).diags, anError("Unable to Connect PagerDuty", "already connected", "import {"))
		expectCalls(t, server, "list")

		// Taken over, the account needs no token.
		adopted := s.create(with(given(server.a.NewToken(), 1), object{"adopt_existing": true}))
		expect(t, adopted.diags)
		expectState(t, adopted.state, object{"connection_id": nil, "services": listed(primary), "integration_token_wo_version": 1})
		expectCalls(t, server, "list")
	})
}

func TestCreateWithTokenLooksAfter(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, NeedsPerson: true})
		s := newSession(t, server, nil)
		started := time.Now()
		created := s.create(given(server.a.NewToken(), 1))
		expect(t, created.diags, aWarning("No PagerDuty Service Connected Yet", "Somebody has to finish in PagerDuty"))
		took(t, started, 7*time.Second, 12*time.Second)
		expectState(t, created.state, object{"services": listed()})

		started = time.Now()
		waited := s.create(with(given(server.a.NewToken(), 1), object{"wait_for_services": true, "timeouts": object{"create": "1m"}}))
		expect(t, waited.diags, anError("Unable to Connect PagerDuty", "no service was listed within 1m0s", "The link may still become live"))
		took(t, started, 59*time.Second, 61*time.Second)
	})
}

func TestCreateWithTokenLostAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range openOutcomes {
		for _, linked := range []bool{true, false} {
			fault := fault
			fault.Op, fault.After = cloudflaretest.Link, linked
			if name == "stalled" && !linked {
				fault.Drop = true
			}
			t.Run(map[bool]string{true: "linked/", false: "not linked/"}[linked]+name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(server *standIn) {
					t := server.t
					server.a.SetLinkModel(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{primary}, Lists: 2})
					server.Fail(fault)
					created := newSession(t, server, nil).create(given(server.a.NewToken(), 1))
					if n, made := server.Count(cloudflaretest.Link), server.Count(cloudflaretest.Token); n != 1 || made != 0 {
						t.Errorf("linked %d times, made %d tokens", n, made)
					}
					if linked {
						expect(t, created.diags)
						expectState(t, created.state, object{"connection_id": nil, "services": listed(primary)})
						return
					}
					expect(t, created.diags, anError("Unable to Connect PagerDuty", "it is not known whether PagerDuty was linked", "pagerduty/connect/[redacted]"))
				})
			})
		}
	}
}

// What surely never arrived is sent again with the same token.
func TestCreateWithTokenBehindRateLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *standIn) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"100"}}})
		expect(t, newSession(t, server, nil).create(given(server.a.NewToken(), 1)).diags)
		expectCalls(t, server, "list list link link list")
	})
}
