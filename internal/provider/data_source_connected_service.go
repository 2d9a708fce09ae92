// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

var (
	_ datasource.DataSourceWithConfigure        = (*connectedServiceDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*connectedServiceDataSource)(nil)
)

// NewConnectedServiceDataSource returns the data source pagerduty_connected_service.
func NewConnectedServiceDataSource() datasource.DataSource { return &connectedServiceDataSource{} }

type connectedServiceDataSource struct {
	data *providerData
}

func (d *connectedServiceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connected_service"
}

func (d *connectedServiceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Looks up one connected PagerDuty service of a Cloudflare account, by name or ID. Use it in configurations that do not manage the connection. Otherwise, use the `service_ids` of the `pagerduty_connection`. " +
			"If no service matches, the error lists the closest names. If several match, it lists their IDs.\n\n" + readPermissionNote,
		Attributes: map[string]schema.Attribute{
			"account_id": accountIDAttribute(),
			"id": schema.StringAttribute{
				MarkdownDescription: serviceIDDescription + " Set it to look up a service by ID. Case and dashes don't matter. Exactly one of `id` and `name` is required.",
				Optional:            true,
				Computed:            true,
			},
			"name": schema.StringAttribute{
				MarkdownDescription: serviceNameDescription + " Set it to look up a service by its exact name. Exactly one of `id` and `name` is required.",
				Optional:            true,
				Computed:            true,
			},
		},
	}
}

func (d *connectedServiceDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))}
}

func (d *connectedServiceDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	configure(&d.data, req.ProviderData, &resp.Diagnostics)
}

func (d *connectedServiceDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model connectedServiceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	services, ok := listForDataSource(ctx, d.data, model.AccountID.ValueString(), req, resp)
	if !ok {
		return
	}
	at, find, wanted := path.Root("name"), cloudflare.ServiceNamed, model.Name.ValueString()
	if !model.ID.IsNull() {
		at, find, wanted = path.Root("id"), cloudflare.ServiceWithID, model.ID.ValueString()
	}
	service, err := find(services, wanted)
	if err != nil {
		resp.Diagnostics.AddAttributeError(at, "Unable to Find PagerDuty Service", failure{accountID: model.AccountID.ValueString(), byID: !model.ID.IsNull(), err: err}.detail())
		return
	}
	model.ID, model.Name = types.StringValue(service.ID), types.StringValue(service.Name)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
