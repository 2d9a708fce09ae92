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
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// session drives the provider over its protocol, in-process, in the order that
// terraform keeps to: one session is one run of terraform, and [session.rerun]
// starts the next. Unlike a real terraform it shows warnings, defers, is
// interrupted on demand and works in a synctest bubble.
//
// It holds every answer to what terraform would refuse it for (a plan that
// changes the configuration, a result that is not the plan's), and to what the
// provider promises of everything it says: no secret, no control character.
type session struct {
	// Deferral lets the provider defer what it can't do yet.
	deferral bool

	t       tester
	server  *standIn
	adjust  []func(*cloudflare.Config)
	ctx     context.Context
	wire    tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse

	logMu sync.Mutex
	log   bytes.Buffer
}

// tester is what a session needs of a *testing.T; a *rapid.T has it too.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// object is a block or a state: strings, bools, ints, objects, []any, nil for
// null and unknown for what is not known yet. What is missing is null.
type object = map[string]any

type unknownValue struct{}

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

// standard configures the provider for the stand-in.
func standard(server *standIn) object {
	return object{"api_token": cloudflaretest.APIToken, "base_url": server.URL()}
}

// newSession starts a run with a configured provider. A nil configuration is the
// standard one.
func newSession(t tester, server *standIn, config object, adjust ...func(*cloudflare.Config)) *session {
	t.Helper()
	if config == nil {
		config = standard(server)
	}
	s := unconfigured(t, server, adjust...)
	if diags := s.configure(config); len(diags) > 0 {
		t.Fatalf("Unable to configure the provider:\n%s", diags)
	}
	return s
}

// unconfigured is a run whose provider has no configuration yet.
func unconfigured(t tester, server *standIn, adjust ...func(*cloudflare.Config)) *session {
	t.Helper()
	s := &session{t: t, server: server, adjust: adjust}
	s.ctx = tflogtest.RootLogger(context.Background(), lockedWriter{&s.logMu, &s.log})
	wire, err := providerserver.NewProtocol6WithError(testProvider(func(config *cloudflare.Config) {
		config.Transport = server.RoundTripper()
		for _, adjust := range s.adjust {
			adjust(config)
		}
	}))()
	s.check(err)
	s.wire = wire
	s.schemas, err = wire.GetProviderSchema(s.ctx, &tfprotov6.GetProviderSchemaRequest{})
	s.check(err)
	return s
}

// rerun starts the next run, in a new process so to speak.
func (s *session) rerun(config object) *session {
	s.t.Helper()
	return newSession(s.t, s.server, config, s.adjust...)
}

// configure validates and, if that went well, configures the provider.
func (s *session) configure(config object) diagnostics {
	s.t.Helper()
	value := s.encode(s.schemas.Provider.ValueType(), config)
	validated, err := s.wire.ValidateProviderConfig(s.ctx, &tfprotov6.ValidateProviderConfigRequest{Config: value})
	s.check(err)
	diags := s.audit(validated.Diagnostics)
	if diags.hasError() {
		return diags
	}
	configured, err := s.wire.ConfigureProvider(s.ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.11.4", Config: value,
		ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: s.deferral},
	})
	s.check(err)
	return append(diags, s.audit(configured.Diagnostics)...)
}

// interrupt is what terraform sends on Ctrl-C.
func (s *session) interrupt() {
	s.t.Helper()
	resp, err := s.wire.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{})
	s.check(err)
	if resp.Error != "" {
		s.t.Fatalf("StopProvider: %s", resp.Error)
	}
}

// entries are the provider's log lines so far.
func (s *session) entries() []map[string]any {
	s.t.Helper()
	s.logMu.Lock()
	defer s.logMu.Unlock()
	entries, err := tflogtest.MultilineJSONDecode(bytes.NewReader(s.log.Bytes()))
	s.check(err)
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
func (s *session) validate(config object) diagnostics {
	s.t.Helper()
	resp, err := s.wire.ValidateResourceConfig(s.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: connectionType, Config: s.encode(s.connection(), onA(config)),
	})
	s.check(err)
	return s.audit(resp.Diagnostics)
}

