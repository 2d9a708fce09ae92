# With a mocked provider: no credentials, no calls.

mock_provider "pagerduty" {
  mock_resource "pagerduty_connection" {
    defaults = {
      connection_id = "0123456789abcdef0123456789abcdef"
    }
  }

  mock_data "pagerduty_connected_service" {
    defaults = {
      id = "7f2c1c8e9d5b4a36a1c0e4f8b2d69730"
    }
  }
}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  service    = "Website"
}

run "connects_the_account" {
  module {
    source = "./modules/pagerduty"
  }

  assert {
    condition     = pagerduty_connection.this.account_id == var.account_id
    error_message = "The connection is of another account."
  }

  assert {
    condition     = pagerduty_connection.this.connection_id == "0123456789abcdef0123456789abcdef"
    error_message = "The connection is not the mocked one."
  }

  assert {
    condition     = !pagerduty_connection.this.adopt_existing
    error_message = "An account that is connected already must not be taken over."
  }
}

run "routes_to_the_service" {
  assert {
    condition     = output.mechanisms.pagerduty[0].id == "7f2c1c8e9d5b4a36a1c0e4f8b2d69730"
    error_message = "The policy routes to ${jsonencode(output.mechanisms)}."
  }
}

# A mocked data source lists no services, but an output of a module can be anything.
run "tells_the_others" {
  override_module {
    target = module.pagerduty
    outputs = {
      services = ["Database", "Website"]
    }
  }

  assert {
    condition     = jsonencode(output.others) == jsonencode(["Database"])
    error_message = "The others are ${jsonencode(output.others)}."
  }
}
