list "pagerduty_connection" "all" {
  provider = cloudflare-pagerduty
  limit    = 1000 # Terraform stops at 100 by default.

  config {
    account_ids = data.cloudflare_accounts.all.result[*].id
  }
}
