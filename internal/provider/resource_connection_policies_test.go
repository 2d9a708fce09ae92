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

func policyOf(name string, services ...cloudflaretest.Service) cloudflaretest.Policy {
	policy := cloudflaretest.Policy{Name: name, AlertType: "dos_attack_l7", Enabled: true}
	for _, service := range services {
		policy.PagerDuty = append(policy.PagerDuty, service.ID)
	}
	return policy
}

// unrouted begins each list of policies that route to a service which is not
// connected.
const unrouted = "These notification policies route to PagerDuty services that are not connected"

func TestPlanDestroyNamesPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		disabled, mailed, elsewhere := policyOf("Quiet", primary), policyOf("Mailed", primary), policyOf("Elsewhere")
		disabled.Enabled = false
		mailed.Email = []string{"ops@example.com"}
		elsewhere.Webhooks = []string{"0000000000000000000000000000000f"}
		dashed := policyOf("Dashed")
		dashed.PagerDuty = []string{"11111111-1111-1111-1111-111111111111"}
		server.a.SetPolicies(disabled, mailed, elsewhere, dashed)
		p := newCore(t, server, nil).plan(connected(primary), nil)
		expect(t, p.diags, willDisconnect(primary))
		want := "These notification policies stop reaching PagerDuty:\n" +
			"  - \"Dashed\" (dos_attack_l7)\n" +
			"  - \"Mailed\" (dos_attack_l7), still notifies its other destinations\n" +
			"  - \"Quiet\" (dos_attack_l7), disabled\n"
		if !strings.Contains(p.diags.String(), want) || strings.Contains(p.diags.String(), "Elsewhere") {
			t.Errorf("want\n%s\nin\n%s", want, p.diags)
		}
		expectRequests(t, server, "list policies")
	})
}

func TestPlanDestroyNamesTenPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		var policies []cloudflaretest.Policy
		for i := range 12 {
			policies = append(policies, policyOf(fmt.Sprintf("Policy %02d", i), primary))
		}
		server.a.SetPolicies(policies...)
		text := newCore(t, server, nil).plan(connected(primary), nil).diags.String()
		if strings.Count(text, "Policy ") != 10 || !strings.Contains(text, "\n  and 2 more\n") {
			t.Errorf("%s", text)
		}
	})
}

func TestPlanDestroyWithoutPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		p := newCore(t, server, nil).plan(connected(primary), nil)
		expect(t, p.diags, willDisconnect(primary))
		if strings.Contains(p.diags.String(), "policies stop paging") {
			t.Errorf("%s", p.diags)
		}
	})
}

// A list of policies that fails fails nothing.
func TestPoliciesThatCannotBeListed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudflaretest.Fault{
		"403":   {Status: http.StatusForbidden},
		"500":   {Status: http.StatusInternalServerError},
		"HTML":  {Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>"},
		"stall": {Stall: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				server.a.SetServices(primary)
				fault.Op = cloudflaretest.Policies
				server.Fail(fault)
				c := newCore(t, server, nil)
				began := time.Now()
				expect(t, c.plan(connected(primary), nil).diags, aWarning(of(titleDisconnects, accountA), `"Primary"`, "could not be listed", readPermission, "Details: "))
				took(t, began, 0, 11*time.Second)

				server.a.SetServices()
				began = time.Now()
				read := c.read(connected())
				expect(t, read.diags, isPending("could not be listed", readPermission))
				expectState(t, read.state, connected().state)
				took(t, began, 0, 11*time.Second)
			})
		})
	}
}

// A pending account names every policy that routes to PagerDuty, at each plan,
// also when the state no longer knows which services there were.
func TestPendingNamesPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		mail := cloudflaretest.Policy{Name: "Mail", AlertType: "x", Enabled: true, Email: []string{"ops@example.com"}}
		server.a.SetPolicies(policyOf("Origin down", primary), mail)
		c := newCore(t, server, nil)
		pending := aWarning(of(titlePending, accountA), append([]string{unrouted, `"Origin down" (dos_attack_l7)`}, clicks...)...)
		c.create(object{})
		server.a.SetServices()
		for range 2 {
			read := c.read(connected())
			expect(t, read.diags, pending)
			if strings.Contains(read.diags.String(), `"Mail"`) {
				t.Errorf("names a policy that does not route to PagerDuty:\n%s", read.diags)
			}
			updated := c.converge(read.instance, object{})
			expect(t, updated.diags, pending)
			if updated.diags.String() != read.diags.String() {
				t.Errorf("terraform shows the warning twice in an apply:\n%s\n%s", read.diags, updated.diags)
			}
		}
	})
}

func TestCreateNamesPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetPolicies(policyOf("Origin down", second))
		server.a.SetLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102))
		expect(t, newCore(t, server, nil).create(object{}).diags, aWarning(of(titlePending, accountA), unrouted, `"Origin down"`))

		server.b.SetPolicies(policyOf("Old", second))
		server.b.SetLinkModel(cloudflaretest.Connects(primary))
		expect(t, newCore(t, server, nil).create(object{"account_id": accountB}).diags, aWarning(of(titleUnrouted, accountB), unrouted, `"Old"`, `"Primary"`))
	})
}

// A reconnect under other IDs names what still routes to the old ones.
func TestReconnectNamesPolicies(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetPolicies(policyOf("Old", primary), policyOf("New", second), policyOf("Both", primary, second))
		server.a.SetServices(second)
		c := newCore(t, server, nil)
		gone := aWarning(of(titleGone, accountA), `"Primary"`, unrouted, `"Old" (dos_attack_l7)`, `"Both" (dos_attack_l7), still notifies its other destinations`)
		read := c.read(connected(primary))
		expect(t, read.diags, gone)
		if strings.Contains(read.diags.String(), `"New"`) {
			t.Errorf("names a policy that routes to what is listed:\n%s", read.diags)
		}
		expect(t, c.read(connected()).diags, aWarning(of(titleUnrouted, accountA), `"Old"`, `"Second"`))
		expect(t, c.converge(connected(), object{}).diags, aWarning(of(titleUnrouted, accountA), `"Old"`, `"Second"`))

		server.a.SetPolicies(policyOf("New", second))
		expect(t, c.read(connected()).diags)
		expect(t, c.read(read.instance).diags)
	})
}

// Where no such warning is due, no such request is made.
func TestPoliciesAreNotListedWithoutNeed(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		read := c.read(connected(primary))
		expect(t, c.plan(read.instance, object{}).diags)
		adopted := c.create(object{"adopt_existing": true})
		if adopted.diags.hasError() {
			t.Fatalf("%s", adopted.diags)
		}
		c.importID(accountA)
		kept := with(connected(primary).state, object{"disconnect_on_destroy": false})
		c.destroy(instance{state: kept})
		if n := server.Count(cloudflaretest.Policies); n > 0 {
			t.Errorf("listed the policies %d times", n)
		}
	})
}
