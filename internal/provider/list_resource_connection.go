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

// Metadata is that of the resource, whose instances these are.
func (l *connectionListResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	NewConnectionResource().Metadata(ctx, req, resp)
}

func (l *connectionListResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	configure(&l.data, req.ProviderData, &resp.Diagnostics)
}

func (l *connectionListResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Finds the accounts that are connected to PagerDuty, so that you can import connections made in the dashboard. " +
			"If some accounts can't be listed, one warning names them and the others are returned. If none can be listed, the query fails.\n\n" + readPermissionNote,
		Attributes: map[string]schema.Attribute{
			"account_ids": schema.ListAttribute{
				MarkdownDescription: "IDs of the Cloudflare accounts to list, 32 hexadecimal digits each.",
				ElementType:         types.StringType,
				Required:            true,
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.NoNullValues(), listvalidator.ValueStringsAre(validAccountID{}),
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
	// One account in two spellings would be imported twice, and removing one of
	// the blocks would disconnect the other.
	var accounts []string
	for _, account := range model.AccountIDs {
		if !slices.ContainsFunc(accounts, func(other string) bool { return cloudflare.SameAccount(account, other) }) {
			accounts = append(accounts, account)
		}
	}
	stream.Results = func(push func(list.ListResult) bool) {
		found, failed := int64(0), []failure(nil)
		for some := range slices.Chunk(accounts, listedAtOnce) {
			for _, listed := range l.listAll(ctx, some) {
				if listed.err != nil {
					failed = append(failed, l.data.complete(failure{accountID: listed.accountID, permission: readPermission, err: listed.err}))
				}
				if len(listed.services) == 0 {
					continue
				}
				result := l.result(ctx, req, listed)
				found++
				if found == req.Limit && len(failed) > 0 {
					result.Diagnostics.Append(queryFailed(failed, len(accounts)))
				}
				if !push(result) || found == req.Limit {
					return
				}
			}
		}
		if len(failed) > 0 {
			push(list.ListResult{Diagnostics: diag.Diagnostics{queryFailed(failed, len(accounts))}})
		}
	}
}

// listedAccount is what a list of an account returned.
type listedAccount struct {
	accountID string
	services  []cloudflare.Service
	err       error
}

// listAll lists some accounts at the same time.
func (l *connectionListResource) listAll(ctx context.Context, accounts []string) []listedAccount {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	listed := make([]listedAccount, len(accounts))
	var group sync.WaitGroup
	for i, accountID := range accounts {
		group.Go(func() {
			services, err := l.data.client.ListServices(ctx, accountID)
			listed[i] = listedAccount{accountID: accountID, services: services, err: err}
		})
	}
	group.Wait()
	return listed
}

func (l *connectionListResource) result(ctx context.Context, req list.ListRequest, listed listedAccount) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = fmt.Sprintf("Account %s (%s)", listed.accountID, count(len(listed.services), "PagerDuty service"))
	state := connectionModel{AccountID: types.StringValue(listed.accountID)}
	result.Diagnostics.Append(result.Identity.Set(ctx, state.identity())...)
	if req.IncludeResource {
		result.Diagnostics.Append(result.Resource.GetAttribute(ctx, path.Root("timeouts"), &state.Timeouts)...)
		state.setDefaults()
		state.fromServices(listed.services)
		result.Diagnostics.Append(result.Resource.Set(ctx, state)...)
	}
	return result
}
