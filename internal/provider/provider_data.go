// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// providerData is what the configured provider hands to every kind it serves.
type providerData struct {
	client    *cloudflare.Client // nil as long as unknown is not empty
	accountID types.String       // the default account: null when there is none, unknown when not known yet
	unknown   []string           // provider arguments that a call needs and that are not known yet
}

// configure takes the provider's data over. Terraform asks some questions, such
// as for validation, before the provider is configured: then there is none.
func configure(target **providerData, data any, diags *diag.Diagnostics) {
	if data == nil {
		return
	}
	configured, ok := data.(*providerData)
	if !ok {
		diags.AddError("Unexpected Provider Data", fmt.Sprintf("Got %T. This is a bug of the provider, please report it.", data))
		return
	}
	*target = configured
}

// account is the account that a block is about: the one it names, else the
// provider's default. It is null when there is neither.
func (d *providerData) account(named types.String) types.String {
	if named.IsNull() {
		return d.accountID
	}
	return named
}

// checkAccount adds an error, at the argument that names accounts, where there is
// no account.
func checkAccount(account types.String, at path.Path, diags *diag.Diagnostics) {
	if account.IsNull() {
		diags.AddAttributeError(at, "Missing Cloudflare Account",
			fmt.Sprintf("No account is configured. Set `%s` in this block, `account_id` in the provider block, or the environment variable %s.\n\n%s.", at, envAccountID, accountIDAdvice))
	}
}

// waits tells whether a call has to wait for provider arguments, or an account
// that comes from the provider, that are not known yet.
func (d *providerData) waits(account types.String) bool {
	return len(d.unknown) > 0 || account.IsUnknown()
}

// checkKnown adds an error where a call can't be made because something is not
// known yet.
func (d *providerData) checkKnown(account types.String, at path.Path, diags *diag.Diagnostics) {
	const advice = "Its value comes from something that is created in the same run. Apply that first, with -target for example, or configure a value that is known."
	if len(d.unknown) > 0 {
		diags.AddError("Provider Argument Not Known Yet",
			fmt.Sprintf("This needs a call of the Cloudflare API, but the provider's `%s` is not known yet. %s", strings.Join(d.unknown, "`, `"), advice))
	} else if account.IsUnknown() {
		diags.AddAttributeError(at, "Account Not Known Yet",
			fmt.Sprintf("This needs a call of the Cloudflare API, but neither `%s` nor the provider's `account_id` is known yet. %s", at, advice))
	}
}
