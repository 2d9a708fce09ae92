// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
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

// action expects an action on the resource, and an account that is known.
func action(a plancheck.ResourceActionType, account string) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(this, a),
		plancheck.ExpectKnownValue(this, tfjsonpath.New("account_id"), knownvalue.StringExact(account)),
	}}
}

// connectionOf is the block of an account, without anything else.
func connectionOf(account string) string {
	return fmt.Sprintf(`resource "pagerduty_connection" "this" { account_id = %q }`, account)
}

// linking makes every link of the account lead to these services.
func linking(account *cloudflaretest.Account, services ...cloudflaretest.Service) []cloudflaretest.Service {
	account.SetLinkModel(cloudflaretest.LinkModel{Services: services})
	return services
}

func TestConnectionLifecycle(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary, second)
	other := linking(server.b, second)
	connectionID := statecheck.CompareValue(compare.ValuesSame())
	unitTest(t,
		resource.TestStep{
			Config:           config(server, connectionOf(accountA)),
			ConfigPlanChecks: action(plancheck.ResourceActionCreate, accountA),
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, services},
				accountHas{server.a, services},
				called{server, cloudflaretest.Link, 1},
				connectionID.AddStateValue(this, tfjsonpath.New("connection_id")),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("id"), knownvalue.StringExact(accountA)),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("adopt_existing"), knownvalue.Bool(false)),
				statecheck.ExpectKnownValue(this, tfjsonpath.New("wait_for_services"), knownvalue.Bool(false)),
			},
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
			PreConfig: server.ResetRequests,
			Config: config(server, `
resource "pagerduty_connection" "this" {
  account_id        = "`+accountA+`"
  adopt_existing    = true
  wait_for_services = true
  timeouts          = { create = "1m" }
}`),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate, accountA),
			ConfigStateChecks: []statecheck.StateCheck{
				connectionID.AddStateValue(this, tfjsonpath.New("connection_id")),
				called{server, cloudflaretest.Token, 0}, called{server, cloudflaretest.Link, 0}, called{server, cloudflaretest.Delete, 0},
			},
		},
		resource.TestStep{
			Config:           config(server, connectionOf(accountA)),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate, accountA),
		},
		resource.TestStep{
			Config:            config(server, connectionOf(accountB)),
			ConfigPlanChecks:  action(plancheck.ResourceActionDestroyBeforeCreate, accountB),
			ConfigStateChecks: []statecheck.StateCheck{servicesAre{this, other}, accountHas{server.a, nil}, accountHas{server.b, other}},
		},
		resource.TestStep{
			PreConfig:         func() { server.b.SetServices() }, // Somebody deletes the services.
			Config:            config(server, connectionOf(accountB)),
			ConfigPlanChecks:  action(plancheck.ResourceActionCreate, accountB),
			ConfigStateChecks: []statecheck.StateCheck{servicesAre{this, other}, accountHas{server.b, other}},
		},
	)
	expectServices(t, server.a)
	expectServices(t, server.b)
}

func TestConnectionIdentity(t *testing.T) {
	t.Parallel()
	server := online(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: config(server, connectionOf(accountA)),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectIdentity(this, map[string]knownvalue.Check{"account_id": knownvalue.StringExact(accountA)}),
				},
			},
			{ResourceName: this, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

func TestConnectionIsRefused(t *testing.T) {
	t.Parallel()
	server := online(t)
	server.a.SetServices(primary)
	unitTest(t,
		resource.TestStep{
			Config:      config(server, connectionOf(accountA)),
			ExpectError: text("terraform import 'pagerduty_connection.<NAME>' " + accountA),
		},
		resource.TestStep{
			PreConfig: func() { expectServices(t, server.a, primary) },
			// What the error says to write.
			Config: config(server, fmt.Sprintf(`
import {
  to = pagerduty_connection.this
  id = %q
}
`, accountA)+connectionOf(accountA)),
			ConfigPlanChecks: action(plancheck.ResourceActionNoop, accountA),
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, []cloudflaretest.Service{primary}},
				statecheck.ExpectKnownValue(this, tfjsonpath.New("connection_id"), knownvalue.Null()),
			},
		},
	)
	expectServices(t, server.a)
}

// Two resources on one account: the second fails, and the first keeps its
// services.
func TestTwoConnectionsOfOneAccount(t *testing.T) {
	t.Parallel()
	server := online(t)
	linking(server.a, primary)
	unitTest(t,
		resource.TestStep{
			Config: config(server, fmt.Sprintf(`
resource "pagerduty_connection" "one" { account_id = %[1]q }
resource "pagerduty_connection" "two" { account_id = %[1]q }`, accountA)),
			ExpectError: text("the account is already connected to PagerDuty"),
		},
		resource.TestStep{
			PreConfig:          func() { expectServices(t, server.a, primary) },
			RefreshState:       true,
			ExpectNonEmptyPlan: true,
		},
	)
	if n := server.Count(cloudflaretest.Link); n != 1 {
		t.Errorf("linked %d times", n)
	}
}

