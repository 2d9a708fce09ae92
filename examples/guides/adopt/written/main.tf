terraform {
  required_version = ">= 1.11"

  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 0.1"
    }
  }
}

import {
  to = pagerduty_connection.this
  id = "023e105f4ecef8ad9ca31a8372d0c353"
}

resource "pagerduty_connection" "this" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"

  lifecycle {
    prevent_destroy = true
  }
}
