terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

# Every connected service.
data "pagerduty_services" "all" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

# Those whose name matches.
data "pagerduty_services" "web" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name_regex = "^web-"
}

# A policy indexes it: data.pagerduty_services.all.service_ids["Website"]
output "service_ids" {
  value = data.pagerduty_services.all.service_ids
}

output "web_ids" {
  value = data.pagerduty_services.web.services[*].id
}
