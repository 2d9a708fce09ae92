terraform {
  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

provider "pagerduty" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

# Set api_token as well where the account needs a token of its own.
provider "pagerduty" {
  alias      = "staging"
  account_id = "372e67954025e0ba6aaa6d586b9e0b59"
}

resource "pagerduty_connection" "production" {}

resource "pagerduty_connection" "staging" {
  provider = pagerduty.staging
}
