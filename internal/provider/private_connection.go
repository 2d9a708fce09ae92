// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// A plan tells Delete, and the plan of a create, what it saw by two keys in the
// resource's private data.
const (
	// approvalKey holds what a destroy may disconnect: the services that the
	// plan's warning named.
	approvalKey = "approval"
	// markKey holds what the connection held when a change of it was planned.
	// Terraform plans a forced replacement (-replace, replace_triggered_by) as
	// a change first, which sees nothing of the force, and then as a create: a
	// create that finds the mark of its own run is one.
	markKey = "mark"
)

// note is the value of either key. Run is that of the Configure that wrote it.
type note struct {
	Run      string               `json:"run"`
	Account  string               `json:"account,omitempty"` // of a mark
	Services []cloudflare.Service `json:"services"`
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// readNote returns nil where there is no such key.
func readNote(ctx context.Context, private privateReader, key string) (*note, diag.Diagnostics) {
	value, diags := private.GetKey(ctx, key)
	if value == nil || diags.HasError() {
		return nil, diags
	}
	n := &note{}
	if err := json.Unmarshal(value, n); err != nil {
		diags.AddError("Unexpected Private Data", "The private data of the state can't be read: "+err.Error()+". This is a bug in the provider. Please report it.")
		return nil, diags
	}
	return n, diags
}

func writeNote(ctx context.Context, private privateWriter, key string, n note) diag.Diagnostics {
	value, err := json.Marshal(n)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unexpected Private Data", err.Error())}
	}
	return private.SetKey(ctx, key, value)
}
