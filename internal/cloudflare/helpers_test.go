// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

const userAgent = "test/1.0 (+https://example.com)"

var byToken = cloudflare.Credentials{APIToken: cloudflaretest.APIToken}

// bench is a client of the stand-in, and an account that both know.
type bench struct {
	*cloudflare.Client
	t        *testing.T
	server   *cloudflaretest.Server
	account  string
	attempts *attempts
}

type attempts struct {
	mu  sync.Mutex
	all []cloudflare.Attempt
}

func (a *attempts) observe(_ context.Context, attempt cloudflare.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, attempt)
}

func (a *attempts) list() []cloudflare.Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]cloudflare.Attempt(nil), a.all...)
}

type edit = func(*cloudflare.Config)

func retries(n int) edit { return func(c *cloudflare.Config) { c.MaxRetries = n } }

// on makes a client of a server. What holds for every test is checked when it
// ends: no request broke the API's contract, no token was linked twice, and no
// secret was reported.
func on(t *testing.T, server *cloudflaretest.Server, edits ...edit) *bench {
	t.Helper()
	// Accounts have one lock for the whole process, so each test has its own.
	sum := md5.Sum([]byte(t.Name()))
	b := &bench{t: t, server: server, account: hex.EncodeToString(sum[:]), attempts: &attempts{}}
	server.Account(b.account)
	config := cloudflare.Config{
		Credentials: byToken, BaseURL: server.URL(), UserAgent: userAgent,
		MaxRetries: cloudflare.DefaultMaxRetries, Observe: b.attempts.observe,
	}
	for _, edit := range edits {
		edit(&config)
	}
	b.Client = newClient(t, config)
	t.Cleanup(func() {
		for _, violation := range server.Violations() {
			t.Errorf("contract violation: %s", violation)
		}
		equal(t, "tokens that were linked twice", len(server.Relinked()), 0)
		for _, attempt := range b.attempts.list() {
			b.mustNotLeak(t, fmt.Sprintf("%+v", attempt))
		}
	})
	return b
}

// offline is a bench without sockets.
func offline(t *testing.T, edits ...edit) *bench {
	t.Helper()
	server := cloudflaretest.NewOffline()
	return on(t, server, append([]edit{inMemory(server)}, edits...)...)
}

func inMemory(server *cloudflaretest.Server) edit {
	return func(c *cloudflare.Config) { c.Transport = server.RoundTripper() }
}

// online is a bench over a socket, with the client's own transports.
func online(t *testing.T, edits ...edit) *bench {
	t.Helper()
	return on(t, cloudflaretest.New(t), edits...)
}

// refusal is the body of a failure that gives no reason.
const refusal = `{"success": false}`

// bubble runs a test on a bench without sockets, where time passes at once.
func bubble(t *testing.T, test func(*bench), edits ...edit) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(offline(t, edits...))
		time.Sleep(24 * time.Hour) // A shared request that all have given up runs out.
	})
}

func newClient(t *testing.T, config cloudflare.Config) *cloudflare.Client {
	t.Helper()
	client, err := cloudflare.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// calls makes each of the API's calls once.
func (b *bench) requests() map[cloudflaretest.Op]func(context.Context) error {
	return requestsOf(b.Client, b.account)
}

func requestsOf(client *cloudflare.Client, account string) map[cloudflaretest.Op]func(context.Context) error {
	return map[cloudflaretest.Op]func(context.Context) error{
		cloudflaretest.List: func(ctx context.Context) error {
			_, err := client.ListServices(ctx, account)
			return err
		},
		cloudflaretest.Token: func(ctx context.Context) error {
			_, err := client.CreateIntegrationToken(ctx, account)
			return err
		},
		cloudflaretest.Link: func(ctx context.Context) error {
			_, _, err := client.Link(ctx, account, someToken)
			return err
		},
		cloudflaretest.Delete: func(ctx context.Context) error {
			_, err := client.DeleteServices(ctx, account, nil)
			return err
		},
	}
}

// someToken is none that the stand-in made.
const someToken = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

// log is what arrived, in order.
func (b *bench) log() (calls []cloudflaretest.Op) {
	for _, request := range b.server.Requests() {
		calls = append(calls, request.Op)
	}
	return calls
}

// wantLog compares what arrived with calls such as "list token link list".
func (b *bench) wantLog(t *testing.T, want string) {
	t.Helper()
	var got []string
	for _, call := range b.log() {
		got = append(got, string(call))
	}
	equal(t, "requests", strings.Join(got, " "), want)
}

// gaps are the times between the requests that arrived.
func (b *bench) gaps() (gaps []time.Duration) {
	requests := b.server.Requests()
	for i := 1; i < len(requests); i++ {
		gaps = append(gaps, requests[i].Start.Sub(requests[i-1].Start))
	}
	return gaps
}

func (b *bench) connect(ctx context.Context) (*cloudflare.Connection, error) {
	return b.Connect(ctx, b.account, cloudflare.ConnectOptions{})
}

// show lets the account have services, as somebody might in the dashboard.
func (b *bench) show(services ...cloudflaretest.Service) {
	b.server.Account(b.account).SetServices(services...)
}

func (b *bench) consent(c cloudflaretest.LinkModel) { b.server.Account(b.account).SetLinkModel(c) }

var (
	alpha = cloudflaretest.Service{ID: "a1", Name: "Alpha"}
	beta  = cloudflaretest.Service{ID: "b2", Name: "Beta"}
)

func services(of ...cloudflaretest.Service) []cloudflare.Service {
	var services []cloudflare.Service
	for _, s := range of {
		services = append(services, cloudflare.Service(s))
	}
	return services
}

// mustNotLeak fails when text holds a secret that this bench knows, in any form.
func (b *bench) mustNotLeak(t *testing.T, text string) {
	t.Helper()
	mustNotHold(t, text, append(b.server.Account(b.account).Tokens(), cloudflaretest.APIToken, cloudflaretest.APIKey)...)
}

func mustNotHold(t *testing.T, text string, secrets ...string) {
	t.Helper()
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for _, secret := range secrets {
		if strings.Contains(plain(text), plain(secret)) {
			t.Errorf("the secret %s is in: %s", secret, text)
		}
	}
}

// refuseConnection fails as net/http does where nothing listens: the request wants
// a connection, and gets none.
func refuseConnection(r *http.Request) error {
	httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
	return fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
}

// transport is a network made of a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a client of a network that gives one answer to everything, and
// the requests that it made.
func answering(t *testing.T, status int, header http.Header, body string, edits ...edit) (*cloudflare.Client, *[]*http.Request) {
	t.Helper()
	var requests []*http.Request
	config := cloudflare.Config{Credentials: byToken, Transport: transport(func(r *http.Request) (*http.Response, error) {
		requests = append(requests, r)
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}
	for _, edit := range edits {
		edit(&config)
	}
	return newClient(t, config), &requests
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

func between(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s = %s, want %s to %s", what, got, low, high)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("error: %v", err)
	}
}

// wants fails unless err has a T in it, which it returns.
func wants[T error](t *testing.T, err error) T {
	t.Helper()
	var target T
	if !errors.As(err, &target) {
		t.Fatalf("error = %T: %v, want a %T", err, err, target)
	}
	return target
}

// says fails unless the error's text has all of the parts.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q has no %q", err, part)
		}
	}
}
