terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

variable "staging_api_token" {
  type      = string
  ephemeral = true
  sensitive = true
}

# Uses CLOUDFLARE_API_TOKEN.
provider "cloudflare-pagerduty" {}

provider "cloudflare-pagerduty" {
  alias     = "staging"
  api_token = var.staging_api_token
}

resource "pagerduty_connection" "production" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

resource "pagerduty_connection" "staging" {
  provider   = cloudflare-pagerduty.staging
  account_id = "372e67954025e0ba6aaa6d586b9e0b59"
}
