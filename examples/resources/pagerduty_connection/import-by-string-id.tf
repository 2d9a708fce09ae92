import {
  provider = cloudflare-pagerduty
  to       = pagerduty_connection.this
  id       = "023e105f4ecef8ad9ca31a8372d0c353"
}
