mock_provider "cloudflare-pagerduty" {
  mock_resource "pagerduty_connection" {
    defaults = {
      status      = "connected"
      service_ids = { Website = "7f2c1c8e9d5b4a36a1c0e4f8b2d69730" }
    }
  }
}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

run "connected" {
  assert {
    condition     = output.service_ids["Website"] == "7f2c1c8e9d5b4a36a1c0e4f8b2d69730"
    error_message = "The IDs are ${jsonencode(output.service_ids)}."
  }

  assert {
    condition     = !pagerduty_connection.this.disconnect_on_destroy
    error_message = "A destroy must not disconnect the account."
  }
}
