# Every account that the token sees (official Cloudflare provider).
data "cloudflare_accounts" "all" {}

list "pagerduty_connection" "all" {
  provider = cloudflare-pagerduty
  limit    = 1000

  config {
    account_ids = data.cloudflare_accounts.all.result[*].id
  }
}
