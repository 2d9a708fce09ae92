# Needs the official PagerDuty provider too.

terraform {
  required_providers {
    pagerduty = {
      source  = "PagerDuty/pagerduty"
      version = "~> 3.0"
    }
    cloudflare-pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

# The official PagerDuty provider reads PAGERDUTY_TOKEN.
provider "pagerduty" {}

# This provider reads CLOUDFLARE_API_TOKEN.
provider "cloudflare-pagerduty" {}

# From the official PagerDuty provider.
data "pagerduty_service" "website" {
  name = "Website"
}

# From this provider.
resource "pagerduty_connection" "this" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}
