// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// refusal is an error of the API with one entry.
func refusal(status int, code, message string) *cloudflare.APIError {
	return &cloudflare.APIError{StatusCode: status, Errors: []cloudflare.ErrorDetail{{Code: code, Message: message}}}
}

// refusalOf is one of this request.
func refusalOf(op cloudflare.Operation, status int, code string) *cloudflare.APIError {
	e := refusal(status, code, "no")
	e.Op = op
	return e
}

// untrusted is what crypto/tls makes of a certificate that it can't verify.
func untrusted(err error) error {
	return fmt.Errorf("GET: %w", &tls.CertificateVerificationError{Err: err})
}

// Each kind of error has its cause and advice. Which has which can be read in
// explanations; here is what it has to be.
func TestExplanations(t *testing.T) {
	t.Parallel()
	services := []cloudflare.Service{{ID: "1", Name: "n"}}
	credential := []string{"`api_token`", envAPIToken, "`api_key`", "`email`", envAPIKey, envEmail}
	account := []string{"`account_id`", "32 hexadecimal digits", "dash.cloudflare.com"}
	malformed := append([]string{"quotes", "`Bearer `", "Global API Key"}, credential...)
	adopts := []string{`"n" (ID 1)`, "`moved` block", "terraform untaint", "adopt_existing = true", "no other Terraform state", "terraform import pagerduty_connection.NAME " + accountA, "terraform destroy -refresh=false"}
	type failing struct {
		failure
		cause string // the first paragraph
		next  []string
		not   []string
		plain bool // without details
		lets  bool // says how to let go of the account
	}
	of := func(err error) failing {
		return failing{failure: failure{accountID: accountA, permission: "PERMISSION", err: err}}
	}
	says := func(f failing, cause string, next ...string) failing {
		f.cause, f.next = cause, next
		return f
	}
	plain := func(f failing) failing { f.plain = true; return f }
	lets := func(f failing) failing { f.lets = true; return f }
	not := func(f failing, parts ...string) failing { f.not = parts; return f }
	in := func(timeout string, f failing) failing { f.timeout = timeout; return f }
	elsewhere := func(f failing) failing { f.otherBaseURL = true; return f }
	byID := func(f failing) failing { f.byID = true; return f }
	noSuch := func(wanted string, closest ...cloudflare.Service) error {
		return &cloudflare.NoSuchServiceError{Wanted: wanted, Closest: closest}
	}
	const (
		isMalformed     = "Cloudflare says that the credential is malformed."
		noAccount       = "Cloudflare does not recognize account " + accountA + "."
		refused         = "Cloudflare refused this request."
		notAccepted     = "Cloudflare does not accept the credentials."
		troubled        = "The Cloudflare API, or something between it and this machine, has a problem."
		byCloudflare    = "The response came through Cloudflare's network, which gave it a CF-Ray ID, but not from the API."
		elsewhereOnly   = "Cloudflare does not accept the API token from this machine's address."
		tooManyFailures = "Cloudflare has received too many requests with credentials that it does not accept, and refuses more for now."
		unreadable      = "The response can't be read. Something between this machine and Cloudflare, or another server, sent or changed it."
		foreign         = "The response did not come from the Cloudflare API. Something between this machine and Cloudflare, or another server, sent it."
	)
	tests := map[string]failing{
		// Outcomes of the flows and lookups.
		"already connected":  plain(says(of(&cloudflare.AlreadyConnectedError{Services: services}), "The account is already connected to PagerDuty. Nothing was changed.", adopts...)),
		"unplanned services": plain(says(of(&cloudflare.UnplannedServicesError{Services: services}), "Account "+accountA+` has PagerDuty services that the plan's warning did not name: "n" (ID 1). Nothing was disconnected.`, "Plan again", "disconnect_on_destroy = false", "destroy = false")),
		"still listed":       says(of(&cloudflare.StillListedError{Services: services}), "Cloudflare accepted the request to disconnect, but account "+accountA+` still lists "n" (ID 1).`, "stays in the state", "Plan and apply the destroy again"),
		"not confirmed":      says(of(&cloudflare.StillListedError{PollErr: context.Canceled}), "Cloudflare accepted the request to disconnect account "+accountA+", but the provider could not confirm the result.", "stays in the state", "Plan and apply the destroy again"),
		"no such name":       plain(says(of(noSuch("x", services...)), "No connected service of account "+accountA+` matches "x".`, `"n" (ID 1)`, "case-sensitive", "https://dash.cloudflare.com/"+accountA+"/notifications", "terraform destroy -refresh=false")),
		"name like an ID":    plain(not(says(of(noSuch("PABC123", services...)), "No connected service of account "+accountA+` matches "PABC123".`, `"n" (ID 1)`), "PagerDuty's own ID")),
		"PagerDuty's ID":     plain(byID(says(of(noSuch("PABC123", services...)), "No connected service of account "+accountA+` has the ID "PABC123".`, "PagerDuty's own ID", "by `name`"))),
		"no service at all":  plain(says(of(noSuch("x")), "No PagerDuty services are connected to account "+accountA+" yet.", "https://dash.cloudflare.com/"+accountA+"/notifications", "terraform destroy -refresh=false")),
		"several services":   plain(says(of(&cloudflare.AmbiguousServiceError{Wanted: "n", Services: services}), "Several connected services of account "+accountA+` match "n": "n" (ID 1).`, "set `id`")),
		// This machine.
		"rate limit":      not(says(of(&cloudflare.RateLimitedError{Wait: 299*time.Second + 700*time.Millisecond, Err: refusal(429, "971", "wait")}), "The rate limit of the Cloudflare API is reached. Requests will work again in 5 minutes.", "1,200 requests in five minutes", "one `pagerduty_services` data source", "its own Cloudflare user"), "-parallelism"),
		"interrupt":       says(of(fmt.Errorf("x: %w", &cloudflare.EndedError{Err: context.Canceled, Before: refusal(500, "", "")})), "The operation was interrupted.", "Run it again. Terraform detects completed changes."),
		"timeouts.create": in("timeouts.create", says(of(fmt.Errorf("x: %w", &cloudflare.EndedError{Err: context.DeadlineExceeded})), "The operation on account "+accountA+" timed out.", "raise `timeouts.create`")),
		"timeouts.delete": in("timeouts.delete", says(of(&cloudflare.EndedError{Err: context.DeadlineExceeded}), "The operation on account "+accountA+" timed out.", "raise `timeouts.delete`", "apply that before you destroy")),
		"fixed time":      not(says(of(&cloudflare.EndedError{Err: context.DeadlineExceeded}), "The operation on account "+accountA+" timed out.", "Run it again when the API responds."), "raise"),
		"attempt's time":  says(of(&cloudflare.TransportError{Err: context.DeadlineExceeded}), "The Cloudflare API could not be reached.", "`request_timeout`"),
		"connection":      says(of(io.ErrUnexpectedEOF), "The Cloudflare API could not be reached.", "network", "HTTPS_PROXY", "NO_PROXY", "`base_url`", "`request_timeout`"),
		// The way to the API.
		"proxy":                not(says(of(fmt.Errorf("GET: %w", &cloudflare.ProxyError{Address: "proxy.example.com:3128", Status: "407 Proxy Authentication Required"})), "The proxy proxy.example.com:3128 refused the connection (407 Proxy Authentication Required). The request did not reach Cloudflare.", "HTTPS_PROXY", "NO_PROXY"), "`api_token`"),
		"proxy URL":            plain(not(says(of(fmt.Errorf("GET: %w", &cloudflare.ProxyURLError{})), "The proxy URL in HTTPS_PROXY can't be used.", "http://HOST:PORT", "percent-encode"), "`api_token`")),
		"expired certificate":  not(says(of(untrusted(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired})), "The server's certificate has expired, or is not valid yet.", "clock"), "`base_url`"),
		"other host":           not(says(of(untrusted(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "example.com"})), "The server's certificate is for another host.", "`base_url`"), "clock"),
		"unknown authority":    says(of(untrusted(x509.UnknownAuthorityError{})), "The server's certificate is not trusted.", "certificate authority", "trust store", "`base_url`"),
		"other certificate":    says(of(untrusted(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.IncompatibleUsage})), "The server's certificate is not trusted.", "trust store"),
		"web page":             not(says(of(&cloudflare.APIError{StatusCode: 200, NotAPI: true}), foreign, "proxy or firewall", "`base_url`"), "`api_token`"),
		"web page of a 403":    not(says(of(&cloudflare.APIError{StatusCode: 403, NotAPI: true}), foreign, "proxy or firewall"), "PERMISSION", "Business"),
		"web page of a 404":    not(says(of(&cloudflare.APIError{StatusCode: 404, NotAPI: true}), foreign, "`base_url`"), "`account_id`"),
		"Cloudflare's page":    not(says(of(&cloudflare.APIError{StatusCode: 403, NotAPI: true, Ray: "ray"}), byCloudflare, "this machine's address", "CF-Ray", "`base_url`"), "PERMISSION", "`api_token`"),
		"malformed response":   not(says(of(fmt.Errorf("x: %w", &cloudflare.TransportError{Err: io.ErrNoProgress, Malformed: true})), unreadable, "proxy or firewall", "`base_url`"), "`request_timeout`", "`api_token`"),
		"web page of a 502":    says(of(&cloudflare.APIError{StatusCode: 502, NotAPI: true}), troubled, "any proxy"),
		"code in a chain":      not(says(of(&cloudflare.APIError{StatusCode: 400, Errors: []cloudflare.ErrorDetail{{Code: "6003", Chain: []cloudflare.ErrorDetail{{Code: "6111"}}}}}), isMalformed, malformed...), "`account_id`"),
		"account in a chain":   lets(says(of(&cloudflare.APIError{StatusCode: 400, Errors: []cloudflare.ErrorDetail{{Code: "7000", Chain: []cloudflare.ErrorDetail{{Code: "7003"}}}}}), noAccount, account...)),
		"7003":                 lets(not(says(of(refusal(404, "7003", "Could not route")), noAccount, account...), "`base_url`", "`api_token`")),
		"7003, other base URL": elsewhere(lets(says(of(refusal(404, "7003", "Could not route")), noAccount, append([]string{"`base_url`", envBaseURL, "/client/v4"}, account...)...))),
		"9109 of the account":  lets(not(says(of(refusal(403, "9109", "Invalid account identifier")), noAccount, account...), "`api_token`", "PERMISSION")),
		"9109 of an address":   not(says(of(refusal(403, "9109", "Cannot use the access token from location: 192.0.2.1")), elsewhereOnly, "IP addresses", "IPv6"), "`account_id`", "PERMISSION", "Business"),
		"9109 of failures":     not(says(of(refusal(403, "9109", "Max auth failures reached, please check your Authorization header")), tooManyFailures, append([]string{"wait"}, credential...)...), "`account_id`", "PERMISSION", "Business"),
		"9109 of a token":      not(says(of(refusal(403, "9109", "Invalid access token")), notAccepted, append([]string{"not expired"}, credential...)...), "`account_id`", "PERMISSION", "Business"),
		"9109 of a permission": lets(not(says(of(refusal(403, "9109", "Unauthorized to access requested resource")), refused, append([]string{"PERMISSION"}, credential...)...), "`account_id`")),
		"401":                  not(says(of(refusal(401, "1000", "no")), notAccepted, append([]string{"not expired"}, credential...)...), "`account_id`"),
		"403":                  lets(says(of(refusal(403, "10000", "no")), refused, append([]string{"belong to account " + accountA, "have PERMISSION", "Business plan or higher"}, credential...)...)),
		"401 of a token":       not(says(of(refusalOf(cloudflare.OpToken, 401, "10000")), refused, "could be listed", "PERMISSION on account "+accountA, "Business plan or higher"), credential...),
		"403 of a token":       not(says(of(refusalOf(cloudflare.OpToken, 403, "10000")), refused, "could be listed", "PERMISSION on account "+accountA, "Business plan or higher"), credential...),
		"address of a token's": not(says(of(&cloudflare.APIError{Request: cloudflare.Request{Op: cloudflare.OpToken}, StatusCode: 403, Errors: []cloudflare.ErrorDetail{{Code: "9109", Message: "Cannot use the access token from location: 2001:db8::1"}}}), elsewhereOnly, "IPv6"), "could be listed"),
		"9109 of a token's":    not(says(of(refusalOf(cloudflare.OpToken, 403, "9109")), refused, "could be listed"), credential...),
		"403 of a DELETE":      not(says(of(refusalOf(cloudflare.OpDelete, 403, "10000")), refused, "could be listed", "PERMISSION on account "+accountA), credential...),
		"404":                  lets(not(says(of(refusal(404, "1000", "no")), "Cloudflare found nothing for account "+accountA+".", account...), "`base_url`")),
		"404, other base URL":  elsewhere(lets(says(of(refusal(404, "1000", "no")), "Cloudflare found nothing for account "+accountA+".", append([]string{"`base_url`", "/client/v4"}, account...)...))),
		"500":                  not(says(of(refusal(500, "1000", "no")), troubled, "https://www.cloudflarestatus.com", "CF-Ray"), "`api_token`"),
		"599":                  says(of(&cloudflare.APIError{StatusCode: 599}), troubled, "https://www.cloudflarestatus.com"),
		"other refusal":        not(says(of(refusal(400, "1000", "no")), refused, "The details below give the reason."), "`api_token`", "`account_id`"),
		"errors under 200":     not(says(of(refusal(200, "1000", "Partial failure")), "Cloudflare sent an unexpected response to this request.", "Run again", "report it"), "`api_token`", "`account_id`"),
		"redirect":             says(of(&cloudflare.APIError{StatusCode: 302}), "Cloudflare sent an unexpected response to this request.", "proxy"),
	}
	for _, code := range []string{"6003", "6103", "6111", "9106", "10001"} {
		for _, status := range []int{400, 401, 403} {
			tests[fmt.Sprint(code, " with ", status)] = not(says(of(refusal(status, code, "no")), isMalformed, malformed...), "`account_id`", "Business")
		}
	}
	reached := map[int]bool{}
	for name, test := range tests {
		i := slices.IndexFunc(explanations(), func(e explanation) bool { return e.when(test.failure) })
		reached[i] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, inState := range []bool{false, true} {
				test.inState = inState
				paragraphs := strings.Split(test.detail(), "\n\n")
				if !explanations()[i].anyAccount && !strings.Contains(test.detail(), accountA) {
					t.Errorf("does not name the account:\n%s", test.detail())
				}
				if got := strings.Replace(paragraphs[0], " (account "+accountA+").", ".", 1); got != test.cause {
					t.Errorf("the cause is %q, want %q", paragraphs[0], test.cause)
				}
				details := "Details: " + test.err.Error()
				if last := paragraphs[len(paragraphs)-1]; (last == details) == test.plain {
					t.Errorf("ends in %q, want %q: %t", last, details, !test.plain)
				}
				advice := strings.Join(paragraphs[1:], "\n\n")
				for _, part := range test.next {
					if !strings.Contains(advice, part) {
						t.Errorf("no %q in %s", part, advice)
					}
				}
				for _, part := range test.not {
					if strings.Contains(advice, part) {
						t.Errorf("%q in %s", part, advice)
					}
				}
				if lets := strings.Contains(advice, letGo); lets != (test.lets && inState) {
					t.Errorf("lets go: %t in %s", lets, advice)
				}
			}
		})
	}
	for i := range explanations() {
		if !reached[i] {
			t.Errorf("no test of the explanation at index %d", i)
		}
	}
}

