# `make demo` runs this against a fake Cloudflare API. To run it against a real
# account, set CLOUDFLARE_API_TOKEN and TF_VAR_account_id.

terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty" }
  }
}

variable "account_id" { type = string }

# Connects the account to PagerDuty. A person chooses the services.
resource "pagerduty_connection" "this" {
  provider   = cloudflare-pagerduty
  account_id = var.account_id
}

# In place of a notification policy, which needs the Cloudflare provider.
resource "terraform_data" "policy" {
  input = {
    name      = "HTTP DDoS attack"
    pagerduty = pagerduty_connection.this.service_ids["Website"]
  }
}

output "service_ids" {
  value = pagerduty_connection.this.service_ids
}
