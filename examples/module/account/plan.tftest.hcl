# Plans against an account that is not connected. A plan changes nothing, and a
# read-only token is enough: CLOUDFLARE_API_TOKEN and TF_VAR_account_id.

run "plan" {
  command = plan

  assert {
    condition     = output.dashboard_url == "https://dash.cloudflare.com/${var.account_id}/notifications"
    error_message = "The URL is ${output.dashboard_url}."
  }

  expect_failures = [check.connected] # Not known yet.
}
