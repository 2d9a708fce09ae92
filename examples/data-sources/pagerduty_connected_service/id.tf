# The service of this ID, in any spelling; id is then as the API has it.
data "pagerduty_connected_service" "known" {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  id         = "C3A95D0B-7E81-42F6-9B6D-1F3E5A7C8024"
}

output "name" {
  value = data.pagerduty_connected_service.known.name
}
