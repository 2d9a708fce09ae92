# A mock provider makes up what it is not told. Lists such as services are empty
# in it: overrides.tftest.hcl shows how to fill them.

mock_provider "pagerduty" {
  mock_resource "pagerduty_connection" {
    defaults = {
      connection_id = "0123456789abcdef0123456789abcdef"
    }
  }

  mock_data "pagerduty_service" {
    defaults = {
      id = "11111111111111111111111111111111"
    }
  }
}

variables {
  account_id        = "023e105f4ecef8ad9ca31a8372d0c353"
  integration_token = "00000000-0000-0000-0000-000000000000"
  service           = "On-call"
}

run "connects_the_account" {
  module {
    source = "./connection"
  }

  variables {
    integration_token_version = 7
  }

  assert {
    condition     = pagerduty_connection.this.account_id == var.account_id
    error_message = "Another account is connected: ${pagerduty_connection.this.account_id}."
  }

  assert {
    condition     = pagerduty_connection.this.connection_id == "0123456789abcdef0123456789abcdef"
    error_message = "The connection is ${pagerduty_connection.this.connection_id}."
  }

  # The token itself is in no state, so a test sees its version only.
  assert {
    condition     = output.integration_token_version == 7
    error_message = "The version is ${output.integration_token_version}."
  }

  assert {
    condition     = length(output.services) == 0
    error_message = "There are services: ${jsonencode(output.services)}."
  }
}

run "pages_the_service" {
  assert {
    condition     = output.mechanisms.pagerduty == [{ id = "11111111111111111111111111111111" }]
    error_message = "The mechanisms are ${jsonencode(output.mechanisms)}."
  }

  assert {
    condition     = data.pagerduty_service.page.name == "On-call"
    error_message = "The service is ${data.pagerduty_service.page.name}."
  }
}
