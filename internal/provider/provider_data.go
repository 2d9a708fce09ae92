// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

const (
	// defaultTimeout bounds each operation that has no timeout configured. A
	// block of the rate limit alone takes five minutes.
	defaultTimeout = 10 * time.Minute
	// checkTimeout bounds all that a plan asks of the API for a warning, and all
	// that is asked about policies.
	checkTimeout = 10 * time.Second
)

// providerData is what the configured provider hands to every kind it serves.
type providerData struct {
	client  *cloudflare.Client // nil as long as unknown is not empty
	unknown []string           // provider arguments that a request needs and that are not known yet
	// run is a value that no other Configure has: it tells what this one wrote
	// into private data from what an earlier one did.
	run string
}

func newProviderData(client *cloudflare.Client, unknown []string) *providerData {
	return &providerData{client: client, unknown: unknown, run: rand.Text()}
}

// configure takes the provider's data over. Terraform asks some questions, such
// as for validation, before the provider is configured: then there is none.
func configure(target **providerData, data any, diags *diag.Diagnostics) {
	if data == nil {
		return
	}
	configured, ok := data.(*providerData)
	if !ok {
		diags.AddError("Unexpected Provider Data", fmt.Sprintf("Got %T. This is a bug in the provider. Please report it.", data))
		return
	}
	*target = configured
}

// waits reports whether requests have to wait for provider arguments that are not
// known yet.
func (d *providerData) waits() bool { return len(d.unknown) > 0 }

// checkKnown adds an error where requests have to wait.
func (d *providerData) checkKnown(diags *diag.Diagnostics) {
	if d.waits() {
		diags.Append(unknownProviderArgument(d.unknown))
	}
}

// failed reports an operation that did not succeed.
func (d *providerData) failed(f failure, diags *diag.Diagnostics) {
	f = d.complete(f)
	diags.AddError(f.summary, f.detail())
}

// complete adds to a failure what its text depends on of the provider.
func (d *providerData) complete(f failure) failure {
	f.otherBaseURL = d.client.BaseURL() != cloudflare.DefaultBaseURL
	return f
}

// affectedPolicies are the notification policies that a warning names.
type affectedPolicies struct {
	policies []cloudflare.Policy
	err      error // why they could not be listed
}

// none reports whether there is nothing to say about policies.
func (a affectedPolicies) none() bool { return len(a.policies) == 0 && a.err == nil }

// routing returns the policies that route to one of the services.
func (d *providerData) routing(ctx context.Context, accountID string, services []cloudflare.Service) affectedPolicies {
	policies, err := d.client.CheckPolicies(ctx, accountID)
	return affectedPolicies{policies: cloudflare.PoliciesRoutingTo(policies, services), err: err}
}

// unrouted returns the policies that route to a service which is not listed.
// Once the operation has been interrupted, it asks nothing any more.
func (d *providerData) unrouted(ctx context.Context, accountID string, listed []cloudflare.Service) affectedPolicies {
	if ctx.Err() != nil {
		return affectedPolicies{}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	policies, err := d.client.ListPolicies(ctx, accountID)
	return affectedPolicies{policies: cloudflare.PoliciesUnrouted(policies, listed), err: err}
}
