// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// providerData is what the configured provider hands to every kind it serves.
type providerData struct {
	client  *cloudflare.Client // nil as long as unknown is not empty
	unknown []string           // provider arguments that a request needs and that are not known yet
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

// checkKnown adds an error where a request can't be made because a provider
// argument is not known yet.
func (d *providerData) checkKnown(diags *diag.Diagnostics) {
	if len(d.unknown) > 0 {
		diags.AddError("Provider Argument Not Known Yet",
			fmt.Sprintf("This needs a call of the Cloudflare API, but the provider's `%s` is not known yet. Its value comes from something that is created in the same run. "+
				"Apply that first, with -target for example, or configure a value that is known.", strings.Join(d.unknown, "`, `")))
	}
}
