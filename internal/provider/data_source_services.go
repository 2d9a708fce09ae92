// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

var (
	_ datasource.DataSourceWithConfigure        = (*servicesDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*servicesDataSource)(nil)
)

// NewServicesDataSource returns the data source pagerduty_services.
func NewServicesDataSource() datasource.DataSource { return &servicesDataSource{} }

type servicesDataSource struct {
	data *providerData
}

func (d *servicesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_services"
}

func (d *servicesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the connected PagerDuty services of a Cloudflare account, with their IDs for notification policies. Returns an empty list if nothing matches.\n\n" +
			readPermissionNote,
		Attributes: map[string]schema.Attribute{
			"account_id": accountIDAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Return only services with exactly this name. Conflicts with `name_regex`.",
				Optional:            true,
			},
			"name_regex": schema.StringAttribute{
				MarkdownDescription: "Return only services whose name matches this regular expression, in [RE2 syntax](https://github.com/google/re2/wiki/Syntax). It can match anywhere in the name unless you anchor it with `^` and `$`. Conflicts with `name`.",
				Optional:            true,
				Validators:          []validator.String{valid("Regular Expression", validRegexp)},
			},
			"services": schema.ListNestedAttribute{
				MarkdownDescription: servicesDescription,
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":   schema.StringAttribute{MarkdownDescription: serviceIDDescription, Computed: true},
					"name": schema.StringAttribute{MarkdownDescription: serviceNameDescription, Computed: true},
				}},
			},
			"service_ids": schema.MapAttribute{
				MarkdownDescription: serviceIDsDescription,
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

// ConfigValidators has the rule of both names: the validator of one attribute for it
// would add 12 KiB to the binary.
func (d *servicesDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.Conflicting(path.MatchRoot("name"), path.MatchRoot("name_regex"))}
}

func (d *servicesDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	configure(&d.data, req.ProviderData, &resp.Diagnostics)
}

func (d *servicesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model servicesModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	services, ok := listForDataSource(ctx, d.data, model.AccountID.ValueString(), req, resp)
	if !ok {
		return
	}
	matches := model.filter()
	services = slices.DeleteFunc(services, func(s cloudflare.Service) bool { return !matches(s) })
	model.Services, model.ServiceIDs = fromServices(services), fromServiceIDs(services)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func accountIDAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: accountIDDescription,
		Required:            true,
		Validators:          []validator.String{validAccountID{}},
	}
}

// listForDataSource makes the one list that a data source reads from. It is not ok
// where the read has to wait or failed; the response says so.
func listForDataSource(ctx context.Context, data *providerData, accountID string, req datasource.ReadRequest, resp *datasource.ReadResponse) (services []cloudflare.Service, ok bool) {
	if data.waits() && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &datasource.Deferred{Reason: datasource.DeferredReasonProviderConfigUnknown}
		return nil, false
	}
	data.checkKnown(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	services, err := data.client.ListServices(ctx, accountID)
	if err != nil {
		data.failed(failure{summary: "Unable to Read PagerDuty Services", accountID: accountID, permission: readPermission, err: err}, &resp.Diagnostics)
		return nil, false
	}
	return services, true
}
