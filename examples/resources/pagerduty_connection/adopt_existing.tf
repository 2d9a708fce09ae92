resource "pagerduty_connection" "this" {
  provider       = cloudflare-pagerduty
  account_id     = "023e105f4ecef8ad9ca31a8372d0c353"
  adopt_existing = true # Remove it after the first apply.
}
