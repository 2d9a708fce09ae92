// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func noService(at string, parts ...string) wanted {
	return anError("Unable to Find PagerDuty Service", append(parts, "account "+accountA)...).on(at)
}

func TestConnectedService(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		upper := cloudflaretest.Service{ID: "ABCDEF00000000000000000000000001", Name: "Network"}
		server.a.SetServices(second, upper, primary)
		c := newCore(t, server, nil)
		for name, test := range map[string]struct {
			config object
			want   cloudflaretest.Service
		}{
			"name":                {config: object{"name": "Primary"}, want: primary},
			"ID":                  {config: object{"id": primary.ID}, want: primary},
			"ID, dashed":          {config: object{"id": "11111111-1111-1111-1111-111111111111"}, want: primary},
			"dashed ID":           {config: object{"id": second.ID}, want: second},
			"dashed ID, undashed": {config: object{"id": "22222222222222222222222222222222"}, want: second},
			"ID, lower case":      {config: object{"id": "abcdef00-0000-0000-0000-000000000001"}, want: upper},
			"ID, upper case":      {config: object{"id": upper.ID}, want: upper},
		} {
			t.Log(name)
			read := c.service(test.config)
			expect(t, read.diags)
			// The ID in the API's own form, which is what a policy needs.
			expectState(t, read.state, object{"account_id": accountA, "id": test.want.ID, "name": test.want.Name})
			expectRequests(t, server, "list")
		}
	})
}

// connectsFirst is what each error of a lookup without a match says: how to connect
// a service, and how to destroy anyway.
var connectsFirst = append([]string{"Then run again", "terraform destroy -refresh=false"}, clicks...)

func TestConnectedServiceNotFound(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		database := cloudflaretest.Service{ID: "33", Name: "Database"}
		other := cloudflaretest.Service{ID: "44", Name: "Entirely different"}
		server.a.SetServices(database, other, second, primary)
		c := newCore(t, server, nil)
		notFound := func(at string, parts ...string) wanted {
			return noService(at, append([]string{"No connected service of account " + accountA, "names are case-sensitive", "disconnect PagerDuty in the Cloudflare dashboard and connect it again with all services", "https://dash.cloudflare.com/" + accountA + "/notifications", "terraform destroy -refresh=false"}, parts...)...)
		}
		expect(t, c.service(object{"name": "primary"}).diags, notFound("name", `matches "primary"`, `The closest matches are "Primary" (ID 11111111111111111111111111111111), `))
		expect(t, c.service(object{"name": "Prim.*"}).diags, notFound("name", `The closest matches are "Primary"`))
		expect(t, c.service(object{"id": "11111111-1111-1111-1111-111111111112"}).diags, notFound("id", `The closest matches are "Primary"`))
		expect(t, c.service(object{"id": "Database"}).diags, notFound("id", `The closest matches are "Database" (ID 33)`))
		expect(t, c.service(object{"name": ""}).diags, notFound("name", `matches ""`))
		// A name may look like an ID of PagerDuty's.
		expect(t, c.service(object{"name": "PAYMENTS"}).diags, notFound("name", `matches "PAYMENTS"`))
		expectRequests(t, server, "list list list list list list")
	})
}

func TestConnectedServiceOfUnconnectedAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		for _, at := range []string{"name", "id"} {
			expect(t, c.service(object{at: "Primary"}).diags, noService(at, append([]string{"No PagerDuty services are connected to account " + accountA}, connectsFirst...)...))
		}
	})
}

// PagerDuty's own ID of a service is none of Cloudflare's.
func TestConnectedServiceByIDOfPagerDuty(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		c := newCore(t, server, nil)
		for _, id := range []string{"PABC123", "P0CE4NN", "PQ1W2E3R4T5Y6U"} {
			expect(t, c.service(object{"id": id}).diags, noService("id", fmt.Sprintf("%q", id), "PagerDuty's own ID", "Look up the service by `name`"))
		}
		// It may be one all the same.
		server.a.SetServices(cloudflaretest.Service{ID: "PABC123", Name: "Odd"})
		expectState(t, c.service(object{"id": "PABC123"}).state, object{"name": "Odd"})
	})
}

