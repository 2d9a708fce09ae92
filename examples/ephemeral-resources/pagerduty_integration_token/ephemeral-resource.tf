ephemeral "pagerduty_integration_token" "this" {
  # May be left out: the provider's account_id is the default.
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
}

resource "pagerduty_connection" "this" {
  account_id           = "023e105f4ecef8ad9ca31a8372d0c353"
  integration_token_wo = ephemeral.pagerduty_integration_token.this.token

  # Another version connects the account anew, with the token of that apply.
  integration_token_wo_version = 1
}
