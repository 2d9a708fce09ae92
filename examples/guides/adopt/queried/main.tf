# Needs the official Cloudflare provider too.

terraform {
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.12"
    }
    # Terraform writes this local name into the blocks that it generates.
    cloudflare-pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

# Every account that the API token sees.
data "cloudflare_accounts" "all" {}
