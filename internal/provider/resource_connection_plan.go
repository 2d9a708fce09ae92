// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// ModifyPlan says what the plan would do to the account and to those who are
// paged, and stops what is bound to fail or would disconnect services in passing.
// It only ever lists. See "What a plan says" in DESIGN.md.
func (r *connectionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state, plan *connectionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || r.data == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	switch {
	case plan == nil:
		r.planDestroy(ctx, state, resp)
		return
	case state == nil:
		r.planCreate(ctx, plan, req, resp)
	default:
		r.planChange(ctx, state, plan, resp)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
}

// planDestroy names what gets disconnected, and approves just that. It lists the
// account itself: Terraform plans the destroy of a removed block from the saved
// state, which may be behind.
func (r *connectionResource) planDestroy(ctx context.Context, state *connectionModel, resp *resource.ModifyPlanResponse) {
	accountID := state.AccountID.ValueString()
	held, diags := toServices(ctx, state.Services)
	resp.Diagnostics.Append(diags...)
	if !state.disconnects() {
		r.approve(ctx, nil, resp)
		resp.Diagnostics.Append(staysConnected(accountID, held))
		return
	}
	if r.data.waits() {
		r.approve(ctx, held, resp)
		if len(held) > 0 {
			resp.Diagnostics.Append(willBeDisconnected(accountID, held, errProviderUnknown, affectedPolicies{err: errProviderUnknown}))
		}
		return
	}
	if r.data.client.ConnectedInRun(accountID) {
		r.approve(ctx, nil, resp) // Delete will transfer ownership.
		return
	}
	listed, listErr := r.data.client.CheckServices(ctx, accountID)
	if listErr == nil {
		held = listed
	}
	r.approve(ctx, held, resp)
	if len(held) > 0 {
		resp.Diagnostics.Append(willBeDisconnected(accountID, held, listErr, r.data.routing(ctx, accountID, held)))
	}
}

// errProviderUnknown is why a plan names the services of the state.
var errProviderUnknown = errors.New("arguments of the provider are not known yet")

// planCreate is asked for a create, for the create of a tainted object, and for
// the second half of a replacement.
func (r *connectionResource) planCreate(ctx context.Context, plan *connectionModel, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	plan.fromAccount()
	mark, diags := readNote(ctx, req.Private, markKey)
	resp.Diagnostics.Append(diags...)
	replaced := mark != nil && mark.Run == r.data.run
	if replaced && len(mark.Services) > 0 {
		resp.Diagnostics.Append(replacementWouldDisconnect(mark.Account, "", mark.Services))
		return
	}
	adopted := r.checkAccount(ctx, plan, replaced, &resp.Diagnostics)
	// The destroy of a tainted object has written its own.
	approval, diags := readNote(ctx, req.Private, approvalKey)
	resp.Diagnostics.Append(diags...)
	if approval == nil {
		r.approve(ctx, adopted, resp)
	}
}

// planChange is asked for an object that exists: for no change, an update, and
// the first half of a replacement.
func (r *connectionResource) planChange(ctx context.Context, state, plan *connectionModel, resp *resource.ModifyPlanResponse) {
	r.approve(ctx, nil, resp)
	held, diags := state.held(ctx)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(writeNote(ctx, resp.Private, markKey, note{Run: r.data.run, Account: state.AccountID.ValueString(), Services: held})...)

	from, to := state.AccountID.ValueString(), plan.AccountID.ValueString()
	if !plan.AccountID.IsUnknown() && !cloudflare.SameAccount(from, to) {
		resp.RequiresReplace.Append(path.Root("account_id"))
		plan.fromAccount()
		plan.setUnknown()
		plan.ConnectionID = types.StringUnknown()
		if len(held) > 0 {
			resp.Diagnostics.Append(replacementWouldDisconnect(from, to, held))
			return
		}
		r.checkAccount(ctx, plan, true, &resp.Diagnostics)
		return
	}
	if plan.AccountID.IsUnknown() {
		resp.Diagnostics.Append(accountMayChange(from))
	} else {
		plan.AccountID = state.AccountID // Another case is no change.
	}
	// They matter to a create alone.
	plan.AdoptExisting, plan.WaitForServices = state.AdoptExisting, state.WaitForServices
	if state.pending() {
		plan.setUnknown()
	}
}

// checkAccount lists the account that a create is planned for, and returns the
// services that it would adopt.
func (r *connectionResource) checkAccount(ctx context.Context, plan *connectionModel, replaced bool, diags *diag.Diagnostics) []cloudflare.Service {
	if r.data.waits() || plan.AccountID.IsUnknown() {
		return nil // The plan that apply makes checks it.
	}
	accountID := plan.AccountID.ValueString()
	services, err := r.data.client.CheckServices(ctx, accountID)
	switch {
	case err != nil:
		diags.Append(unableToCheck(accountID, err))
	case len(services) > 0 && plan.AdoptExisting.IsUnknown():
		diags.Append(mayBeAdopted(accountID, services))
	case len(services) > 0 && plan.AdoptExisting.ValueBool():
		diags.Append(willBeAdopted(accountID, services))
		return services
	case len(services) > 0:
		diags.Append(alreadyConnected(accountID, services, replaced))
	case plan.WaitForServices.ValueBool():
		timeout, timeoutDiags := plan.Timeouts.Create(ctx, defaultTimeout)
		diags.Append(timeoutDiags...)
		howLong := "up to " + inWords(timeout)
		if create, ok := plan.Timeouts.Attributes()["create"]; ok && create.IsUnknown() {
			howLong = "as long as `timeouts.create` says"
		}
		diags.Append(createWaits(accountID, howLong, plan.AdoptExisting.ValueBool()))
	}
	return nil
}

func (r *connectionResource) approve(ctx context.Context, services []cloudflare.Service, resp *resource.ModifyPlanResponse) {
	resp.Diagnostics.Append(writeNote(ctx, resp.Private, approvalKey, note{Run: r.data.run, Services: services})...)
}

// approved returns what Delete may disconnect: what the plan's warning named.
// Terraform plans the destroy of a deposed object again during apply, when
// whatever is listed by then would be approved: an approval of Delete's own run
// does not count, and the state's services do instead.
//
// Nothing counts where this run has connected another account: the object may be
// deposed by a tainted connection that moved there, which no plan has named.
// Planned again, a deposed object is named.
func (r *connectionResource) approved(ctx context.Context, private privateReader, state *connectionModel) ([]cloudflare.Service, diag.Diagnostics) {
	approval, diags := readNote(ctx, private, approvalKey)
	if approval != nil && approval.Run != r.data.run {
		return approval.Services, diags
	}
	if approval != nil && r.data.client.ConnectedAnotherInRun(state.AccountID.ValueString()) {
		return nil, diags
	}
	services, more := toServices(ctx, state.Services)
	diags.Append(more...)
	return services, diags
}
