// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/rpc"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	_ "github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server" // It registers the messages of protocol 6.
	"github.com/vmihailenco/msgpack/v5"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	connectionType = "pagerduty_connection"
	servicesType   = "pagerduty_services"
)

// plugin is a process of the provider's real binary, spoken to as terraform
// does, without terraform: thousands of operations take it seconds.
type plugin struct {
	conn   *grpc.ClientConn
	client *goplugin.Client
	stderr *lockedBuffer
}

// startPlugin starts a provider for the time of a test. Of the caller's
// environment it gets nothing that could configure it or the network.
func startPlugin(t *testing.T, env ...string) *plugin {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), terraformtest.Provider(t))
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	// Dozens of lines for each request would otherwise be written, read and dropped.
	cmd.Env = append(append(cmd.Env, "TF_LOG_SDK=OFF", "TF_LOG_PROVIDER_CLOUDFLARE_PAGERDUTY=OFF"), env...)
	p := &plugin{stderr: &lockedBuffer{}}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		VersionedPlugins: map[int]goplugin.PluginSet{6: {"provider": dispenser{}}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              cmd,
		SkipHostEnv:      true,
		Logger:           hclog.NewNullLogger(),
		Stderr:           p.stderr,
	})
	t.Cleanup(func() {
		exited := p.client.Exited()
		p.client.Kill()
		if stderr := p.stderr.String(); exited || strings.Contains(stderr, "panic") {
			t.Errorf("the provider crashed:\n%s", stderr)
		}
	})
	protocol, err := p.client.Client()
	if err != nil {
		t.Fatalf("%v\n%s", err, p.stderr)
	}
	dispensed, err := protocol.Dispense("provider")
	if err != nil {
		t.Fatal(err)
	}
	p.conn = dispensed.(*grpc.ClientConn)
	return p
}

// dispenser hands out the connection itself.
type dispenser struct{}

func (dispenser) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func (dispenser) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { panic("only a client here") }
func (dispenser) Server(*goplugin.MuxBroker) (any, error)             { panic("only gRPC here") }

func (dispenser) Client(*goplugin.MuxBroker, *rpc.Client) (any, error) { panic("only gRPC here") }

// object is a message or a value; what it does not have is null.
type object = map[string]any

// response has the parts of all responses.
type response struct {
	Diagnostics     []diagnostic
	PlannedState    encoded
	PlannedIdentity json.RawMessage
	NewState        encoded
	State           encoded // of a data source
}

type diagnostic struct {
	Severity, Summary, Detail string
}

// encoded is a value as it is on the wire.
type encoded struct{ Msgpack []byte }

func (e encoded) message() object { return object{"msgpack": e.Msgpack} }

var null = encoded{Msgpack: []byte{0xc0}}

func fromJSON(value object) object {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return object{"json": content}
}

// decode returns the state of either type, nil for null. It fails on a value that
// is not known.
func (e encoded) decode() (state *terraformtest.Connection, err error) {
	decoder := msgpack.NewDecoder(bytes.NewReader(e.Msgpack))
	decoder.SetCustomStructTag("json")
	return state, decoder.Decode(&state)
}

// request makes one request of the protocol. The error is one that terraform would
// report as a crash.
func (p *plugin) request(ctx context.Context, method string, body object) (response, error) {
	var resp response
	in, out := message(method+".Request"), message(method+".Response")
	content, err := json.Marshal(body)
	if err == nil {
		err = protojson.Unmarshal(content, in)
	}
	if err == nil {
		err = p.conn.Invoke(ctx, "/tfplugin6.Provider/"+method, in, out)
	}
	if err == nil {
		content, err = protojson.Marshal(out)
	}
	if err == nil {
		err = json.Unmarshal(content, &resp)
	}
	if err != nil {
		return resp, fmt.Errorf("%s: %w\n%s", method, err, p.stderr)
	}
	return resp, nil
}

func message(name string) proto.Message {
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + name))
	if err != nil {
		panic(err)
	}
	return messageType.New().Interface()
}

// configure configures the provider, with a client of its own, and wants no
// diagnostics.
func (p *plugin) configure(t *testing.T, config object) {
	t.Helper()
	all := object{"api_token": cloudflaretest.APIToken}
	maps.Copy(all, config)
	resp, err := p.request(t.Context(), "ConfigureProvider", object{"terraformVersion": "1.11.4", "config": fromJSON(all)})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatal(err, resp.Diagnostics)
	}
}

// plan plans a create.
func (p *plugin) plan(ctx context.Context, config object) (response, error) {
	return p.request(ctx, "PlanResourceChange", object{
		"typeName": connectionType, "priorState": null.message(),
		"proposedNewState": fromJSON(config), "config": fromJSON(config),
	})
}

func (p *plugin) create(ctx context.Context, config object, planned encoded) (response, error) {
	return p.request(ctx, "ApplyResourceChange", object{
		"typeName": connectionType, "priorState": null.message(),
		"plannedState": planned.message(), "config": fromJSON(config),
	})
}

func (p *plugin) read(ctx context.Context, state encoded) (response, error) {
	return p.request(ctx, "ReadResource", object{"typeName": connectionType, "currentState": state.message()})
}

func (p *plugin) delete(ctx context.Context, state encoded) (response, error) {
	return p.request(ctx, "ApplyResourceChange", object{
		"typeName": connectionType, "priorState": state.message(),
		"plannedState": null.message(), "config": null.message(),
	})
}

func (p *plugin) readData(ctx context.Context, config object) (response, error) {
	return p.request(ctx, "ReadDataSource", object{"typeName": servicesType, "config": fromJSON(config)})
}

func (r response) errors() []diagnostic { return r.of("ERROR") }

func (r response) warnings() []diagnostic { return r.of("WARNING") }

func (r response) of(severity string) (found []diagnostic) {
	for _, d := range r.Diagnostics {
		if d.Severity == severity {
			found = append(found, d)
		}
	}
	return found
}

// withTimeout is for requests that end long before d.
func withTimeout(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