// plan plans a block, or the destruction of what there is when the configuration
// is nil. A replacement takes two calls, and the second one's warnings are lost.
func (s *session) plan(prior instance, config object) plan {
	s.t.Helper()
	config = onA(config)
	if config != nil {
		if diags := s.validate(config); diags.hasError() {
			return plan{outcome: outcome{instance: prior, diags: diags}, prior: prior, config: config}
		}
	}
	p := s.planOnce(prior, config)
	if len(p.replaced) == 0 || p.diags.hasError() {
		return p
	}
	second := s.planOnce(instance{}, config)
	p.inPlace, p.state, p.private = p.state, second.state, second.private
	for _, diag := range second.diags {
		if diag.Severity == tfprotov6.DiagnosticSeverityError {
			p.diags = append(p.diags, diag)
		}
	}
	return p
}

func (s *session) planOnce(prior instance, config object) plan {
	s.t.Helper()
	typ := s.connection()
	req := &tfprotov6.PlanResourceChangeRequest{
		TypeName: connectionType, PriorState: s.encode(typ, prior.state), PriorPrivate: prior.private, PriorIdentity: s.identity(prior.identity),
		Config: s.encode(typ, config), ProposedNewState: s.encode(typ, s.proposed(prior.state, config)),
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{DeferralAllowed: s.deferral},
	}
	resp, err := s.wire.PlanResourceChange(s.ctx, req)
	s.check(err)
	p := plan{prior: prior, config: config, private: resp.PlannedPrivate}
	p.diags, p.deferred = s.audit(resp.Diagnostics), resp.Deferred != nil
	if p.diags.hasError() {
		p.instance = prior
		return p
	}
	p.state, p.identity = s.decode(typ, resp.PlannedState), s.decodeIdentity(resp.PlannedIdentity)
	for _, at := range resp.RequiresReplace {
		p.replaced = append(p.replaced, attribute(at))
	}
	for _, attribute := range s.attributes() {
		value := config[attribute.Name]
		if value != nil && !agrees(value, p.state[attribute.Name]) {
			s.t.Fatalf("planned %s = %v where the block has %v", attribute.Name, p.state[attribute.Name], value)
		}
	}
	return p
}

func (s *session) attributes() []*tfprotov6.SchemaAttribute {
	return s.schemas.ResourceSchemas[connectionType].Block.Attributes
}

// proposed is the prior state with the block put over it.
func (s *session) proposed(prior, config object) object {
	if config == nil {
		return nil
	}
	proposed := object{}
	for _, attribute := range s.attributes() {
		value := config[attribute.Name]
		if value == nil && attribute.Computed {
			value = prior[attribute.Name]
		}
		proposed[attribute.Name] = value
	}
	return proposed
}

// apply carries a plan out. A replacement destroys first.
func (s *session) apply(p plan) outcome {
	s.t.Helper()
	if len(p.replaced) == 0 {
		return s.applyOnce(p)
	}
	destroyed := s.applyOnce(plan{prior: p.prior, private: p.prior.private})
	if destroyed.diags.hasError() {
		return destroyed
	}
	p.prior = instance{}
	created := s.applyOnce(p)
	created.diags = append(destroyed.diags, created.diags...)
	return created
}

// flow is the key under which the context of each apply has a value of its own.
type flow struct{}

func (s *session) applyOnce(p plan) outcome {
	s.t.Helper()
	typ := s.connection()
	ctx := context.WithValue(s.ctx, flow{}, new(int))
	resp, err := s.wire.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: connectionType, PriorState: s.encode(typ, p.prior.state), PlannedState: s.encode(typ, p.state),
		Config: s.encode(typ, p.config), PlannedPrivate: p.private, PlannedIdentity: s.identity(p.identity),
	})
	s.check(err)
	out := outcome{instance: instance{s.decode(typ, resp.NewState), s.decodeIdentity(resp.NewIdentity), resp.Private}, diags: s.audit(resp.Diagnostics)}
	s.auditText("private state", string(resp.Private))
	failed := out.diags.hasError()
	out.tainted = failed && p.prior.state == nil && out.state != nil
	if !failed && !agrees(p.state, out.state) {
		s.t.Fatalf("applied\n%v\nwhere the plan has\n%v", out.state, p.state)
	}
	return out
}

