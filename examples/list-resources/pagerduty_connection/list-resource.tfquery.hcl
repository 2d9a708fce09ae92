# Those of these accounts that are connected. Terraform shows 100 results unless
# limit says otherwise.
list "pagerduty_connection" "all" {
  provider = cloudflare-pagerduty
  limit    = 1000

  config {
    account_ids = [
      "023e105f4ecef8ad9ca31a8372d0c353",
      "372e67954025e0ba6aaa6d586b9e0b59",
    ]
  }
}
