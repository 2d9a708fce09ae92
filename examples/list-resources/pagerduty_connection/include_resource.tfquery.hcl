# With all that the state would hold.
list "pagerduty_connection" "this" {
  provider         = cloudflare-pagerduty
  include_resource = true

  config {
    account_ids = ["023e105f4ecef8ad9ca31a8372d0c353"]
  }
}
