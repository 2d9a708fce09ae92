// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func hasName(name string) func(*tfprotov6.SchemaAttribute) bool {
	return func(a *tfprotov6.SchemaAttribute) bool { return a.Name == name }
}

// visitAttributes visits every attribute of a schema, those of nested attributes
// and of blocks too.
func visitAttributes(at string, block *tfprotov6.SchemaBlock, visit func(string, *tfprotov6.SchemaAttribute)) {
	for _, attribute := range block.Attributes {
		path := at + "." + attribute.Name
		visit(path, attribute)
		if attribute.NestedType != nil {
			visitAttributes(path, &tfprotov6.SchemaBlock{Attributes: attribute.NestedType.Attributes}, visit)
		}
	}
	for _, nested := range block.BlockTypes {
		visitAttributes(at+"."+nested.TypeName, nested.Block, visit)
	}
}

// everySchema is all that the provider serves, by name; the name of what is no
// resource and no data source has its kind before it.
func everySchema(t *testing.T) map[string]*tfprotov6.SchemaBlock {
	t.Helper()
	c := unconfiguredCore(t, offline(t))
	schemas := map[string]*tfprotov6.SchemaBlock{"provider": c.schemas.Provider.Block}
	for name, schema := range c.schemas.ResourceSchemas {
		schemas[name] = schema.Block
	}
	for name, schema := range c.schemas.DataSourceSchemas {
		schemas[name] = schema.Block
	}
	for name, schema := range c.schemas.ListResourceSchemas {
		schemas["list "+name] = schema.Block
	}
	if kinds := len(c.schemas.EphemeralResourceSchemas) + len(c.schemas.Functions) + len(c.schemas.ActionSchemas) + len(c.schemas.StateStoreSchemas); kinds > 0 {
		t.Errorf("%d schemas of other kinds", kinds)
	}
	return schemas
}

func TestSchemasAreValid(t *testing.T) {
	t.Parallel()
	c := unconfiguredCore(t, offline(t))
	expect(t, c.schemas.Diagnostics)
}

