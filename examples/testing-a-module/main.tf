# The module to test: it picks the service to route to by its name.

terraform {
  required_version = ">= 1.11"

  # For the tests, whose provider blocks go by the names of this module.
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

output "service_id" {
  description = "What a notification policy routes to."
  value       = lookup(module.pagerduty.service_ids, var.service, null)

  precondition {
    condition     = contains(keys(module.pagerduty.service_ids), var.service)
    error_message = "Cloudflare is not connected to a PagerDuty service named ${var.service}."
  }
}
