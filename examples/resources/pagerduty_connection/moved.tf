resource "pagerduty_connection" "production" {
  provider   = cloudflare-pagerduty
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

moved {
  from = pagerduty_connection.this
  to   = pagerduty_connection.production
}
