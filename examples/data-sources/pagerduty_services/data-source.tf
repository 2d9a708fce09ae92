# Every service of the provider's account.
data "pagerduty_services" "all" {}

# The service of this name.
data "pagerduty_services" "on_call" {
  name = "On-call"
}

# The services whose name matches.
data "pagerduty_services" "web" {
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
