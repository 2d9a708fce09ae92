variable "account_id" {
  description = "ID of the Cloudflare account."
  type        = string
}

# Every service of the account.
data "pagerduty_services" "all" {
  account_id = var.account_id
}

# The service of this name.
data "pagerduty_services" "on_call" {
  account_id = var.account_id
  name       = "On-call"
}

# The services whose name matches.
data "pagerduty_services" "web" {
  account_id = var.account_id
  name_regex = "^web-"
}

output "all_services" {
  value = data.pagerduty_services.all.services
}

# Null where no service has the name.
output "on_call_id" {
  value = one(data.pagerduty_services.on_call.services[*].id)
}

output "web_ids" {
  value = data.pagerduty_services.web.services[*].id
}
