// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

var (
	_ resource.ResourceWithConfigure      = (*connectionResource)(nil)
	_ resource.ResourceWithIdentity       = (*connectionResource)(nil)
	_ resource.ResourceWithImportState    = (*connectionResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*connectionResource)(nil)
	_ resource.ResourceWithValidateConfig = (*connectionResource)(nil)
)

// NewConnectionResource returns the resource pagerduty_connection.
func NewConnectionResource() resource.Resource { return &connectionResource{} }

type connectionResource struct {
	data *providerData
}

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connection"
}

func (r *connectionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keepString := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Connects a Cloudflare account to PagerDuty. An account has at most one connection.\n\n" +
			"Someone must connect PagerDuty once in the Cloudflare dashboard and choose services. Until then, the connection is `pending`. The next apply finds the services. " +
			"To manage an account that is already connected, import it or set `adopt_existing`.\n\n" +
			"~> **Destroying disconnects every PagerDuty service from the Cloudflare account**, unless `disconnect_on_destroy` is `false`. Notification policies that use them stop paging. The plan names each service and policy. If a service was added after the plan, destroy stops and changes nothing.\n\n" +
			"The API token needs " + writePermission + ". To plan only, " + readPermission + " is enough. The account needs at least one zone on a Business plan or higher.",
		Attributes: map[string]schema.Attribute{
			"account_id": schema.StringAttribute{
				MarkdownDescription: accountIDDescription + " Changing it replaces the connection. The plan fails if that would disconnect services.",
				Required:            true,
				Validators:          []validator.String{validAccountID{}},
			},
			"adopt_existing": schema.BoolAttribute{
				MarkdownDescription: "Adopt an account that is already connected, instead of failing. Defaults to `false`. Used only on create. Remove it after the first apply.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"wait_for_services": schema.BoolAttribute{
				MarkdownDescription: "On create, wait up to `timeouts.create` for someone to choose services in PagerDuty. If nobody does, the connection is `pending`. Defaults to `false`. Used only on create.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"disconnect_on_destroy": schema.BoolAttribute{
				MarkdownDescription: "Disconnect PagerDuty when the connection is destroyed. Defaults to `true`. With `false`, destroy only removes the connection from the state. Apply a change before you destroy.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
			"id": schema.StringAttribute{
				MarkdownDescription: "The account's ID.",
				Computed:            true,
				PlanModifiers:       keepString,
			},
			"connection_id": schema.StringAttribute{
				MarkdownDescription: "ID that Cloudflare returned on connect. Null after an import or adoption, or if Cloudflare returned none.",
				Computed:            true,
				PlanModifiers:       keepString,
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "`" + statusConnected + "` if the account has at least one service. Otherwise `" + statusPending + "`: someone has to choose services in PagerDuty.",
				Computed:            true,
				PlanModifiers:       keepString,
			},
			"dashboard_url": schema.StringAttribute{
				MarkdownDescription: "Cloudflare dashboard page where someone connects PagerDuty.",
				Computed:            true,
				PlanModifiers:       keepString,
			},
			"services": schema.ListNestedAttribute{
				MarkdownDescription: servicesDescription + " Empty while the connection is `pending`.",
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":   schema.StringAttribute{MarkdownDescription: serviceIDDescription, Computed: true},
					"name": schema.StringAttribute{MarkdownDescription: serviceNameDescription, Computed: true},
				}},
			},
			"service_ids": schema.MapAttribute{
				MarkdownDescription: serviceIDsDescription,
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseStateForUnknown()},
			},
		},
		Blocks: map[string]schema.Block{"timeouts": timeoutsBlock(ctx)},
	}
}

func timeoutsBlock(ctx context.Context) schema.Block {
	standard := strings.TrimSuffix(defaultTimeout.String(), "0s")
	describe := func(operation string) string {
		return fmt.Sprintf("Timeout of %s, as a [Go duration](https://pkg.go.dev/time#ParseDuration) such as `5m`. Defaults to `%s`.", operation, standard)
	}
	return timeouts.Block(ctx, timeouts.Opts{
		Create: true, CreateDescription: describe("create"),
		Delete: true, DeleteDescription: describe("destroy") + " Apply a change before you destroy.",
	})
}

func (r *connectionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"account_id": identityschema.StringAttribute{
			Description:       "ID of the Cloudflare account.",
			RequiredForImport: true,
		},
	}}
}