// create, and anything else that a plan without errors leads to.
func (s *session) converge(prior instance, config object) outcome {
	s.t.Helper()
	p := s.plan(prior, config)
	if p.diags.hasError() {
		return p.outcome
	}
	return s.apply(p)
}

func (s *session) create(config object) outcome {
	s.t.Helper()
	return s.converge(instance{}, config)
}

func (s *session) destroy(prior instance) outcome {
	s.t.Helper()
	return s.converge(prior, nil)
}

// read refreshes an instance. When that fails, it stays as it was.
func (s *session) read(prior instance) outcome {
	s.t.Helper()
	typ := s.connection()
	resp, err := s.wire.ReadResource(s.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: connectionType, CurrentState: s.encode(typ, prior.state), Private: prior.private, CurrentIdentity: s.identity(prior.identity),
		ClientCapabilities: &tfprotov6.ReadResourceClientCapabilities{DeferralAllowed: s.deferral},
	})
	s.check(err)
	out := outcome{instance: prior, diags: s.audit(resp.Diagnostics), deferred: resp.Deferred != nil}
	if !out.diags.hasError() {
		out.instance = instance{s.decode(typ, resp.NewState), s.decodeIdentity(resp.NewIdentity), resp.Private}
	}
	return out
}

// importID imports by ID, and reads.
func (s *session) importID(id string) outcome {
	s.t.Helper()
	return s.imported(&tfprotov6.ImportResourceStateRequest{ID: id})
}

// importIdentity imports by identity, and reads.
func (s *session) importIdentity(identity object) outcome {
	s.t.Helper()
	return s.imported(&tfprotov6.ImportResourceStateRequest{Identity: s.identity(identity)})
}

func (s *session) imported(req *tfprotov6.ImportResourceStateRequest) outcome {
	s.t.Helper()
	req.TypeName = connectionType
	req.ClientCapabilities = &tfprotov6.ImportResourceStateClientCapabilities{DeferralAllowed: s.deferral}
	resp, err := s.wire.ImportResourceState(s.ctx, req)
	s.check(err)
	diags := s.audit(resp.Diagnostics)
	if diags.hasError() {
		return outcome{diags: diags}
	}
	if len(resp.ImportedResources) != 1 {
		s.t.Fatalf("imported %d resources", len(resp.ImportedResources))
	}
	imported := resp.ImportedResources[0]
	out := s.read(instance{s.decode(s.connection(), imported.State), s.decodeIdentity(imported.Identity), imported.Private})
	out.diags = append(diags, out.diags...)
	if out.diags.hasError() {
		out.instance = instance{}
	}
	return out
}

func (s *session) services(config object) outcome {
	s.t.Helper()
	return s.data("pagerduty_services", config)
}

func (s *session) service(config object) outcome {
	s.t.Helper()
	return s.data("pagerduty_connected_service", config)
}

func (s *session) validateData(name string, config object) diagnostics {
	s.t.Helper()
	value := s.encode(s.schemas.DataSourceSchemas[name].ValueType(), onA(config))
	validated, err := s.wire.ValidateDataResourceConfig(s.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: value})
	s.check(err)
	return s.audit(validated.Diagnostics)
}

// data validates and reads a data source.
func (s *session) data(name string, config object) outcome {
	s.t.Helper()
	typ := s.schemas.DataSourceSchemas[name].ValueType()
	out := outcome{diags: s.validateData(name, config)}
	if out.diags.hasError() {
		return out
	}
	resp, err := s.wire.ReadDataSource(s.ctx, &tfprotov6.ReadDataSourceRequest{
		TypeName: name, Config: s.encode(typ, onA(config)),
		ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{DeferralAllowed: s.deferral},
	})
	s.check(err)
	out.diags, out.deferred = append(out.diags, s.audit(resp.Diagnostics)...), resp.Deferred != nil
	if !out.diags.hasError() {
		out.state = s.decode(typ, resp.State)
	}
	return out
}

