// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package cloudflaretest is a fake of the part of the Cloudflare API that connects an account to PagerDuty, and of the
// notification policies that route to it: with state, a log of requests, people in the dashboard, and faults on demand.
//
// It serves on a loopback port ([New], [Start]) and from memory ([Server.RoundTripper]), with the same behaviour. Every
// request and every regular response is checked against openapi.yaml. What does not fit is a violation, and fails the
// test that started the server. What a [Fault] makes of a response is exempt, since it may break the contract on purpose.
//
// # Files
//
//	server.go     the server, its options, the log of requests, sockets and memory
//	handler.go    a request's way through the server, credentials, the envelope
//	account.go    the services of an account, its tokens, a person in the dashboard
//	link.go       models of the link
//	policy.go     notification policies
//	ratelimit.go  the budget of requests, and its headers
//	fault.go      faults: what goes wrong, for which requests
//	edit.go       responses to get by a fault: edits of the regular one, and ready-made ones
//	contract.go   the check against openapi.yaml
//
// # What is documented, and what is assumed
//
// Cloudflare documents the paths, the success's status and body of each request, the envelope of a failure, the headers,
// the rate limit, and that a DELETE disconnects all services. openapi.yaml marks the rest with x-assumption:
//
//   - what a link does without a person's consent before it (below);
//   - a token links once, for the account that it was made for, and does not expire; a refusal does not use it up;
//   - a person's consent lasts until the services are disconnected, by a DELETE or in the dashboard;
//   - a link that connects services adds them to those that are connected;
//   - IDs do not survive a reconnect ([Account.PersonReconnects]) unless the test says so;
//   - services show at once, or a little later ([LinkModel.Lists], [LinkModel.Delay]); deleted ones may show again for a
//     moment ([Account.LagDelete]);
//   - an account ID in capitals names the same account;
//   - the codes and texts of errors about tokens and policies.
//
// # Models of the link
//
// Nobody has published what a link does without a person's consent. A client has to serve its users under each of these:
//
//	model  the link, before a person has connected services         how likely    here
//	M1     is refused with a 4XX, each time                          most likely   [Refuses]
//	M2     returns 200, and connects nothing until a person acts     possible      [Silent]
//	M3     returns what is meant for a browser: a redirect, HTML     possible      [Redirects], [ReturnsPage]
//	       or a 5XX, after which services show or do not
//	M4     connects services by itself                               least likely  [Connects]
//
// [LinkModels] has them all. M4 is what a server does without [WithLinkModel] and [Account.SetLinkModel].
package cloudflaretest