// The warning of a create without services says in one sentence what the link came
// to. It blames nothing that the token has just shown to work.
func TestPendingCause(t *testing.T) {
	t.Parallel()
	const (
		refuses = "Cloudflare refuses to connect the account until someone has chosen services in PagerDuty."
		unknown = "the outcome of the request to connect is unknown"
	)
	canceled := fmt.Errorf("x: %w", context.Canceled)
	deadline := fmt.Errorf("x: %w", context.DeadlineExceeded)
	tests := map[string]struct {
		link, poll     error
		cause, details string // details is a part of them; "" for none
	}{
		"200":                 {cause: "nobody has chosen services in PagerDuty."},
		"time is up":          {poll: deadline, cause: "nobody chose services within 10 minutes."},
		"list fails":          {poll: refusal(403, "10000", "Authentication error"), cause: "the services could not be listed after the request to connect.", details: "could not be listed: "},
		"interrupted":         {poll: canceled, cause: "the operation was interrupted before services were listed."},
		"refused, time is up": {link: refusal(400, "1", "no"), poll: deadline, cause: "nobody chose services within 10 minutes, and Cloudflare refuses to connect the account before that.", details: "(code 1)"},
		"refused, list fails": {link: refusal(400, "1", "no"), poll: refusal(500, "2", "oops"), cause: refuses, details: "(code 2)"},
		"refused, interrupt":  {link: refusal(400, "1", "no"), poll: canceled, cause: "the operation was interrupted before services were listed.", details: "(code 1)"},
		"dropped":             {link: &cloudflare.TransportError{Err: io.ErrUnexpectedEOF}, cause: unknown, details: "Details: "},
		"500":                 {link: refusal(500, "1", "oops"), cause: unknown, details: "oops"},
		"408":                 {link: refusal(408, "1", "late"), cause: unknown, details: "late"},
		"redirect":            {link: &cloudflare.APIError{StatusCode: 302, Problem: "does not follow redirects"}, cause: unknown, details: "redirects"},
		"web page":            {link: &cloudflare.APIError{StatusCode: 200, NotAPI: true, Problem: "HTML"}, cause: unknown, details: "HTML"},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 422} {
		for _, code := range []string{"7003", "9109", "6003", "10000", "1"} {
			test := tests["200"]
			test.link, test.cause, test.details = refusal(status, code, "Invalid account identifier"), refuses, "(code "+code+")"
			tests[fmt.Sprint(status, " with ", code)] = test
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			warning := createdPending(accountA, &cloudflare.Connection{LinkErr: test.link, PollErr: test.poll}, 10*time.Minute, affectedPolicies{})
			text, details, _ := strings.Cut(warning.Detail(), "\n\nDetails: ")
			if text == warning.Detail() {
				text, details, _ = strings.Cut(text, "\n\nThe services could not be listed: ")
				details = "could not be listed: " + details
			} else {
				details = "Details: " + details
			}
			if want := "Account " + accountA + " is not connected to PagerDuty yet: " + test.cause; !strings.HasPrefix(text, want) {
				t.Errorf("%s\nwant %s", text, want)
			}
			if !strings.Contains(details, test.details) {
				t.Errorf("no %q in %s", test.details, details)
			}
			if unknown := test.cause == unknown; strings.Contains(text, "-replace") != unknown {
				t.Errorf("links again: %t\n%s", !unknown, text)
			}
			for _, part := range clicks {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in %s", part, text)
				}
			}
			for _, blame := range []string{"`api_token`", "`account_id`", "Business", "permission", "Write"} {
				if strings.Contains(warning.Detail(), blame) {
					t.Errorf("blames %s: %s", blame, warning.Detail())
				}
			}
		})
	}
}

