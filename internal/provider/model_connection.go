// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

type connectionModel struct {
	AccountID       types.String   `tfsdk:"account_id"`
	AdoptExisting   types.Bool     `tfsdk:"adopt_existing"`
	WaitForServices types.Bool     `tfsdk:"wait_for_services"`
	Timeouts        timeouts.Value `tfsdk:"timeouts"`
	ID              types.String   `tfsdk:"id"`
	ConnectionID    types.String   `tfsdk:"connection_id"`
	Services        types.List     `tfsdk:"services"`
}

type connectionIdentityModel struct {
	AccountID types.String `tfsdk:"account_id"`
}

func (m *connectionModel) toOptions() cloudflare.ConnectOptions {
	return cloudflare.ConnectOptions{
		AdoptExisting:   m.AdoptExisting.ValueBool(),
		WaitForServices: m.WaitForServices.ValueBool(),
	}
}

func (m *connectionModel) fromConnection(connection *cloudflare.Connection) {
	m.ID = m.AccountID
	m.ConnectionID = types.StringNull()
	if connection.ID != "" {
		m.ConnectionID = types.StringValue(connection.ID)
	}
	m.Services = fromServices(connection.Services)
}

// fromRead takes over what a list shows. After an import it also fills in what
// only the configuration knows, as its defaults have it.
func (m *connectionModel) fromRead(services []cloudflare.Service) {
	m.ID = m.AccountID
	m.Services = fromServices(services)
	if m.AdoptExisting.IsNull() {
		m.AdoptExisting = types.BoolValue(false)
	}
	if m.WaitForServices.IsNull() {
		m.WaitForServices = types.BoolValue(false)
	}
}

func (m *connectionModel) identity() connectionIdentityModel {
	return connectionIdentityModel{AccountID: m.AccountID}
}

// imported tells whether the state is fresh from an import, so that no read has
// been into it yet.
func (m *connectionModel) imported() bool { return m.Services.IsNull() }
