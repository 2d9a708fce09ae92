# The module to test: it picks the service to route to by its name.

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

variable "service" {
  description = "Name of the service in PagerDuty."
  type        = string
}

module "pagerduty" {
  source = "./modules/pagerduty"

  account_id = var.account_id
}

data "pagerduty_connected_service" "routed" {
  account_id = var.account_id
  name       = var.service
  depends_on = [module.pagerduty]
}

output "mechanisms" {
  description = "The mechanisms of a notification policy that pages the service."
  value       = { pagerduty = [{ id = data.pagerduty_connected_service.routed.id }] }
}

output "others" {
  description = "Names of the services that nothing is routed to."
  value       = setsubtract(module.pagerduty.services, [var.service])
}
