terraform {
  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

variable "staging_api_token" {
  description = "API token for the account of staging."
  type        = string
  ephemeral   = true
  sensitive   = true
}

# The API token comes from CLOUDFLARE_API_TOKEN.
provider "pagerduty" {}

# The account of staging needs a token of its own.
provider "pagerduty" {
  alias     = "staging"
  api_token = var.staging_api_token
}

resource "pagerduty_connection" "production" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

resource "pagerduty_connection" "staging" {
  provider   = pagerduty.staging
  account_id = "372e67954025e0ba6aaa6d586b9e0b59"
}