// found is a result of a list.
type found struct {
	instance
	name string
}

// query lists connections, as terraform query does: an error ends the list. A block
// that names no accounts is about accountA.
func (s *session) query(config object, limit int64, includeResource bool) ([]found, diagnostics) {
	s.t.Helper()
	server := s.wire.(tfprotov6.ListResourceServer)
	value := s.encode(s.schemas.ListResourceSchemas[connectionType].ValueType(), with(object{"account_ids": []any{accountA}}, config))
	validated, err := server.ValidateListResourceConfig(s.ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: connectionType, Config: value})
	s.check(err)
	diags := s.audit(validated.Diagnostics)
	if diags.hasError() {
		return nil, diags
	}
	stream, err := server.ListResource(s.ctx, &tfprotov6.ListResourceRequest{TypeName: connectionType, Config: value, Limit: limit, IncludeResource: includeResource})
	s.check(err)
	var results []found
	for result := range stream.Results {
		diags = append(diags, s.audit(result.Diagnostics)...)
		if diags.hasError() {
			break
		}
		if result.Identity == nil {
			continue
		}
		results = append(results, found{instance{s.decode(s.connection(), result.Resource), s.decodeIdentity(result.Identity), nil}, result.DisplayName})
		if (result.Resource != nil) != includeResource {
			s.t.Fatalf("a result with the resource %v, which is wanted: %t", result.Resource, includeResource)
		}
	}
	return results, diags
}

func (s *session) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("protocol: %v", err)
	}
}

func (s *session) connection() tftypes.Type {
	return s.schemas.ResourceSchemas[connectionType].ValueType()
}

var identityType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"account_id": tftypes.String}}

func (s *session) identity(identity object) *tfprotov6.ResourceIdentityData {
	s.t.Helper()
	if identity == nil {
		return nil
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: s.encode(identityType, identity)}
}

func (s *session) decodeIdentity(data *tfprotov6.ResourceIdentityData) object {
	s.t.Helper()
	if data == nil {
		return nil
	}
	return s.decode(identityType, data.IdentityData)
}

func (s *session) encode(typ tftypes.Type, value object) *tfprotov6.DynamicValue {
	s.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(typ, toValue(typ, value))
	s.check(err)
	return &encoded
}

// decode also sees to it that no secret gets into a plan or a state.
func (s *session) decode(typ tftypes.Type, encoded *tfprotov6.DynamicValue) object {
	s.t.Helper()
	if encoded == nil {
		return nil
	}
	value, err := encoded.Unmarshal(typ)
	s.check(err)
	decoded, _ := fromValue(value).(object)
	text, err := json.Marshal(decoded)
	s.check(err)
	s.auditText("a value", string(text))
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
	case value.Type().Is(tftypes.Object{}):
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
func (s *session) audit(diags []*tfprotov6.Diagnostic) diagnostics {
	s.t.Helper()
	for _, diag := range diags {
		s.auditText("a diagnostic", diag.Summary+"\n"+diag.Detail)
		if strings.ContainsFunc(diag.Summary+diag.Detail, isUnprintable) {
			s.t.Fatalf("a diagnostic holds a control character: %q", diag.Detail)
		}
	}
	return diags
}

// auditText fails for text that holds a secret.
func (s *session) auditText(where, text string) {
	s.t.Helper()
	secrets := []string{cloudflaretest.APIToken, cloudflaretest.ReadOnlyToken, cloudflaretest.APIKey}
	for _, account := range []*cloudflaretest.Account{s.server.a, s.server.b} {
		if account != nil {
			secrets = append(secrets, account.Tokens()...)
		}
	}
	for _, request := range s.server.Requests() {
		secrets = append(secrets, request.Token)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			s.t.Fatalf("%s holds the secret %s:\n%s", where, secret, text)
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
