resource "pagerduty_connection" "this" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

output "pagerduty_services" {
  value = pagerduty_connection.this.services
}
