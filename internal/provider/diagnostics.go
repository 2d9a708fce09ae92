// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// The texts of warnings, and of errors that stop a plan. What explains an error
// of the client is in diagnostics_failure.go, and what is wrong with a
// configuration in settings.go and validators.go.
//
// Terraform shows only the first of several warnings with equal summaries. So the
// summary of a warning about those who are paged ends with the account; where
// forty accounts would fill forty screens at each plan, it is constant.

// The permissions that an API token needs, by what is done with it.
const (
	readPermission  = `"Notifications Read" or "Account Settings Read"`
	writePermission = `"Notifications Write" or "Account Settings Write" (Edit in the dashboard)`
)

// readPermissionNote is for the page of what only reads.
const readPermissionNote = "The API token needs " + readPermission + "."

// accountIDAdvice says what an account ID looks like and where to find it.
const accountIDAdvice = `An account ID has 32 hexadecimal digits. Find it in the dashboard URL after dash.cloudflare.com/, or open the menu beside the account name and select "Copy account ID"`

const (
	titlePending          = "PagerDuty Connection Is Pending"
	titleGone             = "PagerDuty Services Are Gone"
	titleUnrouted         = "Notification Policies Route to Missing Services"
	titleDisconnects      = "PagerDuty Services Will Be Disconnected"
	titleStaysConnected   = "PagerDuty Stays Connected"
	titleTransferred      = "PagerDuty Connection Transferred"
	titleAdopts           = "PagerDuty Services Will Be Adopted"
	titleAlreadyConnected = "Cloudflare Account Already Connected to PagerDuty"
	titleUnableToCheck    = "Unable to Check Cloudflare Account"
	titleWaits            = "Create Waits for a Person"
	titleAccountMayChange = "Cloudflare Account Not Known Yet"
	titleReplacement      = "Replacement Would Disconnect PagerDuty"
	titleMessage          = "Message from Cloudflare"
)

func ofAccount(title, accountID string) string { return title + " (account " + accountID + ")" }

// howToConnect says who does what, where. Its lines are broken for the 78
// columns that Terraform has where it writes to no terminal: a URL takes one.
func howToConnect(accountID string) string {
	return "Open " + cloudflare.DashboardURL(accountID) + "\nand select Connect, log in to PagerDuty, choose services, select Continue."
}

// importCommand works in every shell, in modules too. The provider does not know
// the resource's address.
func importCommand(accountID string) string {
	return "terraform import pagerduty_connection.NAME " + accountID
}

// paragraphs joins those that are not empty.
func paragraphs(parts ...string) string {
	var text []string
	for _, part := range parts {
		if part != "" {
			text = append(text, part)
		}
	}
	return strings.Join(text, "\n\n")
}

// maxNamedPolicies is how many policies a warning names.
const maxNamedPolicies = 10

// unroutedHeading is above the policies that route to what is not listed.
const unroutedHeading = "These notification policies route to PagerDuty services that are not connected, so PagerDuty pages nobody for them:"

