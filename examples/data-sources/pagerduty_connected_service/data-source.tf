# The service of this name, in the provider's account.
data "pagerduty_connected_service" "on_call" {
  name = "On-call"
}

# What the official Cloudflare provider's cloudflare_notification_policy takes.
output "mechanisms" {
  value = { pagerduty = [{ id = data.pagerduty_connected_service.on_call.id }] }
}
