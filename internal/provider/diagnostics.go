// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// The permissions that an API token needs, by what is done with it.
const (
	readPermission  = "\"Notifications Read\" or \"Account Settings Read\""
	writePermission = "\"Notifications Write\" or \"Account Settings Write\""
)

// readPermissionNote is for the page of what only reads.
const readPermissionNote = "The API token needs " + readPermission + ", or the Write permission of either."

// finishURL is where PagerDuty is connected in the dashboard.
const finishURL = "https://dash.cloudflare.com/?to=/:account/notifications/destinations"

// failure is an operation that did not succeed, and what its advice depends on.
type failure struct {
	summary    string
	accountID  string
	permission string // what the API token needs
	timeout    string // the argument that bounds the operation, if there is one
	err        error
}

// addTo reports the failure as an error.
func (f failure) addTo(diags *diag.Diagnostics) { diags.AddError(f.summary, f.detail()) }

// detail says on which account it was, what the API said, and what to do.
func (f failure) detail() string {
	return fmt.Sprintf("Account %s: %s\n\n%s", f.accountID, f.err, f.advice())
}

// advice is the next thing to do, by the kind of error.
func (f failure) advice() string {
	var (
		connected *cloudflare.AlreadyConnectedError
		unseen    *cloudflare.UnplannedServicesError
		listed    *cloudflare.StillListedError
		missing   *cloudflare.NoSuchServiceError
		several   *cloudflare.AmbiguousServiceError
		limited   *cloudflare.RateLimitedError
		api       *cloudflare.APIError
		ended     *cloudflare.EndedError
		untrusted *tls.CertificateVerificationError
	)
	switch {
	case errors.As(f.err, &connected):
		return "Another configuration, or somebody in the dashboard, may own this connection, so it is not taken over unasked. " +
			"To manage it here, import it:\n\n" + importSnippet(f.accountID) +
			"\n\nOr set `adopt_existing = true` to take it over during apply. Make sure that no other state still manages it."
	case errors.As(f.err, &unseen):
		return "Nothing was deleted. Deleting removes all PagerDuty services of the account, and these would go without anybody having approved it. " +
			"Plan again, so that the plan shows them, and apply that. To keep all services and only stop managing them, use a `removed` block with `destroy = false`, or `terraform state rm`."
	case errors.As(f.err, &listed):
		return "The connection stays in the state. Apply again: what is gone by then is taken out of the state, what is still there is deleted again."
	case errors.As(f.err, &missing) && len(missing.Closest) == 0:
		return "The account is not connected to PagerDuty, or nobody has chosen services there yet: " + finishURL + " leads to it. In a configuration that connects the account too, let this data source depend on the `pagerduty_connection`."
	case errors.As(f.err, &missing):
		return "Names are compared exactly, and the data source `pagerduty_services` lists all services of the account. If the one that is meant is not among them, somebody has to choose it in PagerDuty: " + finishURL + " leads to it."
	case errors.As(f.err, &several):
		return "Give the ID of the one that is meant as `id`, in place of `name`, or rename the others in PagerDuty."
	case errors.As(f.err, &limited):
		return fmt.Sprintf("The limit is 1,200 calls in five minutes for one user, over everything that user does. Run again in %s, with a lower -parallelism, or give Terraform a user of its own.", limited.Wait.Round(1e9))
	case errors.As(f.err, &ended) && ended.Interrupted():
		return "The operation was interrupted. Run again: what was done is found then."
	case errors.As(f.err, &ended):
		if f.timeout == "" {
			return "Run again when the API answers."
		}
		return fmt.Sprintf("Run again, or allow for more time with `%s`.", f.timeout)
	case errors.As(f.err, &api):
		return f.adviceOnAnswer(api)
	case errors.As(f.err, &untrusted):
		return "The server's certificate is not trusted. If a proxy opens TLS connections, make its certificate authority known to the system; check `base_url`."
	default:
		return "Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the provider's `base_url` and `request_timeout`."
	}
}

