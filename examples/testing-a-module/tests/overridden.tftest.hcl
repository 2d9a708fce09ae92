# With the real provider, which is configured with the block below. What would make
# calls is overridden.

provider "pagerduty" {
  api_token = "not-used"
}

override_resource {
  target = module.pagerduty.pagerduty_connection.this
  values = {
    connection_id = "0123456789abcdef0123456789abcdef"
  }
}

override_data {
  target = module.pagerduty.data.pagerduty_services.all
}

override_data {
  target = data.pagerduty_connected_service.routed
  values = {
    id = "c3a95d0b-7e81-42f6-9b6d-1f3e5a7c8024"
  }
}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  service    = "On-call"
}

run "routes_to_the_service" {
  assert {
    condition     = output.mechanisms.pagerduty[0].id == "c3a95d0b-7e81-42f6-9b6d-1f3e5a7c8024"
    error_message = "The policy routes to ${jsonencode(output.mechanisms)}."
  }

  assert {
    condition     = length(output.others) == 0
    error_message = "The others are ${jsonencode(output.others)}."
  }
}
