// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

const this = "pagerduty_connection.this"

// action expects an action on the resource, with a known account.
func action(a plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(this, a),
		plancheck.ExpectKnownValue(this, tfjsonpath.New("account_id"), knownvalue.StringExact(accountA)),
	}}
}

// connectionA is the block of an account, with nothing but the account.
var connectionA = fmt.Sprintf(`resource "pagerduty_connection" "this" { account_id = %q }`, accountA)

// connecting makes every link of the account connect these services by itself.
func connecting(account *cloudflaretest.Account, services ...cloudflaretest.Service) []cloudflaretest.Service {
	account.SetLinkModel(cloudflaretest.Connects(services...))
	return services
}

func TestConnectionLifecycle(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := connecting(server.a, primary, second)
	connectionID := statecheck.CompareValue(compare.ValuesSame())
	sameConnection := func(more ...statecheck.StateCheck) []statecheck.StateCheck {
		return append(more, connectionID.AddStateValue(this, tfjsonpath.New("connection_id")),
			requested{server: server, op: cloudflaretest.Token, times: 1}, requested{server: server, op: cloudflaretest.Link, times: 1}, requested{server: server, op: cloudflaretest.Delete, times: 0})
	}
	unitTest(t,
		resource.TestStep{
			Config:           config(server, connectionA),
			ConfigPlanChecks: action(plancheck.ResourceActionCreate),
			ConfigStateChecks: sameConnection(
				servicesAre{address: this, services: services},
				accountHas{account: server.a, services: services},
				statecheck.ExpectKnownValue(this, tfjsonpath.New("id"), knownvalue.StringExact(accountA)),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("status"), knownvalue.StringExact("connected")),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("dashboard_url"), knownvalue.StringExact("https://dash.cloudflare.com/"+accountA+"/notifications")),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("service_ids"), knownvalue.MapExact(map[string]knownvalue.Check{
					"Primary": knownvalue.StringExact(primary.ID), "Second": knownvalue.StringExact(second.ID),
				})),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("adopt_existing"), knownvalue.Bool(false)),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("wait_for_services"), knownvalue.Bool(false)),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("disconnect_on_destroy"), knownvalue.Bool(true)),
			),
		},
		resource.TestStep{
			ResourceName: this, ImportState: true, ImportStateId: accountA,
			ImportStateVerify: true, ImportStateVerifyIgnore: []string{"connection_id"},
		},
		resource.TestStep{
			// Its plan must be empty.
			ResourceName: this, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: accountA,
		},
		resource.TestStep{
			// What only a create uses is no change, and neither is another case.
			Config: config(server, `
resource "pagerduty_connection" "this" {
  account_id        = "`+strings.ToUpper(accountA)+`"
  adopt_existing    = true
  wait_for_services = true
}`),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			ConfigStateChecks: sameConnection(),
		},
		resource.TestStep{
			// A change of settings keeps the services known.
			Config: config(server, `
resource "pagerduty_connection" "this" {
  account_id            = "`+accountA+`"
  disconnect_on_destroy = false
  timeouts {
    create = "1m"
  }
}`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(this, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(this, tfjsonpath.New("service_ids").AtMapKey("Primary"), knownvalue.StringExact(primary.ID)),
			}},
			ConfigStateChecks: sameConnection(
				statecheck.ExpectKnownValue(this, tfjsonpath.New("disconnect_on_destroy"), knownvalue.Bool(false)),
			),
		},
		resource.TestStep{
			Config:            config(server, connectionA),
			ConfigPlanChecks:  action(plancheck.ResourceActionUpdate),
			ConfigStateChecks: sameConnection(),
		},
	)
	expectServices(t, server.a)
}

