// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// listedAtOnce is how many accounts are listed at the same time.
const listedAtOnce = 10

var _ list.ListResourceWithConfigure = (*connectionListResource)(nil)

// NewConnectionListResource makes the list resource pagerduty_connection, which
// terraform query asks for the accounts that are connected.
func NewConnectionListResource() list.ListResource { return &connectionListResource{} }

type connectionListResource struct {
	data *providerData
}

type connectionListModel struct {
	AccountIDs []string `tfsdk:"account_ids"`
}

// Metadata is that of the resource, whose instances these are.
func (l *connectionListResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	NewConnectionResource().Metadata(ctx, req, resp)
}

func (l *connectionListResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	configure(&l.data, req.ProviderData, &resp.Diagnostics)
}

func (l *connectionListResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The accounts that are connected to PagerDuty, among those given: the way to bring connections made in the dashboard under Terraform. " +
			"An account that can't be listed is a warning and does not hide the others.\n\n" + readPermissionNote,
		Attributes: map[string]schema.Attribute{
			"account_ids": schema.ListAttribute{
				MarkdownDescription: "IDs of the Cloudflare accounts to look at, 32 hexadecimal digits each.",
				ElementType:         types.StringType,
				Required:            true,
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.NoNullValues(), listvalidator.ValueStringsAre(validAccountID()),
				},
			},
		},
	}
}

func (l *connectionListResource) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var model connectionListModel
	diags := req.Config.Get(ctx, &model)
	l.data.checkKnown(&diags)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = func(push func(list.ListResult) bool) {
		found := int64(0)
		for some := range slices.Chunk(model.AccountIDs, listedAtOnce) {
			for _, result := range l.look(ctx, req, some) {
				if result == nil {
					continue
				}
				if result.Identity != nil {
					found++
				}
				if !push(*result) || req.Limit > 0 && found == req.Limit {
					return
				}
			}
			if ctx.Err() != nil {
				return // The accounts that are left would all say so.
			}
		}
	}
}

// look lists some accounts at the same time. There is nil for an account without
// services.
func (l *connectionListResource) look(ctx context.Context, req list.ListRequest, accounts []string) []*list.ListResult {
	results := make([]*list.ListResult, len(accounts))
	var group sync.WaitGroup
	for i, account := range accounts {
		group.Go(func() { results[i] = l.lookAt(ctx, req, account) })
	}
	group.Wait()
	return results
}

func (l *connectionListResource) lookAt(ctx context.Context, req list.ListRequest, accountID string) *list.ListResult {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	services, err := l.data.client.ListServices(ctx, accountID)
	switch {
	case err != nil:
		// Terraform ends the whole list at an error, so one account's is a warning.
		const summary = "Unable to List PagerDuty Connection"
		detail := failure{summary, accountID, readPermission, "", err}.detail()
		return &list.ListResult{Diagnostics: diag.Diagnostics{diag.NewWarningDiagnostic(summary, detail)}}
	case len(services) == 0:
		return nil
	}
	result := req.NewListResult(ctx)
	result.DisplayName = displayName(accountID, services)
	state := connectionModel{AccountID: types.StringValue(accountID)}
	result.Diagnostics.Append(result.Identity.Set(ctx, state.identity())...)
	if req.IncludeResource {
		result.Diagnostics.Append(result.Resource.GetAttribute(ctx, path.Root("timeouts"), &state.Timeouts)...)
		state.fromRead(services)
		result.Diagnostics.Append(result.Resource.Set(ctx, state)...)
	}
	return &result
}

func displayName(accountID string, services []cloudflare.Service) string {
	if len(services) == 1 {
		return fmt.Sprintf("Account %s (1 PagerDuty service)", accountID)
	}
	return fmt.Sprintf("Account %s (%d PagerDuty services)", accountID, len(services))
}
