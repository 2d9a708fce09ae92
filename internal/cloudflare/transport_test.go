// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// skippingClock passes the time at once. It starts at the real time, so that a
// context's deadline can be compared with it.
type skippingClock struct {
	mu      sync.Mutex
	ahead   time.Duration
	onSleep func()
}

func (c *skippingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *skippingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
	if c.onSleep != nil {
		c.onSleep()
	}
	return ctx.Err()
}

func skipTime(c *cloudflare.Config) { c.Clock = &skippingClock{} }

// serving is a client of a handler, over a socket.
func serving(t *testing.T, handler http.HandlerFunc, edits ...edit) *cloudflare.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := cloudflare.Config{Credentials: byToken, BaseURL: server.URL, Clock: &skippingClock{}, MaxRetries: 2}
	for _, edit := range edits {
		edit(&config)
	}
	return newClient(t, config)
}

// net/http sends a GET again on its own account when a connection that it used
// before dies. A list may suffer that; a link must arrive once.
func TestLinkArrivesOnce(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before its effect": false, "after its effect": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := online(t, retries(5), skipTime)
			token, err := b.CreateIntegrationToken(t.Context(), b.account)
			noError(t, err)
			_, err = b.ListServices(t.Context(), b.account)
			noError(t, err)

			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Drop: true, Times: 1})
			_, err = b.ListServices(t.Context(), b.account)
			noError(t, err)
			equal(t, "lists that arrived", b.server.Count(cloudflaretest.List), 3)
			equal(t, "attempts that the client knows of", len(b.attempts.list()), 3)

			b.server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true, After: after, Times: 1})
			_, _, err = b.Link(t.Context(), b.account, token)
			equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), true)
			equal(t, "links", b.server.Count(cloudflaretest.Link), 1)
		})
	}
}

// Whole flows over sockets, with connections that drop around the effect.
func TestDropsOverSockets(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for _, op := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Token, cloudflaretest.Link, cloudflaretest.Delete} {
			t.Run(fmt.Sprint(op, " ", after), func(t *testing.T) {
				t.Parallel()
				b := online(t, skipTime)
				b.server.Fail(cloudflaretest.Fault{Op: op, Drop: true, After: after, Times: 1})
				connection, err := b.connect(t.Context())
				noError(t, err)
				if op == cloudflaretest.Link {
					equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(connection.LinkErr), true)
					b.mustNotLeak(t, connection.LinkErr.Error())
					if !after {
						equal(t, "services", len(connection.Services), 0)
						return
					}
				}
				equal(t, "services", len(connection.Services), 1)

				again := on(t, b.server, skipTime)
				_, err = again.Disconnect(t.Context(), b.account, connection.Services)
				noError(t, err)
				equal(t, "services after", len(b.server.Account(b.account).Services()), 0)
			})
		}
	}
}

func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	for op := range requestsOf(nil, "") {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			noError(t, err)
			address := listener.Addr().String()
			noError(t, listener.Close())

			// Someone starts to listen before the third attempt.
			var sleeps, requests atomic.Int32
			server := &httptest.Server{Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				fmt.Fprint(w, `{"success": true, "result": `+map[bool]string{true: `[]`, false: `{"id": "x"}`}[op == cloudflaretest.List]+`}`)
			})}}
			clock := &skippingClock{onSleep: func() {
				if sleeps.Add(1) == 2 {
					if server.Listener, err = net.Listen("tcp", address); err != nil {
						t.Fatal(err)
					}
					server.Start()
					t.Cleanup(server.Close)
				}
			}}
			var attempts attempts
			client := newClient(t, cloudflare.Config{Credentials: byToken, BaseURL: "http://" + address, Clock: clock, MaxRetries: 2, Observe: attempts.observe})
			noError(t, requestsOf(client, "a")[op](t.Context()))
			equal(t, "requests", requests.Load(), 1)
			equal(t, "attempts", len(attempts.list()), 3)
			for _, attempt := range attempts.list()[:2] {
				equal(t, "surely never arrived", wants[*cloudflare.TransportError](t, attempt.Err).Unsent, true)
			}
		})
	}
}