// Durations are in words.
func TestInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "1 second", time.Nanosecond: "1 second", time.Second: "1 second", 1499 * time.Millisecond: "1 second", 59600 * time.Millisecond: "1 minute",
		90 * time.Second: "1 minute 30 seconds", 10 * time.Minute: "10 minutes", 50 * time.Minute: "50 minutes",
		time.Hour: "1 hour", 25*time.Hour + time.Second: "25 hours 1 second", 2*time.Hour + 2*time.Minute: "2 hours 2 minutes",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// Several unknown arguments are one sentence.
func TestEnumerate(t *testing.T) {
	t.Parallel()
	for want, arguments := range map[string][]string{
		"`a` is": {"a"}, "`a` and `b` are": {"a", "b"}, "`a`, `b` and `c` are": {"a", "b", "c"},
	} {
		if got := enumerate(arguments); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Everything that an error of the API can hold is shown, once.
func TestErrorShowsWhatTheAPISays(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusBadRequest, Header: http.Header{"CF-Ray": {"abc-FRA"}}, Body: `{
			"success": false, "result": {"id": "x"}, "messages": [],
			"errors": [
				{"code": 1001, "message": "First", "documentation_url": "https://example.com/doc", "source": {"pointer": "/name"}, "error_chain": [{"code": 1003, "message": "Deeper"}]},
				{"code": 1002, "message": "Second"}
			]}`})
		expect(t, newCore(t, server, nil).read(connected(primary)).diags, anError("Unable to Read PagerDuty Connection",
			"Details: GET …/pagerduty ", "400 Bad Request (CF-Ray abc-FRA)",
			"\n  - First (code 1001) at /name, see https://example.com/doc\n    - Deeper (code 1003)\n  - Second (code 1002)"))
	})
}

