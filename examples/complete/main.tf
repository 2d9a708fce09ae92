# Needs the official Cloudflare and PagerDuty providers too. Both Cloudflare
# providers read CLOUDFLARE_API_TOKEN, the PagerDuty provider PAGERDUTY_TOKEN.

terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.12"
    }
    cloudflare-pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
    pagerduty = {
      source  = "PagerDuty/pagerduty"
      version = "~> 3.0"
    }
  }
}

variable "account_id" {
  description = "ID of the Cloudflare account."
  type        = string
}

# The service in PagerDuty (official PagerDuty provider).
data "pagerduty_service" "website" {
  name = "Website"
}

# The connection of the Cloudflare account to PagerDuty (this provider).
resource "pagerduty_connection" "this" {
  provider   = cloudflare-pagerduty
  account_id = var.account_id
}

# The service as Cloudflare knows it, with the ID to route to (this provider).
data "pagerduty_services" "website" {
  provider   = cloudflare-pagerduty
  account_id = pagerduty_connection.this.account_id
  name       = data.pagerduty_service.website.name
  depends_on = [pagerduty_connection.this]

  lifecycle {
    postcondition {
      condition     = length(self.services) == 1
      error_message = "Cloudflare is not connected to a PagerDuty service named ${self.name}. Choose it in PagerDuty (https://dash.cloudflare.com/?to=/:account/notifications/destinations leads there) and apply again."
    }
  }
}

# The policy that pages the service (official Cloudflare provider).
resource "cloudflare_notification_policy" "ddos" {
  account_id = pagerduty_connection.this.account_id
  name       = "HTTP DDoS attack"
  alert_type = "dos_attack_l7"
  enabled    = true

  mechanisms = {
    pagerduty = [{ id = one(data.pagerduty_services.website.services[*].id) }]
  }
}
