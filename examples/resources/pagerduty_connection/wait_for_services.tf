resource "pagerduty_connection" "this" {
  provider          = cloudflare-pagerduty
  account_id        = "023e105f4ecef8ad9ca31a8372d0c353"
  wait_for_services = true

  timeouts {
    create = "30m"
  }
}
