# With a mocked provider: no credentials, no calls.

mock_provider "pagerduty" {}

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
    condition     = !pagerduty_connection.this.adopt_existing
    error_message = "An account that is connected already must not be taken over."
  }
}

# A mocked data source lists no services.
run "stops_without_the_service" {
  expect_failures = [output.service_id]
}

run "gives_the_id_of_the_service" {
  override_module {
    target = module.pagerduty
    outputs = {
      service_ids = { Website = "7f2c1c8e9d5b4a36a1c0e4f8b2d69730" }
    }
  }

  assert {
    condition     = output.service_id == "7f2c1c8e9d5b4a36a1c0e4f8b2d69730"
    error_message = "The output is not the ID of the service."
  }
}