// Each test of this package looks for secrets in all that the provider returns. Here,
// the API does its best to give them away.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"token", "pair"} {
		for _, op := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Token, cloudflaretest.Link, cloudflaretest.Delete} {
			for _, status := range []int{http.StatusBadRequest, http.StatusOK, http.StatusBadGateway} {
				t.Run(fmt.Sprint(kind, " ", op, " ", status), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(server *fakeAPI) {
						t := server.t
						block := standard(server)
						if kind == "pair" {
							block = with(block, object{"api_token": nil, "api_key": cloudflaretest.APIKey, "email": cloudflaretest.Email})
						}
						c := newCore(t, server, block)
						server.a.SetLinkModel(cloudflaretest.Silent())
						server.Fail(cloudflaretest.Fault{Op: op, Status: status, Edit: func(body []byte) []byte {
							requests := server.Requests()
							last := requests[len(requests)-1]
							said := fmt.Sprint("You sent ", last.Path, " ", last.Token, last.Header["Authorization"], last.Header["X-Auth-Key"])
							if status == http.StatusBadGateway {
								return append(body, said...) // No JSON.
							}
							return fmt.Appendf(nil, `{"success":false,"errors":[{"code":"%[1]s","message":"%[1]s","documentation_url":"%[1]s","source":{"pointer":"%[1]s"},"error_chain":[{"message":"%[1]s"}]}]}`, said)
						}})
						said := c.create(object{}).diags
						if op == cloudflaretest.Delete {
							server.a.SetServices(primary)
							said = c.rerun(block).destroy(connected(primary)).diags
						}
						if status == http.StatusBadRequest && !strings.Contains(said.String(), "[redacted]") {
							t.Errorf("no secret was there to be masked:\n%s", said)
						}
						checkNoSecret(t, server, said.String())
						checkNoSecret(t, server, fmt.Sprint(c.entries()))
					})
				})
			}
		}
	}
	t.Run("transport", func(t *testing.T) {
		t.Parallel()
		// The errors of net/http hold the URL.
		server := online(t)
		c := newCore(t, server, nil, func(config *cloudflare.Config) { config.Transport, config.Clock = nil, &fastClock{} })
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true})
		created := c.create(object{})
		expect(t, created.diags, isPending("[redacted]"))
		checkNoSecret(t, server, created.diags.String()+fmt.Sprint(c.entries()))
	})
}

