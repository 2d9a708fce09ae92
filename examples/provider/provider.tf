terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

# Not saved in plans or state. Omit the provider block to use the token from
# CLOUDFLARE_API_TOKEN.
variable "cloudflare_api_token" {
  type      = string
  ephemeral = true
  sensitive = true
}

provider "cloudflare-pagerduty" {
  api_token = var.cloudflare_api_token
}
