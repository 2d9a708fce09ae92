// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// core is a model of Terraform core. It drives the provider over its protocol,
// in-process, in the order that Terraform keeps to: one core is one run of
// terraform, and [core.rerun] starts the next. Unlike a real terraform it shows
// warnings, defers, is interrupted on demand and works in a synctest bubble.
//
// It fails the test for a response that Terraform would refuse (a plan that
// changes the configuration, a result that is not the plan's), and for one that
// breaks what the provider promises of all its text: no secret, no control
// character.
type core struct {
	// Deferral lets the provider defer what it can't do yet.
	deferral bool

	t       tester
	server  *fakeAPI
	config  object // of the provider, once it is configured
	adjust  []func(*cloudflare.Config)
	ctx     context.Context
	wire    tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse

	logMu sync.Mutex
	log   bytes.Buffer
}

// tester is what a core needs of a *testing.T; a *rapid.T has it too.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// object is a block or a state: strings, bools, ints, objects, []any, nil for
// null and unknown for what is not known yet. What is missing is null.
type object = map[string]any

type unknownValue struct{}

func (unknownValue) String() string { return "(unknown)" }

// unknown stands for a value that is not known yet.
var unknown = unknownValue{}

// with is an object with some attributes replaced.
func with(base, changes object) object {
	merged := maps.Clone(base)
	maps.Copy(merged, changes)
	return merged
}

// onA is a block about accountA, unless it says itself which account it is about.
// A nil block stays nil.
func onA(config object) object {
	if config == nil {
		return nil
	}
	return with(object{"account_id": accountA}, config)
}

// standard configures the provider for the fake API.
func standard(server *fakeAPI) object {
	return object{"api_token": cloudflaretest.APIToken, "base_url": server.URL()}
}

// newCore starts a run with a configured provider. A nil configuration is the
// standard one.
func newCore(t tester, server *fakeAPI, config object, adjust ...func(*cloudflare.Config)) *core {
	t.Helper()
	if config == nil {
		config = standard(server)
	}
	c := unconfiguredCore(t, server, adjust...)
	if diags := c.configure(config); len(diags) > 0 {
		t.Fatalf("Unable to configure the provider:\n%s", diags)
	}
	return c
}

// unconfiguredCore is a run whose provider has no configuration yet.
func unconfiguredCore(t tester, server *fakeAPI, adjust ...func(*cloudflare.Config)) *core {
	t.Helper()
	c := &core{t: t, server: server, adjust: adjust}
	c.ctx = tflogtest.RootLogger(context.Background(), lockedWriter{mu: &c.logMu, out: &c.log})
	wire, err := providerserver.NewProtocol6WithError(testProvider(func(config *cloudflare.Config) {
		config.Transport = server.RoundTripper()
		for _, adjust := range c.adjust {
			adjust(config)
		}
	}))()
	c.check(err)
	c.wire = wire
	c.schemas, err = wire.GetProviderSchema(c.ctx, &tfprotov6.GetProviderSchemaRequest{})
	c.check(err)
	return c
}

// rerun starts the next run, in a new process so to speak.
func (c *core) rerun(config object) *core {
	c.t.Helper()
	return newCore(c.t, c.server, config, c.adjust...)
}

// configure validates and, if that went well, configures the provider.
func (c *core) configure(config object) diagnostics {
	c.t.Helper()
	value := c.encode(c.schemas.Provider.ValueType(), config)
	validated, err := c.wire.ValidateProviderConfig(c.ctx, &tfprotov6.ValidateProviderConfigRequest{Config: value})
	c.check(err)
	diags := c.audit(validated.Diagnostics)
	if diags.hasError() {
		return diags
	}
	configured, err := c.wire.ConfigureProvider(c.ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.11.4", Config: value,
		ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: c.deferral},
	})
	c.check(err)
	c.config = config
	return append(diags, c.audit(configured.Diagnostics)...)
}

