removed {
  from = pagerduty_connection.this

  lifecycle {
    destroy = false
  }
}
