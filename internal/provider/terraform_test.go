// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// unitTest runs steps with a real terraform, on a clock that does not wait.
func unitTest(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: steps})
}

// servicesAre checks the services that a resource, or a data source, holds.
type servicesAre struct {
	address  string
	services []cloudflaretest.Service
}

var _ statecheck.StateCheck = servicesAre{}

func (c servicesAre) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	for _, r := range req.State.Values.RootModule.Resources {
		if r.Address != c.address {
			continue
		}
		if got, want := fmt.Sprint(r.AttributeValues["services"]), fmt.Sprint(listed(c.services...)); got != want {
			resp.Error = fmt.Errorf("%s has the services %s, want %s", c.address, got, want)
		}
		return
	}
	resp.Error = fmt.Errorf("no %s in the state", c.address)
}

// requested checks how many requests of one kind are in the fake API's log.
type requested struct {
	server *fakeAPI
	op     cloudflaretest.Op
	times  int
}

var _ statecheck.StateCheck = requested{}

func (c requested) CheckState(_ context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	if n := c.server.Count(c.op); n != c.times {
		resp.Error = fmt.Errorf("%d requests of %s, want %d", n, c.op, c.times)
	}
}

// accountHas checks what is connected.
type accountHas struct {
	account  *cloudflaretest.Account
	services []cloudflaretest.Service
}

var _ statecheck.StateCheck = accountHas{}

func (c accountHas) CheckState(_ context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	if got := c.account.Services(); fmt.Sprint(got) != fmt.Sprint(c.services) {
		resp.Error = fmt.Errorf("connected: %v, want %v", got, c.services)
	}
}

// text matches what terraform prints, which it wraps and frames.
func text(s string) *regexp.Regexp {
	return regexp.MustCompile(strings.Join(strings.Fields(regexp.QuoteMeta(s)), `[\s│]+`))
}