func (f failure) adviceOnAnswer(err *cloudflare.APIError) string {
	credentials := fmt.Sprintf("the provider's `api_token` (or %s), or `api_key` and `email` (or %s and %s)", envAPIToken, envAPIKey, envEmail)
	switch {
	case err.HasCode("7003"):
		return fmt.Sprintf("Check `account_id` (or %s): the API knows no such account. %s.", envAccountID, accountIDAdvice)
	case err.StatusCode == http.StatusUnauthorized:
		return "The API does not accept the credentials. Check " + credentials + "."
	case err.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("The credentials are not valid, or may not do this. The API token needs %s for this account, and PagerDuty needs a Business plan or higher. Check %s.", f.permission, credentials)
	case err.Op == cloudflare.OpLink && err.StatusCode < 500:
		return "An integration token works once, for the account that it was made for. Apply again."
	case err.StatusCode == http.StatusNotFound:
		return fmt.Sprintf("Check `account_id` (or %s) and the provider's `base_url`. %s.", envAccountID, accountIDAdvice)
	case err.StatusCode >= 500:
		return "The Cloudflare API has a problem. See https://www.cloudflarestatus.com and run again; if it stays, give Cloudflare the CF-Ray."
	case len(err.Errors) == 0:
		return "This does not look like the Cloudflare API. Check the provider's `base_url` and any proxy on the way."
	default:
		return fmt.Sprintf("The API refused the request. Check the account (`account_id`) and %s.", credentials)
	}
}

// importSnippet shows both ways to import. The provider does not know the
// resource's address, so a placeholder stands for its name.
func importSnippet(accountID string) string {
	return fmt.Sprintf("  import {\n    to = pagerduty_connection.<NAME>\n    id = %q\n  }\n\nor\n\n  terraform import 'pagerduty_connection.<NAME>' %s\n\n"+
		"with the resource's address in place of pagerduty_connection.<NAME>; in a module it begins with module.", accountID, accountID)
}

func connectedWarning(accountID string, services []cloudflare.Service) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Cloudflare Account Already Connected to PagerDuty",
		fmt.Sprintf("Account %s has these PagerDuty services: %s.\n\n"+
			"If this plan first destroys the connection that manages them, it goes on once they are gone. If they are still there when the connection is to be created, apply stops with an error and changes nothing. "+
			"To take them over instead, import the connection:\n\n%s\n\nor set `adopt_existing = true`.",
			accountID, cloudflare.ServiceNames(services), importSnippet(accountID)))
}

func deletionWarning(accountID string, services []cloudflare.Service) diag.Diagnostic {
	return diag.NewWarningDiagnostic("PagerDuty Services Will Be Disconnected",
		fmt.Sprintf("This deletes all PagerDuty services of account %s: %s.\n\n"+
			"Notification policies that route to them stop paging. To keep them and only stop managing the connection, use a `removed` block with `destroy = false`, or `terraform state rm`. "+
			"If this is a deposed object, or another block manages the same account, these are the services of the other one too: keep them.",
			accountID, cloudflare.ServiceNames(services)))
}

func handedOverWarning(accountID string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("PagerDuty Connection Handed Over",
		fmt.Sprintf("Another resource has connected or adopted account %s in this run, so its PagerDuty services were not deleted: they belong to that resource now.", accountID))
}

func pendingWarning(accountID string, lookErr error) diag.Diagnostic {
	detail := fmt.Sprintf("Account %s is linked with PagerDuty, but no service is listed yet. "+
		"Somebody has to finish in PagerDuty: log in there and choose the services; %s leads to it. "+
		"The next refresh (plan or apply) shows the services; until then, policies have nothing to route to.", accountID, finishURL)
	if lookErr != nil {
		detail += "\n\nThe look for services ended early. " + lookErr.Error()
	}
	return diag.NewWarningDiagnostic("No PagerDuty Service Connected Yet", detail)
}

func lostWarning(accountID string, services []cloudflare.Service) diag.Diagnostic {
	return diag.NewWarningDiagnostic("PagerDuty Services Are Gone",
		fmt.Sprintf("Account %s has no PagerDuty service any more; there were %s. They were deleted in the dashboard, or by another resource or state, and policies that route to them do not page. "+
			"The connection is taken out of the state, so that the next apply connects the account again.", accountID, cloudflare.ServiceNames(services)))
}
