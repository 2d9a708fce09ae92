# The connection, and what it is connected to.

terraform {
  required_version = ">= 1.11"

  required_providers {
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

data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

output "services" {
  description = "Names of the connected PagerDuty services."
  value       = data.pagerduty_services.all.services[*].name
}
