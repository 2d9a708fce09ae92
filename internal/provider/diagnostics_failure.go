// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// failure is an operation that did not succeed, and what its text depends on.
type failure struct {
	summary      string
	accountID    string
	permission   string // what the API token needs
	timeout      string // the argument that bounds the operation, if there is one
	inState      bool   // the state holds what the operation is about
	byID         bool   // a service was looked up by ID
	otherBaseURL bool   // base_url is not the default
	err          error
}

// detail is the cause, what to do next, and what was said on the wire.
func (f failure) detail() string {
	for _, e := range explanations() {
		if !e.when(f) {
			continue
		}
		cause, next := e.cause(f), e.next(f)
		if !e.anyAccount && !strings.Contains(cause+next, f.accountID) {
			cause = strings.TrimSuffix(cause, ".") + " (account " + f.accountID + ")."
		}
		text := []string{cause, next}
		if f.inState && e.outOfReach {
			text = append(text, letGo)
		}
		if !e.plain {
			text = append(text, "Details: "+f.err.Error())
		}
		return paragraphs(text...)
	}
	return f.err.Error() // The last explanation fits everything.
}

// letGo is the way out of an account that is gone or out of reach.
const letGo = "If the account is permanently gone or out of reach, remove the connection from the state without a request: " +
	"use a `removed` block with `destroy = false` (with OpenTofu, add -refresh=false). For one instance of many, run: terraform state rm pagerduty_connection.NAME"

// explanation says what a kind of error means and what to do about it.
type explanation struct {
	when        func(failure) bool
	cause, next func(failure) string
	outOfReach  bool // the account may be gone: say how to let go of it
	plain       bool // the cause has said everything: no details
	anyAccount  bool // it has nothing to do with the account
}

