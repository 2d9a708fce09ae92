// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

const (
	accountA = "0a000000000000000000000000000001"
	accountB = "0b000000000000000000000000000002"
	// accountNone is one that the API does not know.
	accountNone = "0c000000000000000000000000000003"
)

var (
	primary = cloudflaretest.Service{ID: "11111111111111111111111111111111", Name: "Primary"}
	second  = cloudflaretest.Service{ID: "22222222-2222-2222-2222-222222222222", Name: "Second"}
)

// fakeAPI is a fake API with two accounts. At its end it checks for links that
// were made twice with one token.
type fakeAPI struct {
	*cloudflaretest.Server
	t    *testing.T // a bubble has its own
	url  string
	a, b *cloudflaretest.Account
}

// online serves over a socket.
func online(t *testing.T) *fakeAPI {
	t.Helper()
	server := cloudflaretest.New(t)
	return newFakeAPI(t, server, server.URL())
}

var ports atomic.Int32

// offline serves from memory, as a synctest bubble needs it. The lock of an
// account goes by the URL, so each fake API has its own.
func offline(t *testing.T) *fakeAPI {
	t.Helper()
	server := cloudflaretest.NewOffline()
	t.Cleanup(func() {
		for _, violation := range server.Violations() {
			t.Errorf("contract violation: %s", violation)
		}
	})
	return newFakeAPI(t, server, fmt.Sprintf("http://127.0.0.1:%d/client/v4", ports.Add(1)))
}

func newFakeAPI(t *testing.T, server *cloudflaretest.Server, url string) *fakeAPI {
	t.Helper()
	s := &fakeAPI{Server: server, t: t, url: url, a: server.Account(accountA), b: server.Account(accountB)}
	t.Cleanup(func() {
		if relinked := server.Relinked(); len(relinked) > 0 {
			t.Errorf("linked twice with the tokens %v", relinked)
		}
	})
	return s
}

// URL is the base URL for the provider.
func (s *fakeAPI) URL() string { return s.url }

// requests names the requests since the last time, in order: "list token link".
func (s *fakeAPI) requests() string {
	var ops []string
	for _, request := range s.Requests() {
		ops = append(ops, string(request.Op))
	}
	s.ResetRequests()
	return strings.Join(ops, " ")
}

func expectRequests(t *testing.T, server *fakeAPI, want string) {
	t.Helper()
	if got := server.requests(); got != want {
		t.Errorf("requests: %q, want %q", got, want)
	}
}

func expectServices(t *testing.T, account *cloudflaretest.Account, want ...cloudflaretest.Service) {
	t.Helper()
	if got := account.Services(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("connected: %v, want %v", got, want)
	}
}

// bubble runs a test with a fake API in memory, on a clock of its own, on which
// waits take no time.
func bubble(t *testing.T, test func(*fakeAPI)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(24 * time.Hour) }) // Requests that nobody waits for any more end.
		test(offline(t))
	})
}

// wanted is a diagnostic that a test expects.
type wanted struct {
	severity tfprotov6.DiagnosticSeverity
	at       string
	summary  string
	parts    []string
}

func anError(summary string, parts ...string) wanted {
	return wanted{severity: tfprotov6.DiagnosticSeverityError, summary: summary, parts: parts}
}

func aWarning(summary string, parts ...string) wanted {
	return wanted{severity: tfprotov6.DiagnosticSeverityWarning, summary: summary, parts: parts}
}

// isRequired is the error of a block without an attribute that it needs.
func isRequired(attribute string) wanted {
	return anError("Missing Configuration for Required Attribute").on(attribute)
}

// on says which attribute the diagnostic belongs to.
func (w wanted) on(at string) wanted {
	w.at = at
	return w
}

// expect wants exactly these diagnostics, each with all its parts in the detail.
func expect(t *testing.T, got diagnostics, want ...wanted) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d diagnostics, want %d:\n%s", len(got), len(want), got)
	}
	for i, w := range want {
		if got[i].Severity != w.severity || attribute(got[i].Attribute) != w.at || got[i].Summary != w.summary {
			t.Errorf("diagnostic %d: %s on %q: %s, want %s on %q: %s", i, got[i].Severity, attribute(got[i].Attribute), got[i].Summary, w.severity, w.at, w.summary)
			t.Log(got[i].Detail)
		}
		for _, part := range w.parts {
			if !strings.Contains(got[i].Detail, part) {
				t.Errorf("%s: no %q in\n%s", w.summary, part, got[i].Detail)
			}
		}
	}
}

// expectState compares some attributes of a state.
func expectState(t *testing.T, got, want object) {
	t.Helper()
	for name, value := range want {
		if actual, ok := got[name]; !ok || fmt.Sprintf("%#v", actual) != fmt.Sprintf("%#v", value) {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
}

// listed are services as a state holds them.
func listed(services ...cloudflaretest.Service) []any {
	list := []any{}
	for _, service := range services {
		list = append(list, object{"id": service.ID, "name": service.Name})
	}
	return list
}

// took fails unless about this much time has passed.
func took(t *testing.T, since time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(since); d < least || d > most {
		t.Errorf("took %s, want %s to %s", d, least, most)
	}
}

// fastClock passes the time at once: a sleep only moves the clock forward. It
// starts at the real time, so that a context's deadline can be compared with it. It
// is for a real terraform, which can't run in a bubble.
type fastClock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *fastClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *fastClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.ahead += d
	c.mu.Unlock()
	return ctx.Err()
}

// factories serve the provider in-process, on a clock that does not wait.
func factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"pagerduty": providerserver.NewProtocol6WithError(testProvider(func(config *cloudflare.Config) { config.Clock = &fastClock{} })),
	}
}

func testProvider(adjust func(*cloudflare.Config)) provider.Provider {
	return &pagerdutyProvider{version: "test", adjust: adjust}
}

// config is a configuration against the fake API.
func config(server *fakeAPI, body string) string {
	return fmt.Sprintf(`
provider "pagerduty" {
  api_token = %q
  base_url  = %q
}
`, cloudflaretest.APIToken, server.URL()) + body
}
