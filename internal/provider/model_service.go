// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

const (
	accountIDDescription   = "ID of the Cloudflare account: 32 hexadecimal digits, in the dashboard URL after `dash.cloudflare.com/`."
	servicesDescription    = "The PagerDuty services that the account is connected to, sorted by name, then ID."
	serviceIDDescription   = "Cloudflare's ID of the service, for notification policies."
	serviceNameDescription = "Name of the service in PagerDuty."
	serviceIDsDescription  = "Map of service names to IDs. Names that occur more than once are left out."
)

type serviceModel struct {
	ID   types.String `tfsdk:"id"`
	Name types.String `tfsdk:"name"`
}

var serviceType = types.ObjectType{AttrTypes: map[string]attr.Type{"id": types.StringType, "name": types.StringType}}

func fromServiceIDs(services []cloudflare.Service) types.Map {
	values := map[string]attr.Value{}
	for name, id := range cloudflare.ServiceIDs(services) {
		values[name] = types.StringValue(id)
	}
	return types.MapValueMust(types.StringType, values)
}

func fromServices(services []cloudflare.Service) types.List {
	values := make([]attr.Value, len(services))
	for i, service := range services {
		values[i] = types.ObjectValueMust(serviceType.AttrTypes, map[string]attr.Value{
			"id": types.StringValue(service.ID), "name": types.StringValue(service.Name),
		})
	}
	return types.ListValueMust(serviceType, values)
}

// toServices is empty for a list that is null or unknown.
func toServices(ctx context.Context, list types.List) ([]cloudflare.Service, diag.Diagnostics) {
	if list.IsNull() || list.IsUnknown() {
		return nil, nil
	}
	var models []serviceModel
	diags := list.ElementsAs(ctx, &models, false)
	services := make([]cloudflare.Service, len(models))
	for i, model := range models {
		services[i] = cloudflare.Service{ID: model.ID.ValueString(), Name: model.Name.ValueString()}
	}
	return services, diags
}