// checkNoSecret looks for the credential that is in use, and for integration
// tokens, used or not, with dashes or without.
func checkNoSecret(t *testing.T, server *fakeAPI, text string) {
	t.Helper()
	secrets := server.a.Tokens()
	for _, request := range server.Requests() {
		secrets = append(secrets, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "), request.Header.Get("X-Auth-Key"))
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for _, secret := range secrets {
		if secret != "" && strings.Contains(plain(text), plain(secret)) {
			t.Fatalf("the secret %s is in\n%s", secret, text)
		}
	}
}

// A name can hold anything, and a terminal obeys what is printed.
func TestServiceNamesAreEscaped(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		evil := cloudflaretest.Service{ID: "1\x1b]0;x\x07", Name: "a\x1b[31m\u202eb\r\nc\u009b"}
		server.a.SetServices(evil)
		server.a.SetPolicies(cloudflaretest.Policy{Name: evil.Name, AlertType: evil.ID, Enabled: true, PagerDuty: []string{evil.ID}})
		c := newCore(t, server, nil)
		// The state has the API's own form. The core looks for control characters in
		// all messages.
		expectState(t, c.services(object{}).state, object{"services": listed(evil)})
		expect(t, c.plan(instance{}, object{}).diags, anError(titleAlreadyConnected, `x1b[31m`, `u202e`))
		expect(t, c.plan(instance{}, object{"adopt_existing": true}).diags, aWarning(titleAdopts, `x1b[31m`))
		expect(t, c.plan(connected(evil), object{"account_id": accountB}).diags, anError(of(titleReplacement, accountA), `x1b[31m`))
		p := c.plan(connected(evil), nil)
		expect(t, p.diags, aWarning(of(titleDisconnects, accountA), `x1b[31m`, "These notification policies stop reaching PagerDuty"))
		server.a.SetServices(cloudflaretest.Service{ID: "2", Name: evil.Name})
		c.nextProcess()
		expect(t, c.apply(p).diags, anError(disconnectFailed, `x1b[31m`))
		server.a.SetServices()
		expect(t, c.read(connected(evil)).diags, aWarning(of(titlePending, accountA), `x1b[31m`, "pages nobody"))
	})
}

