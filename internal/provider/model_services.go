// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

type servicesModel struct {
	AccountID  types.String `tfsdk:"account_id"`
	Name       types.String `tfsdk:"name"`
	NameRegex  types.String `tfsdk:"name_regex"`
	Services   types.List   `tfsdk:"services"`
	ServiceIDs types.Map    `tfsdk:"service_ids"`
}

// filter returns what reports whether a service is asked for.
func (m *servicesModel) filter() func(cloudflare.Service) bool {
	switch {
	case !m.Name.IsNull():
		name := m.Name.ValueString()
		return func(s cloudflare.Service) bool { return s.Name == name }
	case !m.NameRegex.IsNull():
		pattern := regexp.MustCompile(m.NameRegex.ValueString()) // Validated before.
		return func(s cloudflare.Service) bool { return pattern.MatchString(s.Name) }
	default:
		return func(cloudflare.Service) bool { return true }
	}
}