// explanations are tried in this order: an error gets the first that fits. A
// function keeps them from being made at each start of the provider.
func explanations() []explanation {
	return []explanation{
		// Outcomes of the flows and lookups.
		{
			when:  is[*cloudflare.AlreadyConnectedError],
			cause: say("The account is already connected to PagerDuty. Nothing was changed."),
			next: func(f failure) string {
				connected, _ := errors.AsType[*cloudflare.AlreadyConnectedError](f.err)
				return "Connected: " + cloudflare.ServiceNames(connected.Services) + ".\n" + alreadyConnectedAdvice(f.accountID, false)
			},
			plain: true,
		},
		{
			when: is[*cloudflare.UnplannedServicesError],
			cause: func(f failure) string {
				unplanned, _ := errors.AsType[*cloudflare.UnplannedServicesError](f.err)
				outcome := "Nothing was disconnected."
				if unplanned.Attempted {
					outcome = "An earlier attempt may have disconnected the others."
				}
				return "Account " + f.accountID + " has PagerDuty services that the plan's warning did not name: " + cloudflare.ServiceNames(unplanned.Services) + ". " + outcome
			},
			next:  say("Plan again, and apply the new plan, which names them. If the connection is tainted, run `terraform untaint pagerduty_connection.NAME` first. To keep all services and only stop managing them, set `disconnect_on_destroy = false` and apply that first, or use a `removed` block with `destroy = false`."),
			plain: true,
		},
		{
			when: is[*cloudflare.StillListedError],
			cause: func(f failure) string {
				listed, _ := errors.AsType[*cloudflare.StillListedError](f.err)
				if len(listed.Services) > 0 && listed.DeleteErr != nil {
					return "Cloudflare did not disconnect account " + f.accountID + ": it still lists " + cloudflare.ServiceNames(listed.Services) + "."
				}
				if len(listed.Services) > 0 {
					return "Cloudflare accepted the request to disconnect, but account " + f.accountID + " still lists " + cloudflare.ServiceNames(listed.Services) + "."
				}
				if listed.DeleteErr != nil {
					return "The provider could not confirm that account " + f.accountID + " is disconnected."
				}
				return "Cloudflare accepted the request to disconnect account " + f.accountID + ", but the provider could not confirm the result."
			},
			next: say("The connection stays in the state. Plan and apply the destroy again, to retry or to finish cleaning up the state."),
		},
		{
			when: func(f failure) bool {
				missing, ok := errors.AsType[*cloudflare.NoSuchServiceError](f.err)
				return ok && f.byID && isPagerDutyID(missing.Wanted)
			},
			cause: lookedFor("No connected service of account %s has the ID %s."),
			next:  say("This looks like PagerDuty's own ID of a service. Cloudflare uses a different ID, which can't be derived from this one. Look up the service by `name`. " + destroyAnyway),
			plain: true,
		},
		{
			when: func(f failure) bool {
				missing, ok := errors.AsType[*cloudflare.NoSuchServiceError](f.err)
				return ok && len(missing.Closest) == 0
			},
			cause: func(f failure) string {
				return "No PagerDuty services are connected to account " + f.accountID + " yet."
			},
			next:  connectFirst,
			plain: true,
		},
		{
			when:  is[*cloudflare.NoSuchServiceError],
			cause: lookedFor("No connected service of account %s matches %s."),
			next: func(f failure) string {
				missing, _ := errors.AsType[*cloudflare.NoSuchServiceError](f.err)
				return "The closest matches are " + cloudflare.ServiceNames(missing.Closest) + " (names are case-sensitive).\n\n" +
					"To add a service, someone has to disconnect PagerDuty in the Cloudflare dashboard and connect it again with all services, and paging stops in between: " + cloudflare.DashboardURL(f.accountID) + "\n\n" + destroyAnyway
			},
			plain: true,
		},
		{
			when: is[*cloudflare.AmbiguousServiceError],
			cause: func(f failure) string {
				several, _ := errors.AsType[*cloudflare.AmbiguousServiceError](f.err)
				return "Several connected services of account " + f.accountID + " match " + cloudflare.Quote(several.Wanted) + ": " + cloudflare.ServiceNames(several.Services) + "."
			},
			next:  say("Instead of `name`, set `id` to the ID of the service you want, or rename the others in PagerDuty."),
			plain: true,
		},

		// This machine.
		{
			when: is[*cloudflare.RateLimitedError],
			cause: func(f failure) string {
				limited, _ := errors.AsType[*cloudflare.RateLimitedError](f.err)
				return "The rate limit of the Cloudflare API is reached. Requests will work again in " + inWords(limited.Wait) + "."
			},
			anyAccount: true,
			next: say("Each Cloudflare user can make 1,200 requests in five minutes, counting everything that the user does. Wait, then run again. " +
				"To make fewer requests, use one `pagerduty_services` data source instead of many lookups of one account, or give Terraform its own Cloudflare user."),
		},
		{
			when:       func(f failure) bool { return ended(f, context.Canceled) },
			cause:      say("The operation was interrupted."),
			anyAccount: true,
			next:       say("Run it again. Terraform detects completed changes."),
		},
		{
			when:  func(f failure) bool { return ended(f, context.DeadlineExceeded) },
			cause: func(f failure) string { return "The operation on account " + f.accountID + " timed out." },
			next: func(f failure) string {
				switch f.timeout {
				case "":
					return "Run it again when the API responds."
				case "timeouts.delete":
					return "Run it again, or raise `timeouts.delete` and apply that before you destroy."
				default: // Of a create, which is an error only before the request to connect.
					return "Nothing was connected, and nothing is in the state. Run it again, or raise `" + f.timeout + "`."
				}
			},
		},

		// The way to the API.
		{
			when: is[*cloudflare.ProxyError],
			cause: func(f failure) string {
				proxy, _ := errors.AsType[*cloudflare.ProxyError](f.err)
				return "The proxy " + proxy.Address + " refused the connection (" + proxy.Status + "). The request did not reach Cloudflare."
			},
			next: say("Check the proxy's address, user name and password in HTTPS_PROXY, and check NO_PROXY. Make sure that the proxy lets this machine reach the API."),
		},
		{
			when:  is[*cloudflare.ProxyURLError],
			cause: say("The proxy URL in HTTPS_PROXY can't be used."),
			next:  say("Set it to http://HOST:PORT or http://USER:PASSWORD@HOST:PORT and percent-encode special characters, or unset it."),
			plain: true,
		},
		{
			when: func(f failure) bool {
				invalid, ok := errors.AsType[x509.CertificateInvalidError](f.err)
				return ok && invalid.Reason == x509.Expired
			},
			cause: say("The server's certificate has expired, or is not valid yet."),
			next:  say("Check this machine's clock. If it is right, the certificate of the server, or of a proxy that intercepts TLS, has to be renewed."),
		},
		{
			when:  is[x509.HostnameError],
			cause: say("The server's certificate is for another host."),
			next:  say("Check the provider's `base_url` (or " + envBaseURL + ") and any proxy in between."),
		},
		{
			when:  is[*tls.CertificateVerificationError],
			cause: say("The server's certificate is not trusted."),
			next:  say("If a proxy intercepts TLS, add its certificate authority to the system's trust store. Check the provider's `base_url` (or " + envBaseURL + ")."),
		},

		// What the API, or something in its place, says. A code tells more than a
		// status, but nothing that comes with a 5xx or is not the API's is believed.
		{
			when:  apiError(func(e *cloudflare.APIError) bool { return e.StatusCode >= 500 }),
			cause: say("The Cloudflare API, or something between it and this machine, has a problem."),
			next:  say("See https://www.cloudflarestatus.com and run again. If it persists, check any proxy in between, or contact Cloudflare support with the CF-Ray ID."),
		},
		{
			when:  apiError(func(e *cloudflare.APIError) bool { return e.NotAPI && e.Ray != "" }),
			cause: say("The response came through Cloudflare's network, which gave it a CF-Ray ID, but not from the API."),
			next: say("Cloudflare may block or challenge requests from this machine's address: run from another network, or contact Cloudflare support with the CF-Ray ID. " +
				"Check any proxy or firewall in between too, and the provider's `base_url` (or " + envBaseURL + ")."),
		},
		{
			when:  apiError(func(e *cloudflare.APIError) bool { return e.NotAPI }),
			cause: say("The response did not come from the Cloudflare API. Something between this machine and Cloudflare, or another server, sent it."),
			next:  say("Check any proxy or firewall in between, and the provider's `base_url` (or " + envBaseURL + ")."),
		},
		{
			when:  hasCode("6003", "6103", "6111", "9106", "10001"),
			cause: say("Cloudflare says that the credential is malformed."),
			next: say("Check " + credentials + ". Look for quotes, `Bearer ` or a dash that is not a plain hyphen. " +
				"A Global API Key goes in `api_key`, with `email`; a token goes in `api_token`."),
		},
		{
			when:  code9109("location"),
			cause: say("Cloudflare does not accept the API token from this machine's address."),
			next: say("The token is limited to some IP addresses. Add this machine's to them (in the dashboard: Client IP Address Filtering), or use another token. " +
				"A machine may have several addresses, one of them for IPv6: the details below have the one that this request came from."),
		},
		{
			when:  code9109("auth failures"),
			cause: say("Cloudflare has received too many requests with credentials that it does not accept, and refuses more for now."),
			next:  say("Check that the credentials are valid and not revoked: " + credentials + ". Then wait a few minutes and run again."),
		},
		{
			when:  afterList(http.StatusUnauthorized, http.StatusForbidden),
			cause: say("Cloudflare refused this request."),
			next: func(f failure) string {
				return "The account could be listed, so the credentials are valid and the account exists. But the request needs " + f.permission + " on account " + f.accountID + ", and the account needs at least one zone on a Business plan or higher." + f.leaveConnected()
			},
		},
		{
			when:       either(hasCode("7003"), code9109("account")),
			cause:      func(f failure) string { return "Cloudflare does not recognize account " + f.accountID + "." },
			next:       func(f failure) string { return "Check `account_id`. " + accountIDAdvice + "." + f.baseURLAdvice() },
			outOfReach: true,
		},
		{
			when:  either(status(http.StatusUnauthorized), code9109("access token")),
			cause: say("Cloudflare does not accept the credentials."),
			next:  say("Check that they are valid and not expired: " + credentials + "."),
		},
		{
			when:  status(http.StatusForbidden),
			cause: say("Cloudflare refused this request."),
			next: func(f failure) string {
				return "Check that the credentials are valid and not revoked: " + credentials + ". Check that they belong to account " + f.accountID + " and have " + f.permission + " on it. Check that the account has a zone on a Business plan or higher."
			},
			outOfReach: true,
		},
		{
			when:       status(http.StatusNotFound),
			cause:      func(f failure) string { return "Cloudflare found nothing for account " + f.accountID + "." },
			next:       func(f failure) string { return "Check `account_id`. " + accountIDAdvice + "." + f.baseURLAdvice() },
			outOfReach: true,
		},
		{
			when:  apiError(func(e *cloudflare.APIError) bool { return e.StatusCode >= 400 }),
			cause: say("Cloudflare refused this request."),
			next:  say("The details below give the reason. If it persists, contact Cloudflare support with the CF-Ray ID."),
		},
		{
			when:  is[*cloudflare.APIError],
			cause: say("Cloudflare sent an unexpected response to this request."),
			next:  say("Run again. If it persists, check any proxy in between, and report it with the details below."),
		},

		// Whatever else kept the request from a response.
		{
			when: func(f failure) bool {
				lost, ok := errors.AsType[*cloudflare.TransportError](f.err)
				return ok && lost.Malformed
			},
			cause: say("The response can't be read. Something between this machine and Cloudflare, or another server, sent or changed it."),
			next:  say("Check any proxy or firewall in between, and the provider's `base_url` (or " + envBaseURL + ")."),
		},
		{
			when:  func(failure) bool { return true },
			cause: say("The Cloudflare API could not be reached."),
			next:  say("Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY), and the provider's `base_url` and `request_timeout`."),
		},
	}
}