// One line a request, with these fields and no others.
func TestLog(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		// Both act on the list of create, after that of each plan.
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 2, Times: 1, Stall: 2 * time.Second, Status: http.StatusBadGateway, Body: "body"})
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Skip: 2, Times: 1, Drop: true})
		c := newCore(t, server, nil)
		expect(t, c.apply(c.plan(instance{}, object{"adopt_existing": true})).diags)
		path := "/accounts/" + accountA + "/alerting/v3/destinations/pagerduty"
		want := []string{
			"debug GET " + path + " status 200 attempt 1 after 0 ms",
			"debug GET " + path + " status 200 attempt 1 after 0 ms",
			"debug GET " + path + " status 502 attempt 1 after 2000 ms",
			"warn GET " + path + " attempt 2 after 0 ms: GET …/pagerduty: connection dropped: unexpected EOF",
			"debug GET " + path + " status 200 attempt 3 after 0 ms",
			"debug POST " + path + "/connect status 201 attempt 1 after 0 ms",
			"debug GET " + path + "/connect/[redacted] status 200 attempt 1 after 0 ms",
			"debug GET " + path + " status 200 attempt 1 after 0 ms",
			"debug GET /accounts/" + accountA + "/alerting/v3/policies status 200 attempt 1 after 0 ms",
		}
		ray := regexp.MustCompile(`^[0-9a-f]{16}-TST$`)
		var got []string
		for _, entry := range c.entries() {
			line := fmt.Sprint(entry["@level"], " ", entry["method"], " ", entry["path"])
			fields := []string{"@level", "@message", "@module", "attempt", "duration_ms", "method", "path"}
			if entry["status"] != nil {
				fields = append(fields, "cf_ray", "status")
				line += fmt.Sprint(" status ", entry["status"])
				if r, _ := entry["cf_ray"].(string); !ray.MatchString(r) {
					t.Errorf("cf_ray is %v", entry["cf_ray"])
				}
			}
			line += fmt.Sprint(" attempt ", entry["attempt"], " after ", entry["duration_ms"], " ms")
			if entry["error"] != nil {
				fields = append(fields, "error")
				line += fmt.Sprint(": ", entry["error"])
			}
			if entry["method"] == nil {
				continue // The framework's own line on a timeout's default.
			}
			got = append(got, line)
			slices.Sort(fields)
			var names []string
			for name := range entry {
				if !strings.HasPrefix(name, "tf_") && name != "@caller" && name != "@timestamp" {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			if !slices.Equal(names, fields) {
				t.Errorf("fields %v, want %v", names, fields)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
