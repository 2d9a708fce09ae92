terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

data "pagerduty_connected_service" "website" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name       = "Website"
}

# For the mechanisms of a cloudflare_notification_policy.
output "mechanisms" {
  value = { pagerduty = [{ id = data.pagerduty_connected_service.website.id }] }
}