// interrupt is what terraform sends on Ctrl-C.
func (c *core) interrupt() {
	c.t.Helper()
	resp, err := c.wire.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{})
	c.check(err)
	if resp.Error != "" {
		c.t.Fatalf("StopProvider: %s", resp.Error)
	}
}

// entries are the provider's log lines so far.
func (c *core) entries() []map[string]any {
	c.t.Helper()
	c.logMu.Lock()
	defer c.logMu.Unlock()
	entries, err := tflogtest.MultilineJSONDecode(bytes.NewReader(c.log.Bytes()))
	c.check(err)
	return entries
}

const connectionType = "pagerduty_connection"

// instance is what terraform keeps of a resource.
type instance struct {
	state    object // nil when there is none
	identity object // nil when there is none
	private  []byte
}

// outcome is what a call comes to. Where it failed, the instance is what
// terraform then keeps.
type outcome struct {
	instance
	diags    diagnostics
	deferred bool
	tainted  bool // a create that failed and left something
}

// plan is what terraform shows before it applies. The warnings are those that
// terraform shows; replaced says why the resource has to be replaced, if so.
type plan struct {
	outcome
	prior    instance
	config   object
	replaced []string
	// inPlace is the first of the two plan calls of a replacement.
	inPlace object
	private []byte
}

// validate checks a block before anything of it is planned.
func (c *core) validate(config object) diagnostics {
	c.t.Helper()
	resp, err := c.wire.ValidateResourceConfig(c.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: connectionType, Config: c.encode(c.connection(), onA(config)),
	})
	c.check(err)
	return c.audit(resp.Diagnostics)
}

// plan plans a block, or the destruction of what there is when the configuration
// is nil. A replacement takes two calls, and the second one's warnings are lost.
func (c *core) plan(prior instance, config object) plan {
	c.t.Helper()
	config = onA(config)
	if config != nil {
		if diags := c.validate(config); diags.hasError() {
			return plan{outcome: outcome{instance: prior, diags: diags}, prior: prior, config: config}
		}
	}
	p := c.planOnce(prior, config)
	if len(p.replaced) == 0 || p.diags.hasError() {
		return p
	}
	return c.replan(p)
}

// planForced plans a replacement that the provider did not ask for, as -replace
// and replace_triggered_by do.
func (c *core) planForced(prior instance, config object) plan {
	c.t.Helper()
	p := c.planOnce(prior, onA(config))
	if p.diags.hasError() {
		return p
	}
	p.replaced, p.diags = []string{"forced"}, nil
	return c.replan(p)
}

// replan is the second plan call of a replacement: for a create, with the private
// data of the first. Terraform drops its warnings.
func (c *core) replan(p plan) plan {
	c.t.Helper()
	second := c.planOnce(instance{private: p.private}, p.config)
	p.inPlace, p.state, p.private = p.state, second.state, second.private
	for _, diag := range second.diags {
		if diag.Severity == tfprotov6.DiagnosticSeverityError {
			p.diags = append(p.diags, diag)
		}
	}
	return p
}

// planTainted plans to replace a tainted object: terraform plans a create, without
// the object's state and private data, and a destroy goes with it.
func (c *core) planTainted(prior instance, config object) plan {
	c.t.Helper()
	p := c.planOnce(instance{}, onA(config))
	p.prior = prior
	if !p.diags.hasError() {
		p.replaced = []string{"tainted"}
	}
	return p
}

