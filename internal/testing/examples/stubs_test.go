// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	datasourceschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// stub is what the examples need of an official provider.
type stub struct {
	name      string
	resources map[string]schema.Schema
	lookups   []string // data sources that give an ID for a name
	accounts  bool     // there is a data source of all accounts
}

// cloudflare is as from version 5.12 on.
func cloudflare() stub {
	destinations := schema.ListNestedAttribute{
		Optional: true,
		NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{"id": schema.StringAttribute{Required: true}},
		},
	}
	policy := schema.Schema{Attributes: map[string]schema.Attribute{
		"id":         schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"account_id": schema.StringAttribute{Required: true},
		"name":       schema.StringAttribute{Required: true},
		"alert_type": schema.StringAttribute{Required: true},
		"enabled":    schema.BoolAttribute{Required: true},
		"mechanisms": schema.SingleNestedAttribute{
			Required:   true,
			Attributes: map[string]schema.Attribute{"email": destinations, "pagerduty": destinations, "webhooks": destinations},
		},
	}}
	return stub{name: "cloudflare", resources: map[string]schema.Schema{"cloudflare_notification_policy": policy}, accounts: true}
}

func pagerDuty() stub { return stub{name: "pagerduty", lookups: []string{"pagerduty_service"}} }

// reattach serves the stubs that an example needs for the time of the test, and
// returns the environment variable that tells terraform of them.
func reattach(t *testing.T, e example) string {
	t.Helper()
	stubs := map[string]func() tfprotov6.ProviderServer{}
	for _, source := range e.others() {
		switch {
		case source == "PagerDuty/pagerduty":
			stubs[source] = providerserver.NewProtocol6(pagerDuty())
		case source == "cloudflare/cloudflare":
			stubs[source] = providerserver.NewProtocol6(cloudflare())
		case strings.HasPrefix(source, "./"): // a module
		default:
			t.Fatalf("there is no stub for %s", source)
		}
	}
	return terraformtest.Reattach(t, stubs)
}

func (s stub) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = s.name
}

func (stub) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (stub) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (s stub) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for name, content := range s.resources {
		all = append(all, func() resource.Resource { return stubResource{name: name, schema: content} })
	}
	return all
}

func (s stub) DataSources(context.Context) []func() datasource.DataSource {
	var all []func() datasource.DataSource
	for _, name := range s.lookups {
		all = append(all, func() datasource.DataSource { return stubLookup{name: name} })
	}
	if s.accounts {
		all = append(all, func() datasource.DataSource { return stubAccounts{} })
	}
	return all
}

// stubResource is what its plan says.
type stubResource struct {
	name   string
	schema schema.Schema
}

func (r stubResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.name
}

func (r stubResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.schema
}

func (stubResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), "stub")...)
}

// Read has nothing to read: the state stays.
func (stubResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (stubResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

// Delete has nothing to delete: the framework empties the state.
func (stubResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// stubLookup finds every name.
type stubLookup struct{ name string }

func (d stubLookup) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = d.name
}

func (stubLookup) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = datasourceschema.Schema{Attributes: map[string]datasourceschema.Attribute{
		"id":   datasourceschema.StringAttribute{Computed: true},
		"name": datasourceschema.StringAttribute{Required: true},
	}}
}

func (stubLookup) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	resp.State.Raw = req.Config.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), "stub")...)
}

// stubAccounts is cloudflare_accounts.
type stubAccounts struct{}

func (stubAccounts) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "cloudflare_accounts"
}

func (stubAccounts) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = datasourceschema.Schema{Attributes: map[string]datasourceschema.Attribute{
		"result": datasourceschema.ListNestedAttribute{
			Computed: true,
			NestedObject: datasourceschema.NestedAttributeObject{
				Attributes: map[string]datasourceschema.Attribute{"id": datasourceschema.StringAttribute{Computed: true}},
			},
		},
	}}
}

func (stubAccounts) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	for i, id := range []string{accountA, accountB} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("result").AtListIndex(i).AtName("id"), id)...)
	}
}
