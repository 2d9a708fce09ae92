terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare           = { source = "cloudflare/cloudflare", version = "~> 5.12" }
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

# Every account that the Cloudflare API token has access to.
data "cloudflare_accounts" "all" {}