func (c *core) planOnce(prior instance, config object) plan {
	c.t.Helper()
	typ := c.connection()
	req := &tfprotov6.PlanResourceChangeRequest{
		TypeName: connectionType, PriorState: c.encode(typ, prior.state), PriorPrivate: prior.private, PriorIdentity: c.identity(prior.identity),
		Config: c.encode(typ, config), ProposedNewState: c.encode(typ, c.proposed(prior.state, config)),
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{DeferralAllowed: c.deferral},
	}
	resp, err := c.wire.PlanResourceChange(c.ctx, req)
	c.check(err)
	p := plan{prior: prior, config: config, private: resp.PlannedPrivate}
	p.diags, p.deferred = c.audit(resp.Diagnostics), resp.Deferred != nil
	if p.diags.hasError() {
		p.instance = prior
		return p
	}
	p.state, p.identity = c.decode(typ, resp.PlannedState), c.decodeIdentity(resp.PlannedIdentity)
	for _, at := range resp.RequiresReplace {
		p.replaced = append(p.replaced, attribute(at))
	}
	for _, attribute := range c.attributes() {
		value := config[attribute.Name]
		// Terraform allows the configured value, and the prior one.
		if value != nil && !agrees(value, p.state[attribute.Name]) && (prior.state == nil || !agrees(prior.state[attribute.Name], p.state[attribute.Name])) {
			c.t.Fatalf("planned %s = %v where the block has %v", attribute.Name, p.state[attribute.Name], value)
		}
	}
	return p
}

func (c *core) attributes() []*tfprotov6.SchemaAttribute {
	return c.schemas.ResourceSchemas[connectionType].Block.Attributes
}

// proposed is the prior state with the block put over it.
func (c *core) proposed(prior, config object) object {
	if config == nil {
		return nil
	}
	proposed := object{}
	for _, attribute := range c.attributes() {
		value := config[attribute.Name]
		if value == nil && attribute.Computed {
			value = prior[attribute.Name]
		}
		proposed[attribute.Name] = value
	}
	for _, block := range c.schemas.ResourceSchemas[connectionType].Block.BlockTypes {
		proposed[block.TypeName] = config[block.TypeName]
	}
	return proposed
}

// apply carries a plan out. A replacement destroys first, and every create is
// planned again.
func (c *core) apply(p plan) outcome {
	c.t.Helper()
	if len(p.replaced) == 0 && p.prior.state != nil {
		return c.applyOnce(p)
	}
	var destroyed outcome
	if len(p.replaced) > 0 {
		destroyed = c.applyOnce(plan{prior: p.prior, private: p.private})
		if destroyed.diags.hasError() {
			return destroyed
		}
	}
	again := c.planOnce(instance{}, p.config)
	if again.diags.hasError() {
		return outcome{instance: destroyed.instance, diags: append(destroyed.diags, again.diags...)}
	}
	if !agrees(p.state, again.state) {
		c.t.Fatalf("apply plans\n%v\nwhere the plan has\n%v", again.state, p.state)
	}
	p = plan{prior: instance{}, config: p.config, outcome: again.outcome, private: again.private}
	created := c.applyOnce(p)
	created.diags = append(again.diags, created.diags...)
	created.diags = append(destroyed.diags, created.diags...)
	return created
}

// flow is the key under which the context of each apply has a value of its own.
type flow struct{}

func (c *core) applyOnce(p plan) outcome {
	c.t.Helper()
	typ := c.connection()
	ctx := context.WithValue(c.ctx, flow{}, new(int))
	resp, err := c.wire.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: connectionType, PriorState: c.encode(typ, p.prior.state), PlannedState: c.encode(typ, p.state),
		Config: c.encode(typ, p.config), PlannedPrivate: p.private, PlannedIdentity: c.identity(p.identity),
	})
	c.check(err)
	out := outcome{instance: instance{state: c.decode(typ, resp.NewState), identity: c.decodeIdentity(resp.NewIdentity), private: resp.Private}, diags: c.audit(resp.Diagnostics)}
	c.auditText("private state", string(resp.Private))
	failed := out.diags.hasError()
	out.tainted = failed && p.prior.state == nil && out.state != nil
	if !failed && !agrees(p.state, out.state) {
		c.t.Fatalf("applied\n%v\nwhere the plan has\n%v", out.state, p.state)
	}
	return out
}

