# All that needs the provider: the connection, and the services by name.

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

output "service_ids" {
  description = "ID of each connected PagerDuty service, by its name."
  value       = { for service in data.pagerduty_services.all.services : service.name => service.id }
}
