# A configuration with tests, which call nothing and need no credentials:
#
#   terraform init
#   terraform test

terraform {
  required_version = ">= 1.11"

  required_providers {
    pagerduty = {
      source = "seed-bcdb0ca7/cloudflare-pagerduty"
    }
  }
}

variable "account_id" {
  description = "ID of the Cloudflare account."
  type        = string
}

variable "integration_token" {
  description = "Integration token to link with."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "service" {
  description = "Name of the PagerDuty service to page."
  type        = string
}

module "connection" {
  source = "./connection"

  account_id                = var.account_id
  integration_token         = var.integration_token
  integration_token_version = 1
}

data "pagerduty_service" "page" {
  account_id = module.connection.account_id
  name       = var.service
  depends_on = [module.connection]
}

output "mechanisms" {
  description = "For a notification policy that pages the service."
  value       = { pagerduty = [{ id = data.pagerduty_service.page.id }] }
}

output "not_paged" {
  description = "Names of the services that are not paged."
  value       = [for s in module.connection.services : s.name if s.id != data.pagerduty_service.page.id]
}