// create, and anything else that a plan without errors does.
func (c *core) converge(prior instance, config object) outcome {
	c.t.Helper()
	p := c.plan(prior, config)
	if p.diags.hasError() {
		return p.outcome
	}
	c.nextProcess()
	return c.apply(p)
}

// nextProcess configures a new provider, as terraform does between a plan and
// its apply.
func (c *core) nextProcess() {
	c.t.Helper()
	if c.config == nil {
		return
	}
	if diags := c.configure(c.config); diags.hasError() {
		c.t.Fatalf("Unable to configure the provider:\n%s", diags)
	}
}

func (c *core) create(config object) outcome {
	c.t.Helper()
	return c.converge(instance{}, config)
}

func (c *core) destroy(prior instance) outcome {
	c.t.Helper()
	return c.converge(prior, nil)
}

// read refreshes an instance. When that fails, it stays as it was.
func (c *core) read(prior instance) outcome {
	c.t.Helper()
	typ := c.connection()
	resp, err := c.wire.ReadResource(c.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: connectionType, CurrentState: c.encode(typ, prior.state), Private: prior.private, CurrentIdentity: c.identity(prior.identity),
		ClientCapabilities: &tfprotov6.ReadResourceClientCapabilities{DeferralAllowed: c.deferral},
	})
	c.check(err)
	out := outcome{instance: prior, diags: c.audit(resp.Diagnostics), deferred: resp.Deferred != nil}
	if !out.diags.hasError() {
		out.instance = instance{state: c.decode(typ, resp.NewState), identity: c.decodeIdentity(resp.NewIdentity), private: resp.Private}
	}
	return out
}

// importID imports by ID, and reads.
func (c *core) importID(id string) outcome {
	c.t.Helper()
	return c.imported(&tfprotov6.ImportResourceStateRequest{ID: id})
}

// importIdentity imports by identity, and reads.
func (c *core) importIdentity(identity object) outcome {
	c.t.Helper()
	return c.imported(&tfprotov6.ImportResourceStateRequest{Identity: c.identity(identity)})
}

func (c *core) imported(req *tfprotov6.ImportResourceStateRequest) outcome {
	c.t.Helper()
	req.TypeName = connectionType
	req.ClientCapabilities = &tfprotov6.ImportResourceStateClientCapabilities{DeferralAllowed: c.deferral}
	resp, err := c.wire.ImportResourceState(c.ctx, req)
	c.check(err)
	diags := c.audit(resp.Diagnostics)
	if diags.hasError() {
		return outcome{diags: diags}
	}
	if len(resp.ImportedResources) != 1 {
		c.t.Fatalf("imported %d resources", len(resp.ImportedResources))
	}
	imported := resp.ImportedResources[0]
	out := c.read(instance{state: c.decode(c.connection(), imported.State), identity: c.decodeIdentity(imported.Identity), private: imported.Private})
	out.diags = append(diags, out.diags...)
	if out.diags.hasError() {
		out.instance = instance{}
	}
	return out
}

func (c *core) services(config object) outcome {
	c.t.Helper()
	return c.data("pagerduty_services", config)
}

func (c *core) service(config object) outcome {
	c.t.Helper()
	return c.data("pagerduty_connected_service", config)
}

func (c *core) validateData(name string, config object) diagnostics {
	c.t.Helper()
	value := c.encode(c.schemas.DataSourceSchemas[name].ValueType(), onA(config))
	validated, err := c.wire.ValidateDataResourceConfig(c.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: value})
	c.check(err)
	return c.audit(validated.Diagnostics)
}

// data validates and reads a data source.
func (c *core) data(name string, config object) outcome {
	c.t.Helper()
	typ := c.schemas.DataSourceSchemas[name].ValueType()
	out := outcome{diags: c.validateData(name, config)}
	if out.diags.hasError() {
		return out
	}
	resp, err := c.wire.ReadDataSource(c.ctx, &tfprotov6.ReadDataSourceRequest{
		TypeName: name, Config: c.encode(typ, onA(config)),
		ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{DeferralAllowed: c.deferral},
	})
	c.check(err)
	out.diags, out.deferred = append(out.diags, c.audit(resp.Diagnostics)...), resp.Deferred != nil
	if !out.diags.hasError() {
		out.state = c.decode(typ, resp.State)
	}
	return out
}

