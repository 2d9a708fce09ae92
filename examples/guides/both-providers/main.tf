terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
    pagerduty            = { source = "PagerDuty/pagerduty", version = "~> 3.0" }
  }
}

variable "account_id" { type = string }

# From the official PagerDuty provider.
data "pagerduty_service" "website" {
  name = "Website"
}

# From this provider.
data "pagerduty_connected_service" "website" {
  provider   = cloudflare-pagerduty
  account_id = var.account_id
  name       = data.pagerduty_service.website.name
}

# PagerDuty and Cloudflare use different IDs for the same service.
output "ids" {
  value = {
    pagerduty  = data.pagerduty_service.website.id
    cloudflare = data.pagerduty_connected_service.website.id
  }
}
