import {
  provider = cloudflare-pagerduty
  to       = pagerduty_connection.this
  identity = {
    account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  }
}
