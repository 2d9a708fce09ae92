list "pagerduty_connection" "found" {
  provider = cloudflare-pagerduty
  limit    = 1000

  config {
    account_ids = data.cloudflare_accounts.all.result[*].id
  }
}
