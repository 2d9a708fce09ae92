# The provider's account, with all that the state would hold.
list "pagerduty_connection" "this" {
  provider         = cloudflare-pagerduty
  include_resource = true
}
