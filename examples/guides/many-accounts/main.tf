terraform {
  required_version = ">= 1.11"

  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

variable "accounts" {
  description = "IDs of the Cloudflare accounts, by a name that stays."
  type        = map(string)

  default = {
    production = "023e105f4ecef8ad9ca31a8372d0c353"
    staging    = "372e67954025e0ba6aaa6d586b9e0b59"
  }
}

# One provider instance for all: its token covers every account.
provider "pagerduty" {}

resource "pagerduty_connection" "this" {
  for_each = var.accounts

  account_id = each.value
}

# The connection lists its services too, so this configuration needs no data
# source, and a refresh costs one call for each account.
output "services" {
  description = "ID of each connected PagerDuty service, by account and name."
  value = {
    for account, connection in pagerduty_connection.this :
    account => { for service in connection.services : service.name => service.id }
  }
}