// Where the new connection is created before the old one is destroyed, it takes
// the account over, and the destroy leaves it alone.
func TestConnectionIsHandedOver(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary, second)
	block := func(trigger string) string {
		return config(server, fmt.Sprintf(`
resource "terraform_data" "trigger" { input = %q }

resource "pagerduty_connection" "this" {
  account_id     = %q
  adopt_existing = true
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.trigger]
  }
}`, trigger, accountA))
	}
	unitTest(t,
		resource.TestStep{Config: block("one")},
		resource.TestStep{
			Config:           block("two"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(this, plancheck.ResourceActionCreateBeforeDestroy)}},
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, services}, accountHas{server.a, services},
				called{server, cloudflaretest.Delete, 0}, called{server, cloudflaretest.Link, 1},
				statecheck.ExpectKnownValue(this, tfjsonpath.New("connection_id"), knownvalue.Null()),
			},
		},
	)
	expectServices(t, server.a)
}

// Without adopt_existing, nothing is lost either: the create stops.
func TestConnectionIsNotHandedOverUnasked(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary)
	block := func(trigger string) string {
		return config(server, fmt.Sprintf(`
resource "terraform_data" "trigger" { input = %q }

resource "pagerduty_connection" "this" {
  account_id = %q
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.trigger]
  }
}`, trigger, accountA))
	}
	unitTest(t,
		resource.TestStep{Config: block("one")},
		resource.TestStep{Config: block("two"), ExpectError: text("the account is already connected to PagerDuty")},
		resource.TestStep{
			Config: block("two"),
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, services}, accountHas{server.a, services}, called{server, cloudflaretest.Delete, 0},
			},
		},
	)
}

func TestConnectionIsRenamed(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary)
	unitTest(t,
		resource.TestStep{Config: config(server, connectionOf(accountA))},
		resource.TestStep{
			Config: config(server, fmt.Sprintf(`
resource "pagerduty_connection" "renamed" { account_id = %q }
moved {
  from = pagerduty_connection.this
  to   = pagerduty_connection.renamed
}`, accountA)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			ConfigStateChecks: []statecheck.StateCheck{
				resourcesAre{"pagerduty_connection.renamed"}, accountHas{server.a, services},
				called{server, cloudflaretest.Delete, 0}, called{server, cloudflaretest.Link, 1},
			},
		},
	)
	expectServices(t, server.a)
}

func TestConnectionIsTainted(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary)
	block := config(server, connectionOf(accountA))
	unitTest(t,
		resource.TestStep{Config: block},
		resource.TestStep{
			Taint: []string{this}, Config: block,
			ConfigPlanChecks: action(plancheck.ResourceActionDestroyBeforeCreate, accountA),
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, services}, accountHas{server.a, services}, called{server, cloudflaretest.Delete, 1}, called{server, cloudflaretest.Link, 2},
			},
		},
	)
}

// What comes from other resources is not known when the first plan is made.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary)
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
  timeouts = {
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
			servicesAre{this, services}, servicesAre{"data.pagerduty_services.named", services}, servicesAre{"data.pagerduty_services.matched", services},
			statecheck.ExpectKnownValue(this, tfjsonpath.New("account_id"), knownvalue.StringExact(accountA)),
			statecheck.ExpectKnownValue(this, tfjsonpath.New("adopt_existing"), knownvalue.Bool(true)),
		},
	})
	expectServices(t, server.a)
}

// Over a connection that there is, an account that is not known yet is taken to
// stay the same. Where it does not, terraform stops before anything is lost, and
// the next run replaces.
func TestUnknownAccountTurnsOutToBeAnother(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, primary)
	other := linking(server.b, second)
	block := func(name, account string) string {
		return config(server, fmt.Sprintf(`
resource "terraform_data" %[1]q { input = %[2]q }
resource "pagerduty_connection" "this" { account_id = terraform_data.%[1]s.output }`, name, account))
	}
	unitTest(t,
		resource.TestStep{Config: block("one", accountA)},
		resource.TestStep{
			Config:           block("two", accountA),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(this, plancheck.ResourceActionUpdate)}},
			ConfigStateChecks: []statecheck.StateCheck{
				servicesAre{this, services}, called{server, cloudflaretest.Delete, 0}, called{server, cloudflaretest.Link, 1},
			},
		},
		resource.TestStep{Config: block("three", accountB), ExpectError: text("inconsistent final plan")},
		resource.TestStep{
			PreConfig: func() {
				expectServices(t, server.a, services...)
				expectServices(t, server.b)
			},
			Config:            block("three", accountB),
			ConfigPlanChecks:  action(plancheck.ResourceActionDestroyBeforeCreate, accountB),
			ConfigStateChecks: []statecheck.StateCheck{servicesAre{this, other}, accountHas{server.a, nil}},
		},
	)
}

// The main job: connect, then look the services up, in one apply.
func TestServicesOfNewConnection(t *testing.T) {
	t.Parallel()
	server := online(t)
	services := linking(server.a, second, primary)
	unitTest(t, resource.TestStep{
		Config: config(server, connectionOf(accountA)+`

data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

output "id" {
  value = one([for s in data.pagerduty_services.all.services : s.id if s.name == "Primary"])
}`),
		ConfigStateChecks: []statecheck.StateCheck{
			servicesAre{"data.pagerduty_services.all", []cloudflaretest.Service{services[1], services[0]}},
			statecheck.ExpectKnownOutputValue("id", knownvalue.StringExact(primary.ID)),
		},
	})
}

func TestProviderErrorsNameTheVariable(t *testing.T) {
	t.Parallel()
	unitTest(t, resource.TestStep{
		Config:      `data "pagerduty_services" "all" { account_id = "` + accountA + `" }`,
		ExpectError: text("Set the argument `api_token` or the environment variable CLOUDFLARE_API_TOKEN"),
	})
}
