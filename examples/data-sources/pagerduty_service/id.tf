# The service of this ID, in any spelling; id is then as the API has it.
data "pagerduty_service" "known" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  id         = "F9D3A1B7-5C4E-4F60-8A21-7E0B6C9D2F48"
}

output "name" {
  value = data.pagerduty_service.known.name
}
