terraform {
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

# Terraform can't mock an ephemeral resource, so the caller has it:
# ephemeral.pagerduty_integration_token.this.token
variable "integration_token" {
  description = "Integration token to link with."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "integration_token_version" {
  description = "Version of the integration token. A change connects anew."
  type        = number
}

resource "pagerduty_connection" "this" {
  account_id                   = var.account_id
  integration_token_wo         = var.integration_token
  integration_token_wo_version = var.integration_token_version
}

data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

output "account_id" {
  value = pagerduty_connection.this.account_id
}

output "integration_token_version" {
  value = pagerduty_connection.this.integration_token_wo_version
}

output "services" {
  value = data.pagerduty_services.all.services
}
