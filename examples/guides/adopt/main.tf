terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudflare-pagerduty = { source = "seed-bcdb0ca7/cloudflare-pagerduty", version = "~> 0.1" }
  }
}

import {
  provider = cloudflare-pagerduty
  to       = pagerduty_connection.this
  id       = "023e105f4ecef8ad9ca31a8372d0c353"
}
