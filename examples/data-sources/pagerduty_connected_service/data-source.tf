# The service of this name.
data "pagerduty_connected_service" "on_call" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name       = "On-call"
}

# What the official Cloudflare provider's cloudflare_notification_policy takes.
output "mechanisms" {
  value = { pagerduty = [{ id = data.pagerduty_connected_service.on_call.id }] }
}
