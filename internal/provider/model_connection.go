// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// The values of status.
const (
	statusConnected = "connected"
	statusPending   = "pending"
)

type connectionModel struct {
	AccountID           types.String   `tfsdk:"account_id"`
	AdoptExisting       types.Bool     `tfsdk:"adopt_existing"`
	WaitForServices     types.Bool     `tfsdk:"wait_for_services"`
	DisconnectOnDestroy types.Bool     `tfsdk:"disconnect_on_destroy"`
	ID                  types.String   `tfsdk:"id"`
	ConnectionID        types.String   `tfsdk:"connection_id"`
	Status              types.String   `tfsdk:"status"`
	DashboardURL        types.String   `tfsdk:"dashboard_url"`
	Services            types.List     `tfsdk:"services"`
	ServiceIDs          types.Map      `tfsdk:"service_ids"`
	Timeouts            timeouts.Value `tfsdk:"timeouts"`
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
	m.ConnectionID = types.StringNull()
	if connection.ID != "" {
		m.ConnectionID = types.StringValue(connection.ID)
	}
	m.fromServices(connection.Services)
}

// fromServices takes over what a list returned.
func (m *connectionModel) fromServices(services []cloudflare.Service) {
	m.fromAccount()
	m.Status = types.StringValue(statusConnected)
	if len(services) == 0 {
		m.Status = types.StringValue(statusPending)
	}
	m.Services, m.ServiceIDs = fromServices(services), fromServiceIDs(services)
}

// fromAccount fills in what follows from the account alone.
func (m *connectionModel) fromAccount() {
	m.ID = m.AccountID
	m.DashboardURL = types.StringUnknown()
	if !m.AccountID.IsUnknown() {
		m.DashboardURL = types.StringValue(cloudflare.DashboardURL(m.AccountID.ValueString()))
	}
}

// setDefaults fills in what an import can't know, as the schema's defaults have
// it: otherwise the plan after an import is not empty.
func (m *connectionModel) setDefaults() {
	for value, standard := range map[*types.Bool]bool{&m.AdoptExisting: false, &m.WaitForServices: false, &m.DisconnectOnDestroy: true} {
		if value.IsNull() {
			*value = types.BoolValue(standard)
		}
	}
}

// setUnknown makes known after apply whatever follows from the connected
// services.
func (m *connectionModel) setUnknown() {
	m.Status, m.Services, m.ServiceIDs = types.StringUnknown(), types.ListUnknown(serviceType), types.MapUnknown(types.StringType)
}

// disconnects reports whether a destroy disconnects services. It does in a state
// that does not say.
func (m *connectionModel) disconnects() bool {
	return m.DisconnectOnDestroy.IsNull() || m.DisconnectOnDestroy.ValueBool()
}

// pending reports whether the state knows of no service.
func (m *connectionModel) pending() bool { return len(m.Services.Elements()) == 0 }

// held returns the services that the connection's end would disconnect.
func (m *connectionModel) held(ctx context.Context) ([]cloudflare.Service, diag.Diagnostics) {
	if !m.disconnects() {
		return nil, nil
	}
	return toServices(ctx, m.Services)
}

func (m *connectionModel) identity() connectionIdentityModel {
	return connectionIdentityModel{AccountID: m.AccountID}
}