// found is a result of a list.
type found struct {
	instance
	name string
}

// query lists connections, as terraform query does: an error ends the list. A block
// without accounts is about accountA.
func (c *core) query(config object, limit int64, includeResource bool) ([]found, diagnostics) {
	c.t.Helper()
	server := c.wire.(tfprotov6.ListResourceServer)
	value := c.encode(c.schemas.ListResourceSchemas[connectionType].ValueType(), with(object{"account_ids": []any{accountA}}, config))
	validated, err := server.ValidateListResourceConfig(c.ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: connectionType, Config: value})
	c.check(err)
	diags := c.audit(validated.Diagnostics)
	if diags.hasError() {
		return nil, diags
	}
	stream, err := server.ListResource(c.ctx, &tfprotov6.ListResourceRequest{TypeName: connectionType, Config: value, Limit: limit, IncludeResource: includeResource})
	c.check(err)
	var results []found
	for result := range stream.Results {
		diags = append(diags, c.audit(result.Diagnostics)...)
		if diags.hasError() {
			break
		}
		if result.Identity == nil {
			continue
		}
		results = append(results, found{instance: instance{state: c.decode(c.connection(), result.Resource), identity: c.decodeIdentity(result.Identity)}, name: result.DisplayName})
		if (result.Resource != nil) != includeResource {
			c.t.Fatalf("a result with the resource %v, which is wanted: %t", result.Resource, includeResource)
		}
	}
	return results, diags
}

func (c *core) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("protocol: %v", err)
	}
}

func (c *core) connection() tftypes.Type {
	return c.schemas.ResourceSchemas[connectionType].ValueType()
}

var identityType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"account_id": tftypes.String}}

func (c *core) identity(identity object) *tfprotov6.ResourceIdentityData {
	c.t.Helper()
	if identity == nil {
		return nil
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: c.encode(identityType, identity)}
}

func (c *core) decodeIdentity(data *tfprotov6.ResourceIdentityData) object {
	c.t.Helper()
	if data == nil {
		return nil
	}
	return c.decode(identityType, data.IdentityData)
}

func (c *core) encode(typ tftypes.Type, value object) *tfprotov6.DynamicValue {
	c.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(typ, toValue(typ, value))
	c.check(err)
	return &encoded
}

// decode also sees to it that no secret gets into a plan or a state.
func (c *core) decode(typ tftypes.Type, encoded *tfprotov6.DynamicValue) object {
	c.t.Helper()
	if encoded == nil {
		return nil
	}
	value, err := encoded.Unmarshal(typ)
	c.check(err)
	decoded, _ := fromValue(value).(object)
	text, err := json.Marshal(decoded)
	c.check(err)
	c.auditText("a value", string(text))
	return decoded
}

// toValue makes v a value of the type.
func toValue(typ tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case unknownValue:
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	case int:
		return tftypes.NewValue(typ, big.NewFloat(float64(v)))
	case []any:
		elements := make([]tftypes.Value, len(v))
		for i, element := range v {
			elements[i] = toValue(typ.(tftypes.List).ElementType, element)
		}
		return tftypes.NewValue(typ, elements)
	case object:
		if v == nil {
			return tftypes.NewValue(typ, nil)
		}
		if typ, ok := typ.(tftypes.Map); ok {
			elements := map[string]tftypes.Value{}
			for name, element := range v {
				elements[name] = toValue(typ.ElementType, element)
			}
			return tftypes.NewValue(typ, elements)
		}
		attributes := map[string]tftypes.Value{}
		for name, typ := range typ.(tftypes.Object).AttributeTypes {
			attributes[name] = toValue(typ, v[name])
		}
		return tftypes.NewValue(typ, attributes)
	default:
		return tftypes.NewValue(typ, v)
	}
}

