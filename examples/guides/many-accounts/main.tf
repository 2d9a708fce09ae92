terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare           = { source = "cloudflare/cloudflare", version = "~> 5.12" }
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

variable "accounts" {
  description = "Cloudflare account IDs, keyed by names that won't change."
  type        = map(string)

  default = {
    production = "023e105f4ecef8ad9ca31a8372d0c353"
    staging    = "372e67954025e0ba6aaa6d586b9e0b59"
  }
}

resource "pagerduty_connection" "this" {
  for_each = var.accounts

  provider              = cloudflare-pagerduty
  account_id            = each.value
  disconnect_on_destroy = false
}

resource "cloudflare_notification_policy" "ddos" {
  for_each = var.accounts

  account_id = each.value
  name       = "HTTP DDoS attack"
  alert_type = "dos_attack_l7"
  enabled    = true
  mechanisms = { pagerduty = [{ id = pagerduty_connection.this[each.key].service_ids["Website"] }] }
}

output "pending" {
  description = "Where someone connects each account that is pending."
  value       = { for name, this in pagerduty_connection.this : name => this.dashboard_url if this.status == "pending" }
}