// policyLines names the policies that stop paging, a line each.
func policyLines(heading string, affected affectedPolicies) string {
	if affected.err != nil {
		return "The account's notification policies could not be listed, which needs " + readPermission + ". Check in the Cloudflare dashboard which of them use PagerDuty.\nDetails: " + affected.err.Error()
	}
	if len(affected.policies) == 0 {
		return ""
	}
	lines := []string{heading}
	for i, policy := range affected.policies {
		if i == maxNamedPolicies {
			lines = append(lines, fmt.Sprintf("  and %d more", len(affected.policies)-i))
			break
		}
		line := fmt.Sprintf("  - %s (%s)", cloudflare.Quote(policy.Name), cloudflare.EscapeTerminal(policy.AlertType, 100))
		switch {
		case !policy.Enabled:
			line += ", disabled"
		case policy.Elsewhere:
			line += ", still notifies its other destinations"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// refreshed are the warnings of a list: what is gone, which policies route to
// what is not listed, and that the connection is pending.
func refreshed(accountID string, services, gone []cloudflare.Service, affected affectedPolicies) diag.Diagnostics {
	var lost string
	if len(gone) > 0 {
		lost = "No longer connected: " + cloudflare.ServiceNames(gone) + "."
	}
	policies := policyLines(unroutedHeading, affected)
	switch {
	case len(services) == 0:
		title := titlePending
		if len(gone) > 0 || len(affected.policies) > 0 {
			title = ofAccount(title, accountID)
		}
		return diag.Diagnostics{diag.NewWarningDiagnostic(title, paragraphs(
			"Account "+accountID+" is not connected to PagerDuty. "+howToConnect(accountID)+"\nThen apply again.", lost, policies))}
	case len(gone) > 0:
		return diag.Diagnostics{diag.NewWarningDiagnostic(ofAccount(titleGone, accountID), paragraphs(lost,
			"Someone changed the services in the Cloudflare dashboard, or something else disconnected them. Connected now: "+cloudflare.ServiceNames(services)+".",
			"Policies that use the old IDs need new ones. Apply to update the policies that get their IDs from this connection.", policies))}
	case !affected.none():
		return diag.Diagnostics{diag.NewWarningDiagnostic(ofAccount(titleUnrouted, accountID), paragraphs(policies,
			"Give each of them the ID of a connected service: "+cloudflare.ServiceNames(services)+"."))}
	default:
		return nil
	}
}

// createdPending is the warning of a create that found no services.
func createdPending(accountID string, connection *cloudflare.Connection, timeout time.Duration, affected affectedPolicies) diag.Diagnostic {
	cause, details := pendingCause(connection, timeout)
	title := titlePending
	if len(affected.policies) > 0 {
		title = ofAccount(title, accountID)
	}
	return diag.NewWarningDiagnostic(title, paragraphs(
		"Account "+accountID+" is not connected to PagerDuty yet: "+cause,
		howToConnect(accountID)+"\nThen apply again. Terraform finds the services.",
		policyLines(unroutedHeading, affected),
		details))
}

// stillPending is the warning of an update that could not list.
func stillPending(f failure) diag.Diagnostic {
	return diag.NewWarningDiagnostic(titlePending, paragraphs(
		"The services of account "+f.accountID+" could not be listed, so its connection stays pending. The new settings are saved.", f.detail()))
}

func willBeDisconnected(accountID string, services []cloudflare.Service, listErr error, affected affectedPolicies) diag.Diagnostic {
	behind := ""
	if listErr != nil {
		behind = "The account's services could not be listed, so these come from the state, which may be out of date. Plan again when the request below works.\nDetails: " + listErr.Error()
	}
	return diag.NewWarningDiagnostic(ofAccount(titleDisconnects, accountID), paragraphs(
		"Destroying this connection disconnects "+count(len(services), "PagerDuty service")+" from the Cloudflare account: "+cloudflare.ServiceNames(services)+". If another service appears before then, destroy stops.",
		policyLines("These notification policies stop reaching PagerDuty:", affected),
		"To keep the services connected, set `disconnect_on_destroy = false` and apply that first, or use a `removed` block with `destroy = false`.\n"+
			"Only if another block manages the same account: keep the services connected, because that block needs them too.\n"+
			"Only if this is a deposed object: don't apply. Run `terraform state rm`, then import the connection.",
		behind))
}

func staysConnected(accountID string, services []cloudflare.Service) diag.Diagnostic {
	what := "Nothing is disconnected."
	if len(services) > 0 {
		what = "These PagerDuty services stay connected: " + cloudflare.ServiceNames(services) + "."
	}
	return diag.NewWarningDiagnostic(ofAccount(titleStaysConnected, accountID),
		what+" Because of `disconnect_on_destroy = false`, destroy only removes the connection from the state.")
}

func ownershipTransferred(accountID string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(ofAccount(titleTransferred, accountID),
		"Another resource created or adopted the connection of this account in the same run and owns it now. Nothing was disconnected.")
}

// replacementWouldDisconnect is the error of any replacement of a connection
// with services. The new account is empty where it is not known to be another.
func replacementWouldDisconnect(from, to string, services []cloudflare.Service) diag.Diagnostic {
	next := "To keep the services connected, leave out `-replace` or the `replace_triggered_by`. To disconnect on purpose, remove the block and what refers to it, apply, and add them again."
	if to != "" {
		next = "Add a block for account " + to + ". Remove this block when the new account is connected. " +
			"To leave account " + from + " connected instead, set `disconnect_on_destroy = false` with the old account_id, apply, and then change account_id."
	}
	return diag.NewErrorDiagnostic(ofAccount(titleReplacement, from), paragraphs(
		"Replacing this connection would disconnect "+cloudflare.ServiceNames(services)+" before the new connection is known to work. Nothing was changed.",
		next, "To destroy the whole configuration, run: terraform destroy -refresh=false"))
}

// alreadyConnected is the plan's error, and apply's where the plan could not
// check.
func alreadyConnected(accountID string, services []cloudflare.Service, replaced bool) diag.Diagnostic {
	return diag.NewErrorDiagnostic(titleAlreadyConnected, paragraphs(
		"Account "+accountID+" is already connected to PagerDuty, with "+cloudflare.ServiceNames(services)+". Nothing was changed.",
		alreadyConnectedAdvice(accountID, replaced)))
}

// alreadyConnectedAdvice offers no import where the address is in the state: of
// a replacement.
func alreadyConnectedAdvice(accountID string, replaced bool) string {
	imports, replacement := ", or run: "+importCommand(accountID), ""
	if replaced {
		imports, replacement = ".", "Replaced by `-replace` or `replace_triggered_by`? Leave that out: the account is connected.\n"
	}
	return replacement + "Renamed the block? Add a `moved` block.\n" +
		"Tainted? Run: terraform untaint pagerduty_connection.NAME\n" +
		"Connected in the dashboard, or managed elsewhere until now? Make sure that no other Terraform state manages it, then set `adopt_existing = true`" + imports + "\n" +
		"To destroy the whole configuration, run: terraform destroy -refresh=false"
}

// mayBeAdopted is alreadyConnected as long as adopt_existing is not known.
func mayBeAdopted(accountID string, services []cloudflare.Service) diag.Diagnostic {
	return diag.NewWarningDiagnostic(titleAlreadyConnected,
		"Account "+accountID+" is already connected to PagerDuty, with "+cloudflare.ServiceNames(services)+". "+
			"If `adopt_existing` turns out to be true, apply adopts these services. Otherwise, it stops with an error and changes nothing.")
}

func willBeAdopted(accountID string, services []cloudflare.Service) diag.Diagnostic {
	return diag.NewWarningDiagnostic(titleAdopts, paragraphs(
		"Apply adopts "+cloudflare.ServiceNames(services)+" of account "+accountID+". Make sure that no other Terraform state manages them.",
		"If this plan also destroys the connection that manages them (after a rename without a `moved` block, or a taint), the services may be disconnected instead, and policies that use them stop paging. "+
			"Remove `adopt_existing` after the first apply."))
}

func unableToCheck(accountID string, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic(titleUnableToCheck, paragraphs(
		"Could not check whether account "+accountID+" is already connected to PagerDuty. If it is, apply adopts its services with `adopt_existing = true`. Otherwise, it stops with an error and changes nothing.",
		"Details: "+err.Error()))
}

func createWaits(accountID, howLong string, adopts bool) diag.Diagnostic {
	when := ""
	if !adopts {
		when = "\nWait until apply is creating the connection. If the account is connected before that, apply fails."
	}
	return diag.NewWarningDiagnostic(titleWaits,
		"Create waits "+howLong+" for someone to connect account "+accountID+" to PagerDuty.\n"+howToConnect(accountID)+when)
}

func accountMayChange(accountID string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(titleAccountMayChange,
		"The new `account_id` is not known yet. If it turns out to be an account other than "+accountID+", apply stops and changes nothing. In that case, plan again.")
}

// apiMessages are the words of a success, which the client has made safe.
func apiMessages(accountID string, messages []string) diag.Diagnostics {
	if len(messages) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic(ofAccount(titleMessage, accountID), strings.Join(messages, "\n"))}
}

// queryFailed is a warning as long as one account could be listed: Terraform ends
// the whole query at an error. It is one, since Terraform shows only the first of
// several with equal summaries.
func queryFailed(failed []failure, accounts int) diag.Diagnostic {
	const title = "Unable to List PagerDuty Connections"
	var parts []string
	for i, f := range failed {
		if i == maxNamedFailures {
			parts = append(parts, fmt.Sprintf("and %d more accounts", len(failed)-i))
			break
		}
		// The heading names the account, so the cause need not.
		parts = append(parts, "Account "+f.accountID+":\n"+strings.Replace(f.detail(), " (account "+f.accountID+")", "", 1))
	}
	if len(failed) == accounts {
		return diag.NewErrorDiagnostic(title, paragraphs(parts...))
	}
	return diag.NewWarningDiagnostic(title, paragraphs(append([]string{count(len(failed), "account") + " of " + fmt.Sprint(accounts) + " could not be listed."}, parts...)...))
}

// maxNamedFailures is how many failed accounts a query explains.
const maxNamedFailures = 20

// notAnAccountID quotes what was given, and says which part of it is one.
func notAnAccountID(err error) string {
	text := err.Error()
	if invalid, ok := errors.AsType[*cloudflare.AccountIDError](err); ok {
		text = cloudflare.Quote(invalid.Value) + " " + text
		switch {
		case invalid.Trimmed():
			text += ": it has leading or trailing white space, which trimspace() removes"
		case invalid.ID != "":
			text += ", but contains one: use " + invalid.ID
		}
	}
	return text + ". " + accountIDAdvice + "."
}

func invalidImportID(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid Import ID", "Import a connection by its account ID. "+notAnAccountID(err))
}

func unknownProviderArgument(arguments []string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Provider Argument Not Known Yet",
		fmt.Sprintf("This operation needs a request to the Cloudflare API, but the provider's %s not known yet. ", enumerate(arguments))+
			"The value comes from something that the same run creates. Apply that first, for example with -target, or use a known value.")
}

// enumerate names arguments, with the verb that they take.
func enumerate(arguments []string) string {
	quoted := make([]string, len(arguments))
	for i, argument := range arguments {
		quoted[i] = "`" + argument + "`"
	}
	if len(quoted) == 1 {
		return quoted[0] + " is"
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " and " + quoted[last] + " are"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// inWords is a duration as people say it: "5 minutes 30 seconds".
func inWords(d time.Duration) string {
	d = max(d.Round(time.Second), time.Second)
	var parts []string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{length: time.Hour, name: "hour"}, {length: time.Minute, name: "minute"}, {length: time.Second, name: "second"}} {
		if n := int(d / unit.length); n > 0 {
			parts = append(parts, count(n, unit.name))
			d -= time.Duration(n) * unit.length
		}
	}
	return strings.Join(parts, " ")
}

// pendingCause is what the link came to, in one sentence, and its details. What
// has just been shown to work is never blamed: the token was created.
func pendingCause(connection *cloudflare.Connection, timeout time.Duration) (cause, details string) {
	linkErr, pollErr := connection.LinkErr, connection.PollErr
	switch {
	case errors.Is(pollErr, context.Canceled):
		cause = "the operation was interrupted before services were listed."
	case linkErr == nil && errors.Is(pollErr, context.DeadlineExceeded):
		cause = "nobody chose services within " + inWords(timeout) + "."
	case linkErr == nil && pollErr != nil:
		cause = "the services could not be listed after the request to connect."
	case linkErr == nil:
		cause = "nobody has chosen services in PagerDuty."
	case !cloudflare.IsOutcomeUnknown(linkErr) && errors.Is(pollErr, context.DeadlineExceeded):
		cause = "nobody chose services within " + inWords(timeout) + ", and Cloudflare refuses to connect the account before that."
	case cloudflare.IsOutcomeUnknown(linkErr):
		cause = "the outcome of the request to connect is unknown, and no service is listed. If no service appears after someone has connected the account, connect again: terraform apply -replace=pagerduty_connection.NAME"
	default:
		cause = "Cloudflare refuses to connect the account until someone has chosen services in PagerDuty."
	}
	if linkErr != nil {
		details = "Details: " + linkErr.Error()
	}
	if pollErr != nil && !errors.Is(pollErr, context.Canceled) && !errors.Is(pollErr, context.DeadlineExceeded) {
		details = strings.TrimPrefix(details+"\nThe services could not be listed: "+pollErr.Error(), "\n")
	}
	return cause, details
}