const credentials = "`api_token` (or " + envAPIToken + "), or `api_key` and `email` (or " + envAPIKey + " and " + envEmail + ")"

// isPagerDutyID reports whether an ID has the form of PagerDuty's own: P, and six
// or more capital letters and digits.
func isPagerDutyID(id string) bool {
	return len(id) >= 7 && id[0] == 'P' && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// leaveConnected is the way out where the account may not be disconnected.
func (f failure) leaveConnected() string {
	if !f.inState {
		return ""
	}
	return "\n\nTo stop managing it and leave the services connected, use a `removed` block with `destroy = false`."
}

// baseURLAdvice names base_url where it is not the default.
func (f failure) baseURLAdvice() string {
	if !f.otherBaseURL {
		return ""
	}
	return " Check the provider's `base_url` (or " + envBaseURL + ") too. It must end in /client/v4."
}

func is[E error](f failure) bool {
	_, ok := errors.AsType[E](f.err)
	return ok
}

// ended reports whether the operation ended for this reason.
func ended(f failure, reason error) bool {
	err, ok := errors.AsType[*cloudflare.EndedError](f.err)
	return ok && errors.Is(err.Err, reason)
}

func apiError(matches func(*cloudflare.APIError) bool) func(failure) bool {
	return func(f failure) bool {
		api, ok := errors.AsType[*cloudflare.APIError](f.err)
		return ok && matches(api)
	}
}

func hasCode(codes ...string) func(failure) bool {
	return apiError(func(e *cloudflare.APIError) bool { return slices.ContainsFunc(codes, e.HasCode) })
}

// code9109 reports an error of code 9109 whose message has this word: it has
// several meanings.
func code9109(word string) func(failure) bool {
	return apiError(func(e *cloudflare.APIError) bool { return e.Mentions("9109", word) })
}

func either(a, b func(failure) bool) func(failure) bool {
	return func(f failure) bool { return a(f) || b(f) }
}

func status(code int) func(failure) bool {
	return apiError(func(e *cloudflare.APIError) bool { return e.StatusCode == code })
}

// afterList is a refusal of what a flow does only once it has listed the account:
// neither that account nor that the credentials are valid is in doubt.
func afterList(codes ...int) func(failure) bool {
	return apiError(func(e *cloudflare.APIError) bool {
		return (e.Op == cloudflare.OpToken || e.Op == cloudflare.OpDelete) && slices.Contains(codes, e.StatusCode)
	})
}

func say(text string) func(failure) string { return func(failure) string { return text } }

// lookedFor puts the account and what was looked for into a sentence.
func lookedFor(format string) func(failure) string {
	return func(f failure) string {
		missing, _ := errors.AsType[*cloudflare.NoSuchServiceError](f.err)
		return fmt.Sprintf(format, f.accountID, cloudflare.Quote(missing.Wanted))
	}
}

// destroyAnyway is for lookups: one that fails stops a destroy too.
const destroyAnyway = "To destroy anyway, run: terraform destroy -refresh=false"

func connectFirst(f failure) string {
	return "To connect a service:\n" + howToConnect(f.accountID) + "\nThen run again.\n\n" + destroyAnyway
}
