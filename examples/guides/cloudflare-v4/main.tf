# The policy in the syntax of version 4 of the official Cloudflare provider.

terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 4.0"
    }
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

variable "account_id" {
  description = "ID of the Cloudflare account."
  type        = string
}

resource "pagerduty_connection" "this" {
  account_id = var.account_id
}

data "pagerduty_services" "website" {
  account_id = pagerduty_connection.this.account_id
  name       = "Website"
  depends_on = [pagerduty_connection.this]

  lifecycle {
    postcondition {
      condition     = length(self.services) == 1
      error_message = "Cloudflare is not connected to a PagerDuty service named ${self.name}. Choose it in PagerDuty (https://dash.cloudflare.com/?to=/:account/notifications/destinations leads there) and apply again."
    }
  }
}

resource "cloudflare_notification_policy" "ddos" {
  account_id = pagerduty_connection.this.account_id
  name       = "HTTP DDoS attack"
  alert_type = "dos_attack_l7"
  enabled    = true

  pagerduty_integration {
    id = one(data.pagerduty_services.website.services[*].id)
  }
}