// Over a real connection a redirect is a response like any other.
func TestRedirectsOverSockets(t *testing.T) {
	t.Parallel()
	var followed, requests atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	client := serving(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	for op, send := range requestsOf(client, "a") {
		err := send(t.Context())
		says(t, err, "307 Temporary Redirect: the provider does not follow redirects")
		mustNotHold(t, string(op)+err.Error(), someToken)
	}
	equal(t, "requests", requests.Load(), 4)
	equal(t, "requests elsewhere", followed.Load(), 0)
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	var connections, requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, cloudflare.Config{Credentials: byToken, BaseURL: server.URL, MaxRetries: 3, Clock: &skippingClock{}})
	for _, send := range requestsOf(client, "a") {
		err := send(t.Context())
		_ = wants[*tls.CertificateVerificationError](t, err)
		says(t, err, "certificate")
	}
	equal(t, "requests", requests.Load(), 0)
	equal(t, "connections, as nothing is retried", connections.Load(), 4)
}

func TestResponsesAreReadUpToTenMiB(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	body := func(size int) []byte {
		const response = `{"success": true, "result": []}`
		return append([]byte(response), bytes.Repeat([]byte(" "), size-len(response))...)
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	w.Write(body(limit + 1)) //nolint:errcheck // It goes to memory.
	noError(t, w.Close())

	for name, test := range map[string]struct {
		write func(http.ResponseWriter)
		fails bool
	}{
		"just so":  {write: func(w http.ResponseWriter) { w.Write(body(limit)) }},                  //nolint:errcheck // As below.
		"too much": {write: func(w http.ResponseWriter) { w.Write(body(limit + 1)) }, fails: true}, //nolint:errcheck // The client may have gone.
		"endless": {write: func(w http.ResponseWriter) {
			for block := body(1 << 16); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, fails: true},
		"compressed": {write: func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes()) //nolint:errcheck // As above.
		}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			client := serving(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				test.write(w)
			})
			_, err := client.ListServices(t.Context(), "a")
			equal(t, "requests", requests.Load(), 1)
			if !test.fails {
				noError(t, err)
				return
			}
			_ = wants[*cloudflare.TransportError](t, err)
			says(t, err, "larger than 10 MiB")
		})
	}
}

// The timeout is for the whole response, not only for its beginning.
func TestRequestTimeoutOverSockets(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]bool{"no response": false, "half a response": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			client := serving(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if begin {
					fmt.Fprint(w, `{"success":`)
					http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			}, func(c *cloudflare.Config) { c.RequestTimeout = 100 * time.Millisecond })
			started := time.Now()
			_, err := client.ListServices(t.Context(), "a")
			between(t, "time taken", time.Since(started), 300*time.Millisecond, 5*time.Second)
			says(t, err, "no complete response within the request timeout of 100ms")
			equal(t, "requests", requests.Load(), 3)
		})
	}
}

// The environment's proxy is read once in a process and never used for loopback
// addresses, so that this takes another process and a name that nobody has.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_PROXY_CHILD") != "" {
		client := newClient(t, cloudflare.Config{Credentials: byToken, BaseURL: "https://api.cloudflare.test/v4"})
		for op, send := range requestsOf(client, "a") {
			err := send(t.Context())
			refused := wants[*cloudflare.ProxyError](t, err)
			equal(t, "status", refused.Status, "407 Proxy Authentication Required")
			says(t, err, "the proxy "+refused.Address+" refused the connection (407 Proxy Authentication Required)")
			equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)
			mustNotHold(t, err.Error(), "pass", "no-no")
			mustNotHold(t, string(op)+err.Error(), someToken, cloudflaretest.APIToken)
		}
		return
	}
	var mu sync.Mutex
	var requests []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, fmt.Sprint(r.Method, " ", r.Host, " ", r.Header.Get("Authorization"), r.Header.Get("Proxy-Authorization")))
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 407 pass no-no\r\nContent-Length: 0\r\n\r\n")
	}))
	t.Cleanup(proxy.Close)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyOfTheEnvironment$", "-test.count=1")
	for _, variable := range os.Environ() {
		if !strings.Contains(strings.ToUpper(variable), "PROXY=") {
			child.Env = append(child.Env, variable)
		}
	}
	child.Env = append(child.Env, "TEST_PROXY_CHILD=1", "HTTPS_PROXY=http://user:pass@"+proxy.Listener.Addr().String())
	if output, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	const connect = "CONNECT api.cloudflare.test:443 Basic dXNlcjpwYXNz"
	equal(t, "requests", requests, []string{connect, connect, connect, connect})
}
