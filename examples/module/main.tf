terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

variable "account_id" {
  description = "ID of the Cloudflare account."
  type        = string
}

resource "pagerduty_connection" "this" {
  provider              = cloudflare-pagerduty
  account_id            = var.account_id
  disconnect_on_destroy = false
}

check "connected" {
  assert {
    condition     = pagerduty_connection.this.status == "connected"
    error_message = "Nobody has connected account ${var.account_id} to PagerDuty yet: open ${pagerduty_connection.this.dashboard_url}"
  }
}

# Output the whole map: indexing it here makes -refresh-only fail while pending.
output "service_ids" {
  description = "IDs of the connected PagerDuty services, by name, for notification policies."
  value       = pagerduty_connection.this.service_ids
}

output "dashboard_url" {
  description = "Where a person connects the account to PagerDuty."
  value       = pagerduty_connection.this.dashboard_url
}
