// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
)

// schemaJSON returns the schemas of every kind that this provider has, under the
// given provider name.
func schemaJSON(ctx context.Context, server tfprotov6.ProviderServer, name string) ([]byte, error) {
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, fmt.Errorf("get provider schema: %w", err)
	}
	if err := diagnosticsError(schemas.Diagnostics); err != nil {
		return nil, fmt.Errorf("get provider schema: %w", err)
	}

	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, fmt.Errorf("get resource identity schemas: %w", err)
	}
	if err := diagnosticsError(identities.Diagnostics); err != nil {
		return nil, fmt.Errorf("get resource identity schemas: %w", err)
	}

	return json.Marshal(tfjson.ProviderSchemas{
		FormatVersion: "1.0",
		Schemas: map[string]*tfjson.ProviderSchema{name: {
			ConfigSchema:            toSchema(schemas.Provider),
			ResourceSchemas:         mapValues(schemas.ResourceSchemas, toSchema),
			DataSourceSchemas:       mapValues(schemas.DataSourceSchemas, toSchema),
			ListResourceSchemas:     mapValues(schemas.ListResourceSchemas, toSchema),
			ResourceIdentitySchemas: mapValues(identities.IdentitySchemas, toIdentity),
		}},
	})
}

// diagnosticsError returns the errors among the diagnostics as one error, or nil.
func diagnosticsError(diagnostics []*tfprotov6.Diagnostic) error {
	var errs []error
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, fmt.Errorf("%s: %s", d.Summary, d.Detail))
		}
	}
	return errors.Join(errs...)
}

func toSchema(s *tfprotov6.Schema) *tfjson.Schema {
	if s == nil {
		return &tfjson.Schema{}
	}
	return &tfjson.Schema{Version: toUnsigned(s.Version), Block: toBlock(s.Block)}
}

func toBlock(b *tfprotov6.SchemaBlock) *tfjson.SchemaBlock {
	if b == nil {
		return &tfjson.SchemaBlock{}
	}
	blocks := make(map[string]*tfjson.SchemaBlockType, len(b.BlockTypes))
	for _, nested := range b.BlockTypes {
		blocks[nested.TypeName] = &tfjson.SchemaBlockType{
			NestingMode: toNestingMode(nested.Nesting),
			Block:       toBlock(nested.Block),
			MinItems:    toUnsigned(nested.MinItems),
			MaxItems:    toUnsigned(nested.MaxItems),
		}
	}
	return &tfjson.SchemaBlock{
		Attributes:      toAttributes(b.Attributes),
		NestedBlocks:    blocks,
		Description:     b.Description,
		DescriptionKind: toDescriptionKind(b.DescriptionKind),
		Deprecated:      b.Deprecated,
	}
}

func toAttributes(attributes []*tfprotov6.SchemaAttribute) map[string]*tfjson.SchemaAttribute {
	out := make(map[string]*tfjson.SchemaAttribute, len(attributes))
	for _, a := range attributes {
		out[a.Name] = &tfjson.SchemaAttribute{
			AttributeType:       toType(a.Type),
			AttributeNestedType: toNestedType(a.NestedType),
			Description:         a.Description,
			DescriptionKind:     toDescriptionKind(a.DescriptionKind),
			Deprecated:          a.Deprecated,
			Required:            a.Required,
			Optional:            a.Optional,
			Computed:            a.Computed,
			Sensitive:           a.Sensitive,
			WriteOnly:           a.WriteOnly,
		}
	}
	return out
}

func toNestedType(o *tfprotov6.SchemaObject) *tfjson.SchemaNestedAttributeType {
	if o == nil {
		return nil
	}
	return &tfjson.SchemaNestedAttributeType{
		Attributes:  toAttributes(o.Attributes),
		NestingMode: toNestingMode(o.Nesting),
	}
}

func toIdentity(s *tfprotov6.ResourceIdentitySchema) *tfjson.IdentitySchema {
	attributes := make(map[string]*tfjson.IdentityAttribute, len(s.IdentityAttributes))
	for _, a := range s.IdentityAttributes {
		attributes[a.Name] = &tfjson.IdentityAttribute{
			IdentityType:      toType(a.Type),
			Description:       a.Description,
			RequiredForImport: a.RequiredForImport,
			OptionalForImport: a.OptionalForImport,
		}
	}
	return &tfjson.IdentitySchema{Version: toUnsigned(s.Version), Attributes: attributes}
}

// toType goes through JSON, in which both packages write a type alike, since
// that is how types cross the plugin protocol. A nil type, which is that of an
// attribute with a nested type, stays nil.
func toType(t tftypes.Type) cty.Type {
	if t == nil {
		return cty.NilType
	}
	var out cty.Type
	raw, err := json.Marshal(t)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("type %s is outside the plugin protocol: %s", t, err))
	}
	return out
}

// toNestingMode relies on the protocol's names being the format's in capitals.
func toNestingMode(mode fmt.Stringer) tfjson.SchemaNestingMode {
	return tfjson.SchemaNestingMode(strings.ToLower(mode.String()))
}

// toDescriptionKind relies on the same as [toNestingMode].
func toDescriptionKind(kind tfprotov6.StringKind) tfjson.SchemaDescriptionKind {
	return tfjson.SchemaDescriptionKind(strings.ToLower(kind.String()))
}

// toUnsigned is for versions and counts, which the protocol holds as signed.
func toUnsigned(n int64) uint64 {
	return uint64(max(n, 0))
}

func mapValues[From, To any](in map[string]From, convert func(From) To) map[string]To {
	out := make(map[string]To, len(in))
	for name, value := range in {
		out[name] = convert(value)
	}
	return out
}