func TestTypeNames(t *testing.T) {
	t.Parallel()
	var meta frameworkprovider.MetadataResponse
	New("1.2.3")().Metadata(context.Background(), frameworkprovider.MetadataRequest{}, &meta)
	if meta.TypeName != "pagerduty" || meta.Version != "1.2.3" {
		t.Errorf("%+v", meta)
	}
	names := slices.Sorted(maps.Keys(everySchema(t)))
	want := []string{"list pagerduty_connection", "pagerduty_connected_service", "pagerduty_connection", "pagerduty_services", "provider"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// The attributes are public interface: their names, kinds and types.
func TestAttributes(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"provider.api_token":       "optional sensitive tftypes.String",
		"provider.api_key":         "optional sensitive tftypes.String",
		"provider.email":           "optional tftypes.String",
		"provider.base_url":        "optional tftypes.String",
		"provider.max_retries":     "optional tftypes.Number",
		"provider.request_timeout": "optional tftypes.String",

		"pagerduty_connection.account_id":            "required tftypes.String",
		"pagerduty_connection.adopt_existing":        "optional computed tftypes.Bool",
		"pagerduty_connection.wait_for_services":     "optional computed tftypes.Bool",
		"pagerduty_connection.disconnect_on_destroy": "optional computed tftypes.Bool",
		"pagerduty_connection.id":                    "computed tftypes.String",
		"pagerduty_connection.connection_id":         "computed tftypes.String",
		"pagerduty_connection.status":                "computed tftypes.String",
		"pagerduty_connection.dashboard_url":         "computed tftypes.String",
		"pagerduty_connection.services":              "computed LIST",
		"pagerduty_connection.services.id":           "computed tftypes.String",
		"pagerduty_connection.services.name":         "computed tftypes.String",
		"pagerduty_connection.service_ids":           "computed tftypes.Map[tftypes.String]",
		"pagerduty_connection.timeouts.create":       "optional tftypes.String",
		"pagerduty_connection.timeouts.delete":       "optional tftypes.String",

		"pagerduty_services.account_id":    "required tftypes.String",
		"pagerduty_services.name":          "optional tftypes.String",
		"pagerduty_services.name_regex":    "optional tftypes.String",
		"pagerduty_services.services":      "computed LIST",
		"pagerduty_services.services.id":   "computed tftypes.String",
		"pagerduty_services.services.name": "computed tftypes.String",
		"pagerduty_services.service_ids":   "computed tftypes.Map[tftypes.String]",

		"pagerduty_connected_service.account_id": "required tftypes.String",
		"pagerduty_connected_service.id":         "optional computed tftypes.String",
		"pagerduty_connected_service.name":       "optional computed tftypes.String",

		"list pagerduty_connection.account_ids": "required tftypes.List[tftypes.String]",
	}
	got := map[string]string{}
	for name, schema := range everySchema(t) {
		for _, block := range schema.BlockTypes {
			if name != "pagerduty_connection" || block.TypeName != "timeouts" || block.Nesting != tfprotov6.SchemaNestedBlockNestingModeSingle {
				t.Errorf("%s has the block %s, %s", name, block.TypeName, block.Nesting)
			}
		}
		visitAttributes(name, schema, func(path string, a *tfprotov6.SchemaAttribute) {
			var kind []string
			for word, is := range map[string]bool{"1required": a.Required, "2optional": a.Optional, "3computed": a.Computed, "4sensitive": a.Sensitive, "5write-only": a.WriteOnly, "6deprecated": a.Deprecated} {
				if is {
					kind = append(kind, word)
				}
			}
			slices.Sort(kind)
			for i := range kind {
				kind[i] = kind[i][1:]
			}
			if a.NestedType != nil {
				kind = append(kind, a.NestedType.Nesting.String())
			} else {
				kind = append(kind, a.Type.String())
			}
			got[path] = strings.Join(kind, " ")
		})
	}
	if !reflect.DeepEqual(got, want) {
		for path := range got {
			if got[path] != want[path] {
				t.Errorf("%s is %q, want %q", path, got[path], want[path])
			}
		}
		for path := range want {
			if got[path] == "" {
				t.Errorf("no %s", path)
			}
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for name, schema := range everySchema(t) {
		if schema.Description == "" || schema.DescriptionKind != tfprotov6.StringKindMarkdown {
			t.Errorf("%s has no description in Markdown", name)
		}
		for permission, needed := range map[string]bool{
			readPermission:  name != "provider",
			writePermission: name == "pagerduty_connection",
		} {
			if strings.Contains(schema.Description, permission) != needed {
				t.Errorf("%s says that the API token needs %s: %t", name, permission, !needed)
			}
		}
		visitAttributes(name, schema, func(path string, a *tfprotov6.SchemaAttribute) {
			if len(a.Description) < 10 || !strings.HasSuffix(a.Description, ".") {
				t.Errorf("%s is described by %q", path, a.Description)
			}
		})
	}
	// What has a default says so.
	c := unconfiguredCore(t, offline(t))
	defaults := map[string]string{
		".adopt_existing": "Defaults to `false`.", ".wait_for_services": "Defaults to `false`.", ".disconnect_on_destroy": "Defaults to `true`.",
		".timeouts.create": "Defaults to `10m`.", ".timeouts.delete": "Defaults to `10m`.",
	}
	visitAttributes("", c.schemas.ResourceSchemas[connectionType].Block, func(path string, a *tfprotov6.SchemaAttribute) {
		if a.Optional && (defaults[path] == "" || !strings.Contains(a.Description, defaults[path])) {
			t.Errorf("%s does not say its default %q: %s", path, defaults[path], a.Description)
		}
	})
	for _, attribute := range c.identitySchema().IdentityAttributes {
		if attribute.Description == "" {
			t.Errorf("identity attribute %s has no description", attribute.Name)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	attributes := unconfiguredCore(t, offline(t)).identitySchema().IdentityAttributes
	if len(attributes) != 1 || attributes[0].Name != "account_id" || !attributes[0].RequiredForImport {
		t.Errorf("%+v", attributes)
	}
}

func (c *core) identitySchema() *tfprotov6.ResourceIdentitySchema {
	c.t.Helper()
	resp, err := c.wire.GetResourceIdentitySchemas(c.ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	c.check(err)
	return resp.IdentitySchemas[connectionType]
}

// A credential is sensitive, whatever it is called next.
func TestCredentialsAreSensitive(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`token|key|secret|password`)
	for name, schema := range everySchema(t) {
		visitAttributes(name, schema, func(path string, a *tfprotov6.SchemaAttribute) {
			if secret.MatchString(a.Name) != a.Sensitive {
				t.Errorf("%s is sensitive: %t", path, a.Sensitive)
			}
		})
	}
}

func TestModelsAgreeWithSchemas(t *testing.T) {
	t.Parallel()
	schemas := everySchema(t)
	nested := func(name string) []*tfprotov6.SchemaAttribute {
		attributes := schemas[name].Attributes
		return attributes[slices.IndexFunc(attributes, hasName("services"))].NestedType.Attributes
	}
	for name, test := range map[string]struct {
		model      any
		attributes []*tfprotov6.SchemaAttribute
	}{
		"provider":            {model: providerModel{}, attributes: schemas["provider"].Attributes},
		"connection":          {model: connectionModel{}, attributes: schemas["pagerduty_connection"].Attributes},
		"connection services": {model: serviceModel{}, attributes: nested("pagerduty_connection")},
		"services":            {model: servicesModel{}, attributes: schemas["pagerduty_services"].Attributes},
		"services services":   {model: serviceModel{}, attributes: nested("pagerduty_services")},
		"connected service":   {model: connectedServiceModel{}, attributes: schemas["pagerduty_connected_service"].Attributes},
		"list of connections": {model: connectionListModel{}, attributes: schemas["list pagerduty_connection"].Attributes},
	} {
		var fields, names []string
		for field := range reflect.TypeOf(test.model).Fields() {
			fields = append(fields, field.Tag.Get("tfsdk"))
		}
		for _, attribute := range test.attributes {
			names = append(names, attribute.Name)
		}
		if name == "connection" {
			names = append(names, "timeouts") // The only block.
		}
		slices.Sort(fields)
		slices.Sort(names)
		if !slices.Equal(fields, names) {
			t.Errorf("%s: the model has %v, the schema %v", name, fields, names)
		}
	}
	identity := reflect.TypeFor[connectionIdentityModel]()
	if identity.NumField() != 1 || identity.Field(0).Tag.Get("tfsdk") != "account_id" {
		t.Errorf("the identity's model has %v", identity)
	}
}

// The provider registers each constructor of the package.
func TestConstructorsAreRegistered(t *testing.T) {
	t.Parallel()
	var registered []string
	for _, kind := range kinds() {
		registered = append(registered, functionName(kind.constructor))
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil && regexp.MustCompile(`^New.+`).MatchString(function.Name.Name) {
				declared = append(declared, function.Name.Name)
			}
		}
	}
	slices.Sort(registered)
	slices.Sort(declared)
	if len(declared) == 0 || !slices.Equal(registered, declared) {
		t.Errorf("registered %v, declared %v", registered, declared)
	}
}

func functionName(function any) string {
	name := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

// kind is one of the things that the provider serves.
type kind struct {
	constructor any
	configure   func(data any) diag.Diagnostics
}

func kinds() (all []kind) {
	ctx, p := context.Background(), &pagerdutyProvider{}
	for _, constructor := range p.Resources(ctx) {
		all = append(all, kind{constructor: constructor, configure: func(data any) diag.Diagnostics {
			var resp resource.ConfigureResponse
			constructor().(resource.ResourceWithConfigure).Configure(ctx, resource.ConfigureRequest{ProviderData: data}, &resp)
			return resp.Diagnostics
		}})
	}
	for _, constructor := range p.DataSources(ctx) {
		all = append(all, kind{constructor: constructor, configure: func(data any) diag.Diagnostics {
			var resp datasource.ConfigureResponse
			constructor().(datasource.DataSourceWithConfigure).Configure(ctx, datasource.ConfigureRequest{ProviderData: data}, &resp)
			return resp.Diagnostics
		}})
	}
	for _, constructor := range p.ListResources(ctx) {
		all = append(all, kind{constructor: constructor, configure: func(data any) diag.Diagnostics {
			var resp resource.ConfigureResponse
			constructor().(list.ListResourceWithConfigure).Configure(ctx, resource.ConfigureRequest{ProviderData: data}, &resp)
			return resp.Diagnostics
		}})
	}
	return all
}

// Every kind takes the provider's data, accepts that there is none yet, and returns
// an error for anything else.
func TestConfigureKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		for _, data := range []any{nil, &providerData{}, "other"} {
			if diags := kind.configure(data); diags.HasError() != (data == "other") {
				t.Errorf("%s, %v: %v", functionName(kind.constructor), data, diags)
			}
		}
	}
}

func TestValidatorsDescribeThemselves(t *testing.T) {
	t.Parallel()
	v := validAccountID{}
	for _, got := range []string{v.Description(context.Background()), v.MarkdownDescription(context.Background())} {
		if want := "must be a valid account ID"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// In a block, Terraform refuses a key that the schema does not have. It drops those
// of a nested attribute.
func TestTimeoutsBlock(t *testing.T) {
	t.Parallel()
	c := newCore(t, offline(t), nil)
	for name, test := range map[string]struct {
		timeouts object
		want     []wanted
	}{
		"none":          {timeouts: nil},
		"empty":         {timeouts: object{}},
		"both":          {timeouts: object{"create": "90m", "delete": "1ns"}},
		"unknown value": {timeouts: object{"create": unknown}},
		"zero":          {timeouts: object{"create": "0s"}, want: []wanted{anError("Invalid Duration", "`timeouts.create`", "greater than zero").on("timeouts.create")}},
		"negative":      {timeouts: object{"delete": "-5m"}, want: []wanted{anError("Invalid Duration", "`timeouts.delete`", "greater than zero").on("timeouts.delete")}},
		"no duration":   {timeouts: object{"create": "soon"}, want: []wanted{anError("Invalid Attribute Value Time Duration").on("timeouts.create")}},
		"no unit":       {timeouts: object{"delete": "10"}, want: []wanted{anError("Invalid Attribute Value Time Duration").on("timeouts.delete")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block := object{}
			if test.timeouts != nil {
				block["timeouts"] = test.timeouts
			}
			expect(t, c.validate(block), test.want...)
		})
	}
}

// Terraform validates before it knows variables and other resources' attributes:
// what is not known yet is valid, whole lists and blocks and parts of them too.
func TestUnknownIsValid(t *testing.T) {
	t.Parallel()
	c := newCore(t, offline(t), nil)
	check := func(name string, diags []*tfprotov6.Diagnostic, err error) {
		c.check(err)
		if len(diags) > 0 {
			t.Errorf("%s:\n%s", name, c.audit(diags))
		}
	}
	for name, value := range map[string]func(tftypes.Type) any{
		"whole": func(tftypes.Type) any { return unknown },
		"in parts": func(typ tftypes.Type) any {
			switch typ := typ.(type) {
			case tftypes.List:
				return []any{unknown, unknown}
			case tftypes.Object:
				parts := object{}
				for name := range typ.AttributeTypes {
					parts[name] = unknown
				}
				return parts
			}
			return unknown
		},
	} {
		block := func(schema *tfprotov6.Schema) *tfprotov6.DynamicValue {
			config := object{}
			for _, attribute := range schema.Block.Attributes {
				if attribute.Required || attribute.Optional {
					config[attribute.Name] = value(attribute.ValueType())
				}
			}
			for _, nested := range schema.Block.BlockTypes {
				config[nested.TypeName] = value(nested.ValueType())
			}
			return c.encode(schema.ValueType(), config)
		}
		provider, err := c.wire.ValidateProviderConfig(c.ctx, &tfprotov6.ValidateProviderConfigRequest{Config: block(c.schemas.Provider)})
		check(name+" provider", provider.Diagnostics, err)
		for typ, schema := range c.schemas.ResourceSchemas {
			resp, err := c.wire.ValidateResourceConfig(c.ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: typ, Config: block(schema)})
			check(name+" resource "+typ, resp.Diagnostics, err)
		}
		for typ, schema := range c.schemas.DataSourceSchemas {
			resp, err := c.wire.ValidateDataResourceConfig(c.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: typ, Config: block(schema)})
			check(name+" data "+typ, resp.Diagnostics, err)
		}
		for typ, schema := range c.schemas.ListResourceSchemas {
			resp, err := c.wire.(tfprotov6.ListResourceServer).ValidateListResourceConfig(c.ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: typ, Config: block(schema)})
			check(name+" list "+typ, resp.Diagnostics, err)
		}
	}
}
