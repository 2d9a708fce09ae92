// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

const providerAddress = "registry.terraform.io/seed-bcdb0ca7/cloudflare-pagerduty"

// workspace is a folder in which a real terraform works, with the provider in
// this process. It shows what terraform-plugin-testing does not: warnings, as
// terraform prints them.
type workspace struct {
	dir string
	env []string
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	config := serveForReattach(t, tf6server.WithDebug)
	reattach, err := json.Marshal(map[string]any{providerAddress: map[string]any{
		"Protocol": "grpc", "ProtocolVersion": 6, "Pid": config.Pid, "Test": true,
		"Addr": map[string]any{"Network": config.Addr.Network(), "String": config.Addr.String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &workspace{
		dir: t.TempDir(),
		env: append(os.Environ(), "TF_REATTACH_PROVIDERS="+string(reattach), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1"),
	}
}

// serveForReattach serves the provider until the test ends. C is the configuration
// type of go-plugin, which nothing here needs to import.
func serveForReattach[C any](t *testing.T, debug func(context.Context, chan C, chan struct{}) tf6server.ServeOpt) C {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	configs, closed := make(chan C), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- tf6server.Serve(providerAddress, func() tfprotov6.ProviderServer {
			server, err := newServer()
			if err != nil {
				panic(err)
			}
			return server
		}, debug(ctx, configs, closed), tf6server.WithLoggingSink(t))
	}()
	t.Cleanup(func() {
		cancel()
		<-closed
	})
	select {
	case config := <-configs:
		return config
	case err := <-failed:
		close(closed)
		t.Fatalf("Unable to serve the provider: %v", err)
		panic("unreachable")
	}
}

// write puts a configuration in place of the last one.
func (w *workspace) write(t *testing.T, config string) {
	t.Helper()
	const required = "terraform {\n  required_providers {\n    pagerduty = { source = %q }\n  }\n}\n"
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), fmt.Appendf(nil, required+config, providerAddress), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs terraform and returns the provider's diagnostics, in the order in
// which terraform shows them.
func (w *workspace) run(t *testing.T, arguments ...string) diagnostics {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Getenv(terraformtest.EnvPath), arguments...)
	command.Dir, command.Env = w.dir, w.env
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var diags diagnostics
	for line := range strings.Lines(string(output)) {
		var event struct {
			Diagnostic *struct{ Severity, Summary, Detail string }
		}
		if json.Unmarshal([]byte(line), &event) != nil || event.Diagnostic == nil {
			continue
		}
		severity := tfprotov6.DiagnosticSeverityWarning
		if event.Diagnostic.Severity == "error" {
			severity = tfprotov6.DiagnosticSeverityError
		}
		diags = append(diags, &tfprotov6.Diagnostic{Severity: severity, Summary: event.Diagnostic.Summary, Detail: event.Diagnostic.Detail})
	}
	if err != nil && !diags.hasError() {
		t.Fatalf("terraform %v: %v\n%s%s", arguments, err, output, stderr.String())
	}
	return diags
}

func (w *workspace) apply(t *testing.T, arguments ...string) diagnostics {
	t.Helper()
	return w.run(t, append([]string{"apply", "-json", "-auto-approve"}, arguments...)...)
}

func (w *workspace) plan(t *testing.T, arguments ...string) diagnostics {
	t.Helper()
	return w.run(t, append([]string{"plan", "-json"}, arguments...)...)
}

// unitTest runs steps with a real terraform, on a clock that does not wait.
func unitTest(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: steps})
}

// servicesAre checks the services that a resource, or a data source, holds.
type servicesAre struct {
	address  string
	services []cloudflaretest.Service
}

var _ statecheck.StateCheck = servicesAre{}

func (c servicesAre) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	for _, r := range req.State.Values.RootModule.Resources {
		if r.Address != c.address {
			continue
		}
		if got, want := fmt.Sprint(r.AttributeValues["services"]), fmt.Sprint(listed(c.services...)); got != want {
			resp.Error = fmt.Errorf("%s has the services %s, want %s", c.address, got, want)
		}
		return
	}
	resp.Error = fmt.Errorf("no %s in the state", c.address)
}

// requested checks how many requests of one kind are in the fake API's log.
type requested struct {
	server *fakeAPI
	op     cloudflaretest.Op
	times  int
}

var _ statecheck.StateCheck = requested{}

func (c requested) CheckState(_ context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	if n := c.server.Count(c.op); n != c.times {
		resp.Error = fmt.Errorf("%d requests of %s, want %d", n, c.op, c.times)
	}
}

// accountHas checks what is connected.
type accountHas struct {
	account  *cloudflaretest.Account
	services []cloudflaretest.Service
}

var _ statecheck.StateCheck = accountHas{}

func (c accountHas) CheckState(_ context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	if got := c.account.Services(); fmt.Sprint(got) != fmt.Sprint(c.services) {
		resp.Error = fmt.Errorf("connected: %v, want %v", got, c.services)
	}
}

// resourcesAre checks which resources there are, data sources included.
type resourcesAre []string

var _ statecheck.StateCheck = resourcesAre{}

func (c resourcesAre) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	var got []string
	if values := req.State.Values; values != nil {
		for _, r := range values.RootModule.Resources {
			if r.Mode == tfjson.ManagedResourceMode {
				got = append(got, r.Address)
			}
		}
	}
	if strings.Join(got, " ") != strings.Join(c, " ") {
		resp.Error = fmt.Errorf("resources: %v, want %v", got, c)
	}
}

// text matches what terraform prints, which it wraps and frames.
func text(s string) *regexp.Regexp {
	return regexp.MustCompile(strings.Join(strings.Fields(regexp.QuoteMeta(s)), `[\s│]+`))
}
