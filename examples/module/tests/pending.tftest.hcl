mock_provider "cloudflare-pagerduty" {
  mock_resource "pagerduty_connection" {
    defaults = {
      status      = "pending"
      service_ids = {}
    }
  }
}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

run "pending" {
  expect_failures = [check.connected]
}
