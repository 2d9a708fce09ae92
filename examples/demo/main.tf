# What `make demo` runs against a stand-in for the Cloudflare API. It runs against
# a real account just the same: the token comes from CLOUDFLARE_API_TOKEN, the
# account from TF_VAR_account_id.

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

# Connects the account to PagerDuty. Destroying it disconnects all of the
# account's PagerDuty services, and the plan says which.
resource "pagerduty_connection" "this" {
  account_id = var.account_id
}

# Looks up the connected services, once there is a connection.
data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

# The ID is what a notification policy names to route to a service.
output "services" {
  description = "ID of each connected PagerDuty service, by its name."
  value       = { for service in data.pagerduty_services.all.services : service.name => service.id }
}
