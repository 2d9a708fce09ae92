// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// The API has no call to renew or revoke an integration token, so there is
// nothing to do after Open.
var _ ephemeral.EphemeralResourceWithConfigure = (*integrationTokenEphemeral)(nil)

// NewIntegrationTokenEphemeralResource makes the ephemeral resource
// pagerduty_integration_token.
func NewIntegrationTokenEphemeralResource() ephemeral.EphemeralResource {
	return &integrationTokenEphemeral{}
}

type integrationTokenEphemeral struct {
	data *providerData
}

type integrationTokenModel struct {
	AccountID types.String `tfsdk:"account_id"`
	Token     types.String `tfsdk:"token"`
}

func (e *integrationTokenEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_integration_token"
}

func (e *integrationTokenEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An integration token to link PagerDuty with a Cloudflare account, for those who drive PagerDuty's consent by their own automation. It is in no state and no plan.\n\n" +
			"Plan and apply each make a token of their own. A token that is not used needs nothing done: the API has no call to renew or revoke one, so there is nothing to renew or close.\n\n" +
			"The API token needs " + writePermission + ".",
		Attributes: map[string]schema.Attribute{
			"account_id": schema.StringAttribute{
				MarkdownDescription: accountIDDescription,
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validAccountID()},
			},
			"token": schema.StringAttribute{
				MarkdownDescription: "The integration token. It works once.",
				Computed:            true,
				Sensitive:           true,
			},
		},
	}
}

func (e *integrationTokenEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	configure(&e.data, req.ProviderData, &resp.Diagnostics)
}

func (e *integrationTokenEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var model integrationTokenModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	model.AccountID = e.data.account(model.AccountID)
	checkAccount(model.AccountID, path.Root("account_id"), &resp.Diagnostics)
	if e.data.waits(model.AccountID) && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &ephemeral.Deferred{Reason: ephemeral.DeferredReasonProviderConfigUnknown}
		return
	}
	e.data.checkKnown(model.AccountID, path.Root("account_id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := model.AccountID.ValueString()
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	token, err := e.data.client.CreateIntegrationToken(ctx, accountID)
	if err != nil {
		failure{"Unable to Create PagerDuty Integration Token", accountID, writePermission, "", err}.addTo(&resp.Diagnostics)
		return
	}
	model.Token = types.StringValue(token)
	resp.Diagnostics.Append(resp.Result.Set(ctx, model)...)
}
