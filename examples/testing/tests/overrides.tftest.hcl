# Overrides put values in place of one resource, data source or module. That of a
# module's outputs takes any value, lists of services too.

mock_provider "pagerduty" {}

override_module {
  target = module.connection
  outputs = {
    account_id                = "023e105f4ecef8ad9ca31a8372d0c353"
    integration_token_version = 1
    services = [
      { id = "11111111111111111111111111111111", name = "On-call" },
      { id = "22222222-2222-2222-2222-222222222222", name = "Security" },
    ]
  }
}

variables {
  account_id        = "023e105f4ecef8ad9ca31a8372d0c353"
  integration_token = "00000000-0000-0000-0000-000000000000"
}

run "pages_on_call" {
  variables {
    service = "On-call"
  }

  override_data {
    target = data.pagerduty_service.page
    values = {
      id = "11111111111111111111111111111111"
    }
  }

  assert {
    condition     = output.mechanisms.pagerduty[0].id == "11111111111111111111111111111111"
    error_message = "The mechanisms are ${jsonencode(output.mechanisms)}."
  }

  assert {
    condition     = jsonencode(output.not_paged) == jsonencode(["Security"])
    error_message = "Not paged are ${jsonencode(output.not_paged)}."
  }
}

run "pages_security" {
  variables {
    service = "Security"
  }

  override_data {
    target = data.pagerduty_service.page
    values = {
      id = "22222222-2222-2222-2222-222222222222"
    }
  }

  assert {
    condition     = jsonencode(output.not_paged) == jsonencode(["On-call"])
    error_message = "Not paged are ${jsonencode(output.not_paged)}."
  }
}
