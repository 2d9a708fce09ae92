// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	datasourceschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/list"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// TestSchemaJSON holds each kind of schema, attribute and nesting against
// testdata/sample.json, in the words that Terraform itself uses.
func TestSchemaJSON(t *testing.T) {
	t.Parallel()

	got, err := schemaJSON(t.Context(), providerserver.NewProtocol6(&sampleProvider{})(), "sample")
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')

	want, err := os.ReadFile("testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("the schemas differ from testdata/sample.json:\n%s", indented.Bytes())
	}

	// What tfplugindocs reads it with must lose nothing of it.
	var read tfjson.ProviderSchemas
	if err := json.Unmarshal(got, &read); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, got) {
		t.Errorf("read and written again, the schemas are\n%s\ninstead of\n%s", again, got)
	}
}

func TestSchemaJSONReportsDiagnostics(t *testing.T) {
	t.Parallel()

	_, err := schemaJSON(t.Context(), providerserver.NewProtocol6(&brokenProvider{})(), "broken")
	if err == nil || !strings.Contains(err.Error(), "Summary: detail") {
		t.Errorf("got error %v, want one with the diagnostic's summary and detail", err)
	}
}

// TestRun is about this provider's own schemas.
func TestRun(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var schemas tfjson.ProviderSchemas
	if err := json.Unmarshal(out.Bytes(), &schemas); err != nil {
		t.Fatal(err)
	}
	pagerduty, ok := schemas.Schemas["pagerduty"]
	if !ok {
		t.Fatalf("no schemas under the name pagerduty: %s", out.Bytes())
	}
	if pagerduty.ResourceSchemas["pagerduty_connection"] == nil {
		t.Error("no schema of the resource pagerduty_connection")
	}
	if pagerduty.DataSourceSchemas["pagerduty_services"] == nil {
		t.Error("no schema of the data source pagerduty_services")
	}
}

// The sample types embed the interface that they stand for, so that only what
// a schema needs is written out: calling the rest panics.

type sampleProvider struct{ provider.Provider }

func (*sampleProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "sample"
}

func (*sampleProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{
		MarkdownDescription: "The *provider*.",
		Attributes: map[string]providerschema.Attribute{
			"token": providerschema.StringAttribute{Optional: true, Sensitive: true, Description: "Plain text."},
		},
	}
}

func (*sampleProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &sampleResource{} }}
}

func (*sampleProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return &sampleDataSource{} }}
}

func (*sampleProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{func() list.ListResource { return &sampleList{} }}
}

type sampleResource struct{ resource.Resource }

func (*sampleResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "sample_thing"
}

func (*sampleResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	nested := schema.NestedAttributeObject{
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, MarkdownDescription: "An `id`."},
			"deeper": schema.SingleNestedAttribute{
				Optional:   true,
				Attributes: map[string]schema.Attribute{"on": schema.BoolAttribute{Required: true}},
			},
		},
	}
	resp.Schema = schema.Schema{
		Version:            3,
		DeprecationMessage: "Use another thing.",
		Attributes: map[string]schema.Attribute{
			"required":   schema.StringAttribute{Required: true},
			"number":     schema.Int64Attribute{Optional: true, Computed: true},
			"deprecated": schema.BoolAttribute{Optional: true, DeprecationMessage: "Use another attribute."},
			"write_only": schema.StringAttribute{Optional: true, WriteOnly: true},
			"anything":   schema.DynamicAttribute{Optional: true},
			"tags":       schema.MapAttribute{Optional: true, ElementType: types.StringType},
			"object": schema.ObjectAttribute{Optional: true, AttributeTypes: map[string]attr.Type{
				"names": types.SetType{ElemType: types.StringType},
				"pair":  types.TupleType{ElemTypes: []attr.Type{types.BoolType, types.NumberType}},
			}},
			"nested_list": schema.ListNestedAttribute{Computed: true, NestedObject: nested},
			"nested_map":  schema.MapNestedAttribute{Computed: true, NestedObject: nested},
			"nested_set":  schema.SetNestedAttribute{Computed: true, NestedObject: nested},
		},
		Blocks: map[string]schema.Block{
			"list":   schema.ListNestedBlock{Description: "A block."},
			"set":    schema.SetNestedBlock{MarkdownDescription: "A `block`."},
			"single": schema.SingleNestedBlock{Blocks: map[string]schema.Block{"inner": schema.ListNestedBlock{}}},
		},
	}
}

func (*sampleResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{
		Version: 2,
		Attributes: map[string]identityschema.Attribute{
			"account_id": identityschema.StringAttribute{RequiredForImport: true, Description: "The account."},
			"regions":    identityschema.ListAttribute{OptionalForImport: true, ElementType: types.StringType},
		},
	}
}

type sampleDataSource struct{ datasource.DataSource }

func (*sampleDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "sample_things"
}

func (*sampleDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = datasourceschema.Schema{
		Attributes: map[string]datasourceschema.Attribute{
			"names": datasourceschema.ListAttribute{Computed: true, ElementType: types.StringType},
		},
	}
}

type sampleList struct{ list.ListResource }

func (*sampleList) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "sample_thing"
}

func (*sampleList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = listschema.Schema{
		Attributes: map[string]listschema.Attribute{
			"account_ids": listschema.ListAttribute{Optional: true, ElementType: types.StringType},
		},
	}
}

// brokenProvider's schema cannot be got.
type brokenProvider struct{ sampleProvider }

func (*brokenProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Diagnostics.AddError("Summary", "detail")
}