func fromValue(value tftypes.Value) any {
	var (
		elements   []tftypes.Value
		attributes map[string]tftypes.Value
		text       string
		truth      bool
	)
	switch {
	case !value.IsKnown():
		return unknown
	case value.IsNull():
		return nil
	case value.As(&text) == nil:
		return text
	case value.As(&truth) == nil:
		return truth
	case value.Type().Is(tftypes.Number):
		var number big.Float
		_ = value.As(&number)
		n, _ := number.Int64()
		return int(n)
	case value.Type().Is(tftypes.Object{}), value.Type().Is(tftypes.Map{}):
		_ = value.As(&attributes)
		decoded := object{}
		for name, attribute := range attributes {
			decoded[name] = fromValue(attribute)
		}
		return decoded
	default:
		_ = value.As(&elements)
		decoded := make([]any, len(elements))
		for i, element := range elements {
			decoded[i] = fromValue(element)
		}
		return decoded
	}
}

// agrees tells whether a result is what was planned: wholly known, and the same
// where the plan is known.
func agrees(planned, result any) bool {
	switch planned := planned.(type) {
	case unknownValue:
		return true
	case object:
		result, ok := result.(object)
		if planned == nil || !ok {
			return (planned == nil) == (result == nil)
		}
		for name, value := range planned {
			if !agrees(value, result[name]) {
				return false
			}
		}
		return true
	case []any:
		result, ok := result.([]any)
		if !ok || len(result) != len(planned) {
			return false
		}
		for i := range planned {
			if !agrees(planned[i], result[i]) {
				return false
			}
		}
		return true
	default:
		return planned == result
	}
}

// diagnostics are errors and warnings, in order.
type diagnostics []*tfprotov6.Diagnostic

func (d diagnostics) hasError() bool {
	for _, diag := range d {
		if diag.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

func (d diagnostics) String() string {
	var b strings.Builder
	for _, diag := range d {
		fmt.Fprintf(&b, "%s on %q: %s\n%s\n", diag.Severity, attribute(diag.Attribute), diag.Summary, diag.Detail)
	}
	return b.String()
}

// audit holds diagnostics to what is true of all of them.
func (c *core) audit(diags []*tfprotov6.Diagnostic) diagnostics {
	c.t.Helper()
	for _, diag := range diags {
		c.auditText("a diagnostic", diag.Summary+"\n"+diag.Detail)
		if strings.ContainsFunc(diag.Summary+diag.Detail, isUnprintable) {
			c.t.Fatalf("a diagnostic holds a control character: %q", diag.Detail)
		}
	}
	return diags
}

// auditText fails for text that holds a secret.
func (c *core) auditText(where, text string) {
	c.t.Helper()
	secrets := []string{cloudflaretest.APIToken, cloudflaretest.ReadOnlyToken, cloudflaretest.APIKey}
	for _, account := range []*cloudflaretest.Account{c.server.a, c.server.b} {
		if account != nil {
			secrets = append(secrets, account.Tokens()...)
		}
	}
	for _, request := range c.server.Requests() {
		secrets = append(secrets, request.Token)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			c.t.Fatalf("%s holds the secret %s:\n%s", where, secret, text)
		}
	}
}

// isUnprintable finds what could drive a terminal.
func isUnprintable(r rune) bool {
	return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e
}

// attribute renders an attribute's path: "timeouts.create".
func attribute(at *tftypes.AttributePath) string {
	if at == nil {
		return ""
	}
	names := make([]string, len(at.Steps()))
	for i, step := range at.Steps() {
		names[i] = fmt.Sprint(step)
		if name, ok := step.(tftypes.AttributeName); ok {
			names[i] = string(name)
		}
	}
	return strings.Join(names, ".")
}

// lockedWriter is for logs that several goroutines write.
type lockedWriter struct {
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
