// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func TestConnectionLifecycle(t *testing.T) {
	t.Parallel()
	server := online(t)
	account := server.a
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: config(server, `resource "pagerduty_connection" "this" {}`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("pagerduty_connection.this", plancheck.ResourceActionCreate),
					plancheck.ExpectKnownValue("pagerduty_connection.this", tfjsonpath.New("account_id"), knownvalue.StringExact(accountA)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("pagerduty_connection.this", tfjsonpath.New("services"), knownvalue.ListSizeExact(1)),
				},
			},
			{
				ResourceName:      "pagerduty_connection.this",
				ImportState:       true,
				ImportStateId:     accountA,
				ImportStateVerify: true, ImportStateVerifyIgnore: []string{"connection_id"},
			},
		},
	})
	if left := account.Services(); len(left) != 0 {
		t.Errorf("left after destroy: %v", left)
	}
}
