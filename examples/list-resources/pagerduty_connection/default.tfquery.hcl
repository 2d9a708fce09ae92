# The provider's account, with all that the state would hold.
list "pagerduty_connection" "this" {
  provider         = pagerduty
  include_resource = true
}
