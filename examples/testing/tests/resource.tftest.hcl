# One resource is replaced, in a module by itself.

mock_provider "pagerduty" {}

variables {
  account_id                = "023e105f4ecef8ad9ca31a8372d0c353"
  integration_token         = "00000000-0000-0000-0000-000000000000"
  integration_token_version = 1
}

run "keeps_the_connection_id" {
  module {
    source = "./connection"
  }

  override_resource {
    target = pagerduty_connection.this
    values = {
      connection_id = "fedcba9876543210fedcba9876543210"
    }
  }

  assert {
    condition     = pagerduty_connection.this.connection_id == "fedcba9876543210fedcba9876543210"
    error_message = "The connection is ${pagerduty_connection.this.connection_id}."
  }
}
