// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// clicks are what each message about a pending connection says of the person.
var clicks = []string{"https://dash.cloudflare.com/" + accountA + "/notifications", "select Connect", "log in to PagerDuty", "choose services, select Continue"}

func isPending(parts ...string) wanted {
	return aWarning(titlePending, append(append([]string{accountA}, clicks...), parts...)...)
}

// One configuration and the same steps are right whatever the link does: two
// applies from nothing to services, with one token and one link.
func TestFromNothingUnderEachModel(t *testing.T) {
	t.Parallel()
	for name, model := range cloudflaretest.LinkModels() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetLinkModel(model)
				c := newCore(t, server, nil)
				created := c.create(object{})
				if created.diags.hasError() || created.state == nil || created.tainted {
					t.Fatalf("created %v with\n%s", created.state, created.diags)
				}
				if created.state["status"] == "pending" {
					expect(t, created.diags, isPending("apply again"))
					expectState(t, created.state, object{"services": []any{}, "service_ids": object{}})
					for _, blame := range []string{"api_token", "account_id", "Business", "permission"} {
						if strings.Contains(created.diags.String(), blame) {
							t.Errorf("blames %s, which has just been shown to work:\n%s", blame, created.diags)
						}
					}
					refreshed := c.read(created.instance)
					if len(server.a.Services()) == 0 {
						expect(t, refreshed.diags, isPending("apply again"))
					}
					server.a.PersonConnects(primary, second)
				}
				c.nextProcess()
				refreshed := c.read(created.instance)
				applied := c.converge(refreshed.instance, object{})
				if applied.diags.hasError() {
					t.Fatalf("%s", applied.diags)
				}
				expectState(t, applied.state, object{"status": "connected", "services": listed(server.a.Services()...)})
				if got := fmt.Sprint(server.Count(cloudflaretest.Token), server.Count(cloudflaretest.Link)); got != "1 1" {
					t.Errorf("tokens and links: %s, want one of each", got)
				}
				p := c.plan(c.read(applied.instance).instance, object{})
				if expect(t, p.diags); fmt.Sprint(p.state) != fmt.Sprint(applied.state) {
					t.Errorf("the next plan changes\n%v\nto\n%v", applied.state, p.state)
				}
			})
		})
	}
}

// wait_for_services waits for the person under all models, without a second token
// or link.
func TestWaitForServicesUnderEachModel(t *testing.T) {
	t.Parallel()
	for name, model := range cloudflaretest.LinkModels() {
		for _, comes := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the person comes: %t", name, comes), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(server *fakeAPI) {
					t := server.t
					server.a.SetLinkModel(model)
					c := newCore(t, server, nil)
					block := object{"wait_for_services": true}
					p := c.plan(instance{}, block)
					expect(t, p.diags, aWarning(titleWaits))
					c.nextProcess()
					if comes {
						time.AfterFunc(5*time.Minute, func() {
							if len(server.a.Services()) == 0 {
								server.a.PersonConnects(primary)
							}
						})
					}
					began := time.Now()
					created := c.apply(p)
					if comes || len(server.a.Services()) > 0 {
						expect(t, created.diags, aWarning(titleWaits))
						expectState(t, created.state, object{"status": "connected"})
						took(t, began, 0, 6*time.Minute)
					} else {
						expect(t, created.diags, aWarning(titleWaits), isPending("apply again"))
						expectState(t, created.state, object{"status": "pending"})
						took(t, began, 9*time.Minute, 11*time.Minute)
					}
					if got := fmt.Sprint(server.Count(cloudflaretest.Token), server.Count(cloudflaretest.Link)); got != "1 1" {
						t.Errorf("tokens and links: %s, want one of each", got)
					}
				})
			})
		}
	}
}

// The person who goes first is found: by an import, and by a block that adopts.
func TestPersonGoesFirst(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.PersonConnects(primary)
		c := newCore(t, server, nil)
		adopted := c.create(object{"adopt_existing": true})
		expect(t, adopted.diags, aWarning(titleAdopts))
		expectState(t, adopted.state, object{"status": "connected", "connection_id": nil, "service_ids": object{"Primary": primary.ID}})
		imported := c.importID(accountA)
		expect(t, imported.diags)
		expectState(t, imported.state, object{"status": "connected", "service_ids": object{"Primary": primary.ID}})
		for _, op := range []cloudflaretest.Op{cloudflaretest.Token, cloudflaretest.Link} {
			if server.Count(op) > 0 {
				t.Errorf("requested %s", op)
			}
		}
	})
}