func TestConnectedServiceIsAmbiguous(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		twin := cloudflaretest.Service{ID: "00", Name: primary.Name}
		server.a.SetServices(primary, second, twin)
		c := newCore(t, server, nil)
		expect(t, c.service(object{"name": "Primary"}).diags, noService("name", "Several connected services", `match "Primary"`, "ID 00", "ID "+primary.ID, "set `id`"))
		expectState(t, c.service(object{"id": "00"}).state, object{"id": "00", "name": "Primary"})
	})
}

// One service that is listed twice is one.
func TestConnectedServiceListedTwice(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Edit: cloudflaretest.Twice})
		c := newCore(t, server, nil)
		for _, block := range []object{{"name": "Primary"}, {"id": primary.ID}, {"id": cloudflaretest.OtherForm(primary.ID)}} {
			read := c.service(block)
			expect(t, read.diags)
			if id, _ := read.state["id"].(string); !cloudflare.SameID(id, primary.ID) {
				t.Errorf("id is %s", id)
			}
		}
	})
}

func TestConnectedServiceInvalid(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		c := newCore(t, server, nil)
		const oneOfThem = "Exactly one of these attributes must be configured: [id,name]"
		expect(t, c.service(object{}).diags, anError("Missing Attribute Configuration", oneOfThem))
		expect(t, c.service(object{"id": primary.ID, "name": "Primary"}).diags, anError("Invalid Attribute Combination", oneOfThem).on("id"))
		expect(t, c.service(object{"name": "x", "account_id": nil}).diags, isRequired("account_id"))
		// What is not known yet may turn out to be valid.
		for _, block := range []object{{"name": unknown}, {"id": unknown}, {"id": unknown, "name": unknown}, {"name": "x", "account_id": unknown}} {
			expect(t, c.validateData("pagerduty_connected_service", block))
		}
		expectRequests(t, server, "")
	})
}

func TestConnectedServiceAccount(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.a.SetServices(primary)
		server.b.SetServices(second)
		c := newCore(t, server, nil)
		expectState(t, c.service(object{"account_id": accountB, "name": "Second"}).state, object{"account_id": accountB, "id": second.ID})
		expect(t, c.service(object{"account_id": accountB, "name": "Primary"}).diags, anError("Unable to Find PagerDuty Service", "account "+accountB).on("name"))
	})
}

// Both the name of a service and what is looked for can hold anything.
func TestConnectedServiceIsEscaped(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		evil := cloudflaretest.Service{ID: "1\x1b]0;x\x07", Name: "a\x1b[31m\u202eb\r\nc\u009b"}
		server.a.SetServices(evil, cloudflaretest.Service{ID: "2", Name: evil.Name}, primary)
		c := newCore(t, server, nil)
		expect(t, c.service(object{"name": "a\x1b[31m"}).diags, noService("name", `matches "a\x1b[31m"`, `The closest matches are "a\x1b[31m\u202eb\r\nc\u009b"`))
		expect(t, c.service(object{"name": evil.Name}).diags, noService("name", `match "a\x1b[31m`))
		expectState(t, c.service(object{"id": evil.ID}).state, object{"id": evil.ID, "name": evil.Name})
	})
}

func TestConnectedServiceErrors(t *testing.T) {
	t.Parallel()
	for name, fault := range readFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				fault.Op = cloudflaretest.List
				server.Fail(fault)
				expect(t, newCore(t, server, nil).service(object{"name": "Primary"}).diags, anError("Unable to Read PagerDuty Services", "Details: "))
			})
		})
	}
	t.Run("read-only token is enough", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			server.a.SetServices(primary)
			c := newCore(t, server, with(standard(server), object{"api_token": cloudflaretest.ReadOnlyToken}))
			expectState(t, c.service(object{"name": "Primary"}).state, object{"id": primary.ID})
		})
	})
	t.Run("rate limit", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(server *fakeAPI) {
			t := server.t
			fault := cloudflaretest.RetryAfter(http.StatusTooManyRequests, "600")
			fault.Op = cloudflaretest.List
			server.Fail(fault)
			started := time.Now()
			expect(t, newCore(t, server, nil).service(object{"name": "Primary"}).diags, anError("Unable to Read PagerDuty Services", "Requests will work again in 10 minutes."))
			took(t, started, 0, 0)
		})
	})
}
