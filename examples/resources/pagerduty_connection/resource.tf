terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

resource "pagerduty_connection" "this" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

# The map is empty until someone has chosen services. A policy indexes it:
# pagerduty_connection.this.service_ids["Website"]
output "service_ids" {
  value = pagerduty_connection.this.service_ids
}
