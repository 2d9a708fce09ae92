// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
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
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

const (
	// defaultTimeout bounds each operation: by default where a timeout can be
	// configured, else always.
	defaultTimeout = 10 * time.Minute
	// planLookTimeout bounds the look that a plan takes at an account: it is
	// merely helpful.
	planLookTimeout = 10 * time.Second
)

var (
	_ resource.ResourceWithConfigure      = (*connectionResource)(nil)
	_ resource.ResourceWithIdentity       = (*connectionResource)(nil)
	_ resource.ResourceWithImportState    = (*connectionResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*connectionResource)(nil)
	_ resource.ResourceWithValidateConfig = (*connectionResource)(nil)
)

// NewConnectionResource makes the resource pagerduty_connection.
func NewConnectionResource() resource.Resource { return &connectionResource{} }

type connectionResource struct {
	data *providerData
}

func (r *connectionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_connection"
}

func (r *connectionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The connection of a Cloudflare account to PagerDuty, of which an account has one.\n\n" +
			"Creating it links the account with PagerDuty. Somebody may have to finish in PagerDuty, by choosing services there; they show in `services` at the next refresh. " +
			"An account that is already connected is not taken over unless `adopt_existing` says so: import it instead.\n\n" +
			"~> **Destroying deletes all PagerDuty services of the account**, and notification policies that route to them stop paging. The plan names each service. One that the plan did not show, and that is listed right before the deletion, stops the destroy.\n\n" +
			"The API token needs " + writePermission + "; for plans alone, " + readPermission + " is enough. PagerDuty needs a Business plan or higher.",
		Attributes: map[string]schema.Attribute{
			"account_id": schema.StringAttribute{
				MarkdownDescription: accountIDDescription + " Changing it replaces the connection, which deletes the PagerDuty services of the previous account.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{validAccountID()},
			},
			"adopt_existing": schema.BoolAttribute{
				MarkdownDescription: "Take over an account that is already connected when the connection is created, instead of stopping with an error; `false` by default. Changing it does nothing to a connection that exists.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"wait_for_services": schema.BoolAttribute{
				MarkdownDescription: "Wait, up to `timeouts.create`, until at least one service is listed when the connection is created, and fail otherwise; `false` by default. Changing it does nothing to a connection that exists.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"timeouts": timeoutsAttribute(ctx),
			"id": schema.StringAttribute{
				MarkdownDescription: "The account's ID.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"connection_id": schema.StringAttribute{
				MarkdownDescription: "ID that linking returned; null after an import, an adoption, or a link whose answer was lost.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"services": schema.ListNestedAttribute{
				MarkdownDescription: servicesDescription + " Empty as long as nobody has chosen services in PagerDuty.",
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":   schema.StringAttribute{MarkdownDescription: serviceIDDescription, Computed: true},
					"name": schema.StringAttribute{MarkdownDescription: serviceNameDescription, Computed: true},
				}},
			},
		},
	}
}

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	standard := strings.TrimSuffix(defaultTimeout.String(), "0s")
	describe := func(operation string) string {
		return fmt.Sprintf("How long to %s may take, as a [Go duration](https://pkg.go.dev/time#ParseDuration) such as `5m`; `%s` by default.", operation, standard)
	}
	options := timeouts.Opts{
		Create: true, CreateDescription: describe("create"),
		Delete: true, DeleteDescription: describe("delete"),
	}
	attribute := timeouts.Attributes(ctx, options).(schema.SingleNestedAttribute) //nolint:forcetypeassert // The library says so.
	attribute.MarkdownDescription = "How long operations may take."
	return attribute
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
		if d, err := time.ParseDuration(value.ValueString()); err == nil && d <= 0 {
			resp.Diagnostics.AddAttributeError(at, "Invalid Duration", fmt.Sprintf("The argument `%s` must be a duration above zero.", at))
		}
	}
}