// A pending connection plans an update in place, so that new services reach the
// policies in the same apply, and its destroy works.
func TestPendingPlansUpdate(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		p := c.plan(connected(), object{})
		expect(t, p.diags)
		if len(p.replaced) > 0 {
			t.Errorf("replaced because of %v", p.replaced)
		}
		expectState(t, p.state, object{"status": unknown, "services": unknown, "service_ids": unknown, "id": accountA, "connection_id": "c0ffee"})
		expectRequests(t, server, "")

		c.nextProcess()
		updated := c.apply(p)
		expect(t, updated.diags, isPending())
		expectState(t, updated.state, connected().state)
		expectRequests(t, server, "list policies")

		server.a.PersonConnects(primary)
		updated = c.converge(updated.instance, object{})
		expect(t, updated.diags)
		expectState(t, updated.state, object{"status": "connected", "service_ids": object{"Primary": primary.ID}, "connection_id": "c0ffee"})
		expectRequests(t, server, "list policies")
	})
}

func TestPendingUpdateSavesSettingsWhereListFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusNotFound, Body: cloudflaretest.Failure(7003, "Could not route")})
		c := newCore(t, server, nil)
		block := object{"disconnect_on_destroy": false}
		updated := c.converge(connected(), block)
		expect(t, updated.diags, aWarning(titlePending, "settings are saved", "404", "terraform state rm"))
		expectState(t, updated.state, with(connected().state, object{"disconnect_on_destroy": false}))

		destroyed := c.destroy(updated.instance)
		expect(t, destroyed.diags)
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
	})
}

func TestPendingImportAndDestroy(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		imported := c.importID(accountA)
		expect(t, imported.diags, isPending())
		expectState(t, imported.state, object{"status": "pending", "services": []any{}, "adopt_existing": false, "wait_for_services": false, "disconnect_on_destroy": true})
		destroyed := c.destroy(imported.instance)
		expect(t, destroyed.diags)
		if destroyed.state != nil {
			t.Errorf("kept %v", destroyed.state)
		}
	})
}

// A person who changes the services disconnects and reconnects. Nothing that
// Terraform does in between takes the connection out of the state or links.
func TestPersonChangesServices(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary, second)
		c := newCore(t, server, nil)
		server.a.PersonDisconnects()
		window := c.read(connected(primary, second))
		expect(t, window.diags, aWarning(of(titlePending, accountA), append(append(named([]cloudflaretest.Service{primary, second}), "No longer connected"), clicks...)...))
		nightly := c.converge(window.instance, object{})
		expect(t, nightly.diags, isPending())
		expectState(t, nightly.state, object{"status": "pending"})

		server.a.PersonConnects(third)
		applied := c.converge(c.read(nightly.instance).instance, object{})
		expect(t, applied.diags)
		expectState(t, applied.state, object{"status": "connected", "services": listed(third)})
		if server.Count(cloudflaretest.Token)+server.Count(cloudflaretest.Link) > 0 {
			t.Error("made a token or a link")
		}
	})
}

func TestReadNamesServicesThatAreGone(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		dashed := cloudflaretest.Service{ID: "2222222222222222222222222222222A", Name: "Second"}
		server.a.SetServices(dashed)
		before := connected(primary, cloudflaretest.Service{ID: "22222222-2222-2222-2222-22222222222a", Name: "Second"})
		read := newCore(t, server, nil).read(before)
		expect(t, read.diags, aWarning(of(titleGone, accountA), "No longer connected: "+named([]cloudflaretest.Service{primary})[0]+".", "Connected now: "+named([]cloudflaretest.Service{dashed})[0]+"."))
		if strings.Contains(read.diags.String(), `"Second" (ID 22222222-`) {
			t.Errorf("names a service that only has its ID in another form:\n%s", read.diags)
		}
		expectState(t, read.state, object{"status": "connected", "services": listed(dashed)})
	})
}

func TestConnectedIsSilent(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		expect(t, c.read(connected(primary)).diags)
		expectRequests(t, server, "list")
		expect(t, c.importID(accountA).diags)
		expectRequests(t, server, "list")
	})
}