func (r *connectionResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	configure(&r.data, req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig refuses timeouts that no operation can keep; that they are
// durations has been checked before.
func (r *connectionResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	for _, operation := range []string{"create", "delete"} {
		at := path.Root("timeouts").AtName(operation)
		var value types.String
		if req.Config.GetAttribute(ctx, at, &value).HasError() || value.IsNull() || value.IsUnknown() {
			continue
		}
		if _, err := time.ParseDuration(value.ValueString()); err != nil {
			continue // The block's own validator has said so.
		}
		if err := validDuration(value.ValueString()); err != nil {
			resp.Diagnostics.AddAttributeError(at, "Invalid Duration", fmt.Sprintf("The argument `%s` %s.", at, err))
		}
	}
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	r.data.checkKnown(&resp.Diagnostics)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := plan.AccountID.ValueString()
	// Only connecting is bound by the timeout: a connection that has waited for
	// services until its end still names the policies.
	connectCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := r.data.client.Connect(connectCtx, accountID, plan.toOptions())
	if err != nil {
		r.data.failed(failure{summary: "Unable to Connect PagerDuty", accountID: accountID, permission: writePermission, timeout: "timeouts.create", err: err}, &resp.Diagnostics)
		return
	}
	resp.Diagnostics.Append(apiMessages(accountID, connection.Messages)...)
	switch {
	case len(connection.Services) == 0:
		resp.Diagnostics.Append(createdPending(accountID, connection, timeout, r.data.unrouted(ctx, accountID, nil)))
	case !connection.Adopted:
		// The account was empty until now: its policies may route to services
		// of an earlier connection.
		resp.Diagnostics.Append(refreshed(accountID, connection.Services, nil, r.data.unrouted(ctx, accountID, connection.Services))...)
	}
	plan.fromConnection(connection)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// Read never removes the connection: people disconnect and reconnect to change
// the services, and an error proves nothing.
func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	// The framework wants an identity even where the read is deferred.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if r.data.waits() && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &resource.Deferred{Reason: resource.DeferredReasonProviderConfigUnknown}
		return
	}
	r.data.checkKnown(&resp.Diagnostics)
	before, diags := toServices(ctx, state.Services)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := state.AccountID.ValueString()
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	services, err := r.data.client.ListServices(ctx, accountID)
	if err != nil {
		// What is being imported has no ID yet, and is not in the state.
		r.data.failed(failure{summary: "Unable to Read PagerDuty Connection", accountID: accountID, permission: readPermission, inState: !state.ID.IsNull(), err: err}, &resp.Diagnostics)
		return
	}
	wasPending := state.Status.ValueString() == statusPending
	resp.Diagnostics.Append(r.compare(ctx, accountID, wasPending, before, services)...)
	state.setDefaults()
	state.fromServices(services)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// compare warns of what a list returned that concerns those who are paged. It
// asks for policies only where the connection is pending, was until now, or has
// lost a service.
func (r *connectionResource) compare(ctx context.Context, accountID string, wasPending bool, before, services []cloudflare.Service) diag.Diagnostics {
	gone := cloudflare.Missing(before, services)
	if len(services) > 0 && !wasPending && len(gone) == 0 {
		return nil
	}
	return refreshed(accountID, services, gone, r.data.unrouted(ctx, accountID, services))
}

// Update lists a pending connection, so that services that someone has chosen
// reach the policies in the same apply. It never links. All other changes are
// settings, which no request knows of.
func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.Services.IsUnknown() {
		if r.data.checkKnown(&resp.Diagnostics); resp.Diagnostics.HasError() {
			return
		}
		accountID := plan.AccountID.ValueString()
		ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
		services, err := r.data.client.ListServices(ctx, accountID)
		if err != nil {
			// The settings are saved all the same: an account that is gone must
			// not keep anyone from setting disconnect_on_destroy.
			resp.Diagnostics.Append(stillPending(r.data.complete(failure{accountID: accountID, permission: readPermission, inState: true, err: err})))
		} else {
			resp.Diagnostics.Append(r.compare(ctx, accountID, true, nil, services)...)
		}
		plan.fromServices(services)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !state.disconnects() {
		return // The plan has said what stays connected.
	}
	if r.data.checkKnown(&resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	approved, diags := r.approved(ctx, req.Private, &state)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := state.AccountID.ValueString()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done, err := r.data.client.Disconnect(ctx, accountID, approved)
	if err != nil {
		r.data.failed(failure{summary: "Unable to Disconnect PagerDuty", accountID: accountID, permission: writePermission, timeout: "timeouts.delete", inState: true, err: err}, &resp.Diagnostics)
		return
	}
	if done.Transferred {
		resp.Diagnostics.Append(ownershipTransferred(accountID))
	}
	resp.Diagnostics.Append(apiMessages(accountID, done.Messages)...)
}

// ImportState takes the account's ID, as an import ID or from the identity. The
// read that follows fills in the rest.
func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	accountID := req.ID
	if accountID == "" {
		var identity types.String
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("account_id"), &identity)...)
		accountID = identity.ValueString()
	}
	if err := cloudflare.ValidateAccountID(accountID); err != nil {
		resp.Diagnostics.Append(invalidImportID(err))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("account_id"), accountID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, connectionIdentityModel{AccountID: types.StringValue(accountID)})...)
}
