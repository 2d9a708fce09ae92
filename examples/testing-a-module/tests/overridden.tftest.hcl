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

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  service    = "Website"
}

run "stops_without_the_service" {
  expect_failures = [output.service_id]
}
