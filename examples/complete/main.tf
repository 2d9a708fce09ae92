terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare           = { source = "cloudflare/cloudflare", version = "~> 5.12" }
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

variable "account_id" { type = string }

resource "pagerduty_connection" "this" {
  provider   = cloudflare-pagerduty
  account_id = var.account_id
}

resource "cloudflare_notification_policy" "ddos" {
  account_id = pagerduty_connection.this.account_id
  name       = "HTTP DDoS attack"
  alert_type = "dos_attack_l7"
  enabled    = true
  mechanisms = { pagerduty = [{ id = pagerduty_connection.this.service_ids["Website"] }] }
}
