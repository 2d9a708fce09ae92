terraform {
  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

# The API token comes from CLOUDFLARE_API_TOKEN.
provider "pagerduty" {}

resource "pagerduty_connection" "this" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}
