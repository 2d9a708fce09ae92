// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

type connectionListModel struct {
	AccountIDs []string `tfsdk:"account_ids"`
}
