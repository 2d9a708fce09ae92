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

# An ephemeral resource can't be mocked, so pagerduty_integration_token stands in
# the configuration that calls the module.
variable "integration_token" {
  description = "Integration token to link with."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "integration_token_version" {
  description = "Version of the integration token. Another one connects anew."
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

output "services" {
  description = "Names of the connected PagerDuty services."
  value       = data.pagerduty_services.all.services[*].name
}