func TestConnectionIdentity(t *testing.T) {
	t.Parallel()
	server := online(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: config(server, connectionA),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectIdentity(this, map[string]knownvalue.Check{"account_id": knownvalue.StringExact(accountA)}),
				},
			},
			{ResourceName: this, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

// Two resources on one account: the second fails, and the first keeps its
// services.
func TestTwoConnectionsOfOneAccount(t *testing.T) {
	t.Parallel()
	server := online(t)
	connecting(server.a, primary)
	block := config(server, fmt.Sprintf(`
resource "pagerduty_connection" "one" { account_id = %[1]q }
resource "pagerduty_connection" "two" { account_id = %[1]q }`, accountA))
	unitTest(t,
		resource.TestStep{Config: block, ExpectError: text("already connected to PagerDuty")},
		resource.TestStep{
			PreConfig: func() { expectServices(t, server.a, primary) },
			Config:    block, ExpectError: text("already connected to PagerDuty"),
		},
	)
	if n := server.Count(cloudflaretest.Link); n != 1 {
		t.Errorf("linked %d times", n)
	}
	expectServices(t, server.a)
}

// Values of other resources are not known in the first plan.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := connecting(server.a, primary)
	unitTest(t, resource.TestStep{
		Config: fmt.Sprintf(`
resource "terraform_data" "from" {
  input = {
    api_token       = %q
    base_url        = %q
    account_id      = %q
    max_retries     = 2
    request_timeout = "10s"
    yes             = true
    minute          = "1m"
    name            = %q
  }
}

provider "pagerduty" {
  api_token       = terraform_data.from.output.api_token
  base_url        = terraform_data.from.output.base_url
  max_retries     = terraform_data.from.output.max_retries
  request_timeout = terraform_data.from.output.request_timeout
}

resource "pagerduty_connection" "this" {
  account_id        = terraform_data.from.output.account_id
  adopt_existing    = terraform_data.from.output.yes
  wait_for_services = terraform_data.from.output.yes
  timeouts {
    create = terraform_data.from.output.minute
    delete = terraform_data.from.output.minute
  }
}

data "pagerduty_services" "named" {
  account_id = pagerduty_connection.this.id
  name       = terraform_data.from.output.name
}

data "pagerduty_services" "matched" {
  account_id = terraform_data.from.output.account_id
  name_regex = "^${terraform_data.from.output.name}"
  depends_on = [pagerduty_connection.this]
}`, cloudflaretest.APIToken, server.URL(), accountA, primary.Name),
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(this, tfjsonpath.New("account_id")),
			plancheck.ExpectUnknownValue(this, tfjsonpath.New("adopt_existing")),
			plancheck.ExpectUnknownValue(this, tfjsonpath.New("wait_for_services")),
			plancheck.ExpectUnknownValue(this, tfjsonpath.New("timeouts").AtMapKey("create")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{
			servicesAre{address: this, services: services}, servicesAre{address: "data.pagerduty_services.named", services: services}, servicesAre{address: "data.pagerduty_services.matched", services: services},
			statecheck.ExpectKnownValue(this, tfjsonpath.New("account_id"), knownvalue.StringExact(accountA)),
			statecheck.ExpectKnownValue(this, tfjsonpath.New("adopt_existing"), knownvalue.Bool(true)),
		},
	})
	expectServices(t, server.a)
}

func TestProviderErrorsNameTheVariable(t *testing.T) {
	t.Parallel()
	unitTest(t, resource.TestStep{
		Config:      `data "pagerduty_services" "all" { account_id = "` + accountA + `" }`,
		ExpectError: text("Set the argument `api_token` or the environment variable CLOUDFLARE_API_TOKEN"),
	})
}

// A key that the timeouts block does not have is refused, with a suggestion.
func TestUnknownTimeoutIsRefused(t *testing.T) {
	t.Parallel()
	server := online(t)
	block := func(timeouts string) string {
		return config(server, fmt.Sprintf(`
resource "pagerduty_connection" "this" {
  account_id = %q
  %s
}`, accountA, timeouts))
	}
	unitTest(t,
		resource.TestStep{Config: block(`timeouts { Create = "2h" }`), ExpectError: text(`An argument named "Create" is not expected here. Did you mean "create"?`)},
		resource.TestStep{Config: block(`timeouts { read = "2h" }`), ExpectError: text(`An argument named "read" is not expected here.`)},
		resource.TestStep{Config: block(`timeouts = { create = "2h" }`), ExpectError: text("Unsupported argument")},
		resource.TestStep{Config: block(`timeouts { create = "0s" }`), ExpectError: text("must be a duration greater than zero")},
	)
	expectRequests(t, server, "")
}