// ModifyPlan makes the account known at plan time and warns of what the plan
// would do to it.
func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan *connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	var named types.String
	if plan != nil {
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("account_id"), &named)...)
	}
	if resp.Diagnostics.HasError() || r.data == nil {
		return
	}
	if plan == nil {
		resp.Diagnostics.Append(warnOfDeletion(ctx, state)...)
		return
	}
	plan.AccountID = r.data.account(named)
	checkAccount(plan.AccountID, path.Root("account_id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if state != nil && plan.AccountID.IsUnknown() && named.IsNull() {
		// A default that turns out to be another account replaces in the next plan.
		plan.AccountID = state.AccountID
	}
	// An account that the block names and that is not known yet need not be another
	// one, and a replacement would delete services for nothing.
	moves := state != nil && !plan.AccountID.IsUnknown() && !plan.AccountID.Equal(state.AccountID)
	if moves {
		resp.RequiresReplace.Append(path.Root("account_id"))
		plan.ConnectionID, plan.Services = types.StringUnknown(), types.ListUnknown(serviceType)
		resp.Diagnostics.Append(warnOfDeletion(ctx, state)...)
	}
	if state == nil || moves {
		plan.ID = plan.AccountID
		// Terraform plans a replacement once more as a create, and drops the
		// warnings of that: this is where to look at the new account.
		r.warnIfConnected(ctx, plan, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

func warnOfDeletion(ctx context.Context, state *connectionModel) diag.Diagnostics {
	services, diags := toServices(ctx, state.Services)
	if len(services) > 0 {
		diags.Append(deletionWarning(state.AccountID.ValueString(), services))
	}
	return diags
}

// warnIfConnected looks whether the create that is planned would find services.
// A look that fails is no reason to fail the plan.
func (r *connectionResource) warnIfConnected(ctx context.Context, plan *connectionModel, diags *diag.Diagnostics) {
	if r.data.waits(plan.AccountID) || plan.AdoptExisting.IsUnknown() || plan.AdoptExisting.ValueBool() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, planLookTimeout)
	defer cancel()
	services, err := r.data.client.CheckServices(ctx, plan.AccountID.ValueString())
	if err != nil {
		tflog.Warn(ctx, "Unable to look whether the account is connected already", map[string]any{"error": err.Error()})
		return
	}
	if len(services) > 0 {
		diags.Append(connectedWarning(plan.AccountID.ValueString(), services))
	}
}

func (r *connectionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	r.data.checkKnown(plan.AccountID, path.Root("account_id"), &resp.Diagnostics)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := plan.AccountID.ValueString()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := r.data.client.Connect(ctx, accountID, plan.toOptions())
	if err != nil {
		failure{"Unable to Connect PagerDuty", accountID, writePermission, "timeouts.create", err}.addTo(&resp.Diagnostics)
		return
	}
	if len(connection.Services) == 0 {
		resp.Diagnostics.Append(pendingWarning(accountID, errors.Join(connection.LinkErr, connection.PollErr)))
	}
	plan.fromConnection(connection)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *connectionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	// The framework wants an identity even where the resource is removed or the
	// read deferred.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if r.data.waits(state.AccountID) && req.ClientCapabilities.DeferralAllowed {
		resp.Deferred = &resource.Deferred{Reason: resource.DeferredReasonProviderConfigUnknown}
		return
	}
	r.data.checkKnown(state.AccountID, path.Root("account_id"), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := state.AccountID.ValueString()
	before, diags := toServices(ctx, state.Services)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	services, err := r.data.client.ListServices(ctx, accountID)
	if err != nil {
		failure{"Unable to Read PagerDuty Connection", accountID, readPermission, "", err}.addTo(&resp.Diagnostics)
		return
	}
	switch {
	case len(services) == 0 && state.imported():
		addNothingToImport(accountID, &resp.Diagnostics)
	case len(services) == 0 && len(before) > 0:
		resp.Diagnostics.Append(lostWarning(accountID, before))
		resp.State.RemoveResource(ctx)
	default:
		state.fromRead(services)
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
}

// Update has nothing to call: what can change without a replacement says how the
// connection is created, or how long operations may take.
func (r *connectionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan connectionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *connectionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	r.data.checkKnown(state.AccountID, path.Root("account_id"), &resp.Diagnostics)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	// What the state holds is what the approved plan showed.
	approved, diags := toServices(ctx, state.Services)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	accountID := state.AccountID.ValueString()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	disconnection, err := r.data.client.Disconnect(ctx, accountID, approved)
	if err != nil {
		failure{"Unable to Disconnect PagerDuty", accountID, writePermission, "timeouts.delete", err}.addTo(&resp.Diagnostics)
		return
	}
	if disconnection.Transferred {
		resp.Diagnostics.Append(handedOverWarning(accountID))
	}
}

// ImportState takes the account's ID, as an import ID or from the identity. The
// read that follows looks whether there is something to import.
func (r *connectionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	accountID := req.ID
	if accountID == "" {
		var identity types.String
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("account_id"), &identity)...)
		accountID = identity.ValueString()
	}
	if err := cloudflare.ValidateAccountID(accountID); err != nil {
		resp.Diagnostics.AddError("Invalid Import ID", fmt.Sprintf("A connection is imported by the ID of its account, and %q %s. %s.",
			cloudflare.EscapeTerminal(accountID, 2*cloudflare.MaxAccountIDLength), err, accountIDAdvice))
		return
	}
	if standard := r.data.accountID.ValueString(); standard != "" && standard != accountID {
		resp.Diagnostics.AddWarning("Imported Account Is Not the Provider's Default",
			fmt.Sprintf("The connection of account %s is imported, while the provider's default account is %s. Set `account_id = %q` in the resource's block: without it, the next plan replaces the connection, which deletes the services of the imported account.", accountID, standard, accountID))
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("account_id"), accountID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, connectionIdentityModel{AccountID: types.StringValue(accountID)})...)
}

func addNothingToImport(accountID string, diags *diag.Diagnostics) {
	diags.AddError("Unable to Import PagerDuty Connection",
		fmt.Sprintf("Account %s has no PagerDuty service, so there is nothing to import. Check that this is the account that you mean; if it is, let apply create the connection.", accountID))
}
