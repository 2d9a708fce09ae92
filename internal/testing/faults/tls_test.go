// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// hostName is the API's name in these tests. No resolver knows it.
const hostName = "api.cloudflare.invalid"

// authority issues certificates.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string // the authority's own certificate, for SSL_CERT_FILE
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("SSL_CERT_FILE has no effect here")
	}
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	issued := a.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.key, a.cert = issued.PrivateKey.(*ecdsa.PrivateKey), issued.Leaf
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(a.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue completes a certificate and signs it, with its own key if the authority
// has none yet.
func (a *authority) issue(cert *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert.SerialNumber, cert.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: a.t.Name()}
	if cert.NotAfter.IsZero() {
		cert.NotAfter = time.Now().Add(time.Hour)
	}
	if cert.NotBefore.IsZero() {
		cert.NotBefore = time.Now().Add(-2 * time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = cert, key
	}
	content, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(content)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{content}, PrivateKey: key, Leaf: leaf}
}

// valid is a certificate for hostName and the loopback address.
func valid() *x509.Certificate {
	return &x509.Certificate{DNSNames: []string{hostName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

// serveTLS puts a TLS server, which speaks HTTP/2 too, before a fake API for the
// time of a test, and returns its address.
func serveTLS(t *testing.T, api *cloudflaretest.Server, config *tls.Config) string {
	t.Helper()
	upstream, err := url.Parse("http://" + hostPort(t, api))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
			ErrorLog: quiet,
		},
		TLSConfig: config.Clone(), ErrorLog: quiet, ReadHeaderTimeout: time.Minute,
	}
	go server.ServeTLS(listener, "", "") //nolint:errcheck // It ends with Close.
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	before := func(d time.Duration) *x509.Certificate {
		cert := valid()
		cert.NotAfter = time.Now().Add(-d)
		return cert
	}
	const (
		untrusted = "add its certificate authority to the system's trust store"
		clock     = "Check this machine's clock"
		otherHost = "Check the provider's `base_url`"
	)
	for name, test := range map[string]struct {
		config       *tls.Config
		fails        bool
		says, advice string
	}{
		"trusted":          {config: &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}}},
		"expired":          {config: &tls.Config{Certificates: []tls.Certificate{a.issue(before(time.Hour))}}, fails: true, says: "certificate has expired", advice: clock},
		"expired just now": {config: &tls.Config{Certificates: []tls.Certificate{a.issue(before(time.Second))}}, fails: true, says: "certificate has expired", advice: clock},
		"not valid yet": {config: &tls.Config{Certificates: []tls.Certificate{a.issue(func() *x509.Certificate {
			cert := valid()
			cert.NotBefore = time.Now().Add(30 * time.Minute)
			return cert
		}())}}, fails: true, says: "not yet valid", advice: clock},
		"of another host":       {config: &tls.Config{Certificates: []tls.Certificate{a.issue(&x509.Certificate{DNSNames: []string{"example.com"}})}}, fails: true, says: "127.0.0.1", advice: otherHost},
		"of another address":    {config: &tls.Config{Certificates: []tls.Certificate{a.issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 2)}})}}, fails: true, says: "127.0.0.1", advice: otherHost},
		"of another authority":  {config: &tls.Config{Certificates: []tls.Certificate{other.issue(valid())}}, fails: true, says: "unknown authority", advice: untrusted},
		"signed by itself":      {config: &tls.Config{Certificates: []tls.Certificate{(&authority{t: t}).issue(valid())}}, fails: true, says: "x509: ", advice: untrusted},
		"of an old TLS version": {config: &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, fails: true, says: "protocol version", advice: "Check the network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixtureWith(t, nil, "SSL_CERT_FILE="+a.file)
			// A certificate does not get better by retrying.
			retries := 4
			if test.advice == "Check the network" {
				retries = 0
			}
			var handshakes atomic.Int64
			test.config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				handshakes.Add(1)
				return nil, nil //nolint:nilnil // This is how to leave the configuration as it is.
			}
			s.plugin.configure(t, object{"base_url": "https://" + serveTLS(t, s.server, test.config) + "/client/v4", "max_retries": retries})
			if test.fails {
				operations := s.expectUnsent(t, test.advice, test.says)
				if n := handshakes.Load(); n != int64(operations) {
					t.Errorf("%d handshakes for %d operations", n, operations)
				}
				return
			}
			s.expectWhole(t)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		s := newFixture(t, nil)
		s.plugin.configure(t, object{"base_url": "https://" + hostPort(t, s.server) + "/client/v4", "max_retries": 0})
		s.expectUnsent(t, "Check the network", "first record does not look like a TLS handshake", "server gave HTTP response to HTTPS client")
	})
}

// expectWhole runs operations that have to succeed.
func (s *fixture) expectWhole(t *testing.T) {
	t.Helper()
	wanted := map[string]outcome{}
	for _, name := range []string{"create/link", "read", "read of services that are gone", "read of a data source", "delete/delete"} {
		result, err := s.try(t.Context(), operations[name], uncut, 1)
		if err == nil {
			err = result.check(operations[name].whole)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wanted[result.account] = operations[name].whole
	}
	s.audit(t, wanted)
}

// TestTruncatedTLS ends each connection after so many bytes of TLS: within the
// handshake, or a record.
func TestTruncatedTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s := newFixtureWith(t, nil, "SSL_CERT_FILE="+a.file)
	front := serveTLS(t, s.server, &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}})
	stride := 97
	if *thorough {
		stride = 1
	}
	const enough = 20_000
	for _, name := range []string{"create/link", "read of services that are gone", "delete/delete"} {
		op, wanted := operations[name], map[string]outcome{}
		limit := 0
		for ; limit < enough; limit += stride {
			proxy := newProxy(t, front, fmt.Sprintf(`{"type": "limit_data", "attributes": {"bytes": %d}}`, limit))
			s.plugin.configure(t, object{"base_url": "https://" + proxy.Listen + "/client/v4", "max_retries": 0})
			result, err := s.try(t.Context(), op, uncut, 1)
			proxy.Stop()
			// What may become of it: nothing, a link without a response, all.
			var want outcome
			for _, want = range []outcome{op.none(), op.lost, op.whole} {
				if err == nil && result.check(want) == nil {
					break
				}
			}
			if err == nil {
				err = result.check(want)
			}
			if err == nil {
				err = s.checkWords(result)
			}
			if err != nil {
				t.Fatalf("%s, cut at byte %d: %v", name, limit, err)
			}
			wanted[result.account] = want
			if want.fails == "" && want.connectionID == op.whole.connectionID {
				break
			}
		}
		if limit == 0 || limit >= enough {
			t.Errorf("%s: whole after %d bytes", name, limit)
		}
		t.Logf("%s: %d connections cut, whole after %d bytes", name, len(wanted), limit)
		s.audit(t, wanted)
	}
}

// none is the outcome of an operation whose first request fails.
func (op operation) none() outcome {
	nothing := outcome{services: op.prior, connectionID: op.prior != nil, fails: connectFails}
	switch {
	case op.whole.deletes > 0:
		nothing.fails = disconnectFails
	case op.prior != nil:
		nothing.fails = readFails
	}
	return nothing
}

// tunnel is a proxy as HTTPS_PROXY names one. It knows where hostName is.
type tunnel struct {
	address string
	target  string // where hostName is
	status  int    // refuses with it, unless it is 0

	mu       sync.Mutex
	received []*http.Request
}

func newTunnel(t *testing.T, target string, status int) *tunnel {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tunnel := &tunnel{address: listener.Addr().String(), target: target, status: status}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { tunnel.serve(ctx, conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		cancel()
		wg.Wait()
	})
	return tunnel
}

func (p *tunnel) serve(ctx context.Context, client *net.TCPConn) {
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	reader := bufio.NewReader(client)
	req, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.received = append(p.received, req)
	p.mu.Unlock()
	if p.status != 0 {
		fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", p.status, http.StatusText(p.status))
		return
	}
	server, err := new(net.Dialer).DialContext(ctx, "tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		pass(server.(*net.TCPConn), reader)
	}()
	pass(client, server)
}

// requests are those to the proxy itself.
func (p *tunnel) requests() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*http.Request{}, p.received...)
}

func TestProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	const password = "hunter2hunter2"
	trusted := &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}}
	intercepted := &tls.Config{Certificates: []tls.Certificate{other.issue(valid())}}

	for name, test := range map[string]struct {
		tls    *tls.Config
		status int
		env    func(proxy string) []string
		unused bool   // the proxy gets no request
		says   string // empty for a success
		advice string
	}{
		"used": {tls: trusted},
		"with a password": {tls: trusted, env: func(proxy string) []string {
			return []string{"HTTPS_PROXY=http://user:" + password + "@" + proxy}
		}},
		"in lower case": {tls: trusted, env: func(proxy string) []string { return []string{"https_proxy=" + proxy} }},
		"excepted": {tls: trusted, unused: true, env: func(proxy string) []string {
			return []string{"HTTPS_PROXY=http://" + proxy, "NO_PROXY=" + hostName}
		}, says: "lookup " + hostName, advice: "Check the network"},
		"that wants a password": {tls: trusted, status: http.StatusProxyAuthRequired, says: "refused the connection (407 Proxy Authentication Required)", advice: "HTTPS_PROXY"},
		"that is overloaded":    {tls: trusted, status: http.StatusServiceUnavailable, says: "refused the connection (503 Service Unavailable)", advice: "HTTPS_PROXY"},
		"that intercepts":       {tls: intercepted, says: "unknown authority", advice: "If a proxy intercepts TLS"},
		"that is not there": {tls: trusted, unused: true, env: func(string) []string {
			return []string{"HTTPS_PROXY=http://user:" + password + "@127.0.0.1:1"}
		}, says: "proxyconnect", advice: "HTTPS_PROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := test.env
			if env == nil {
				env = func(proxy string) []string { return []string{"HTTPS_PROXY=http://" + proxy} }
			}
			var proxy *tunnel
			s := newFixtureWith(t, func(s *fixture) []string {
				proxy = newTunnel(t, serveTLS(t, s.server, test.tls), test.status)
				return env(proxy.address)
			}, "SSL_CERT_FILE="+a.file)
			s.plugin.configure(t, object{"base_url": "https://" + hostName + "/client/v4", "max_retries": 0})
			if test.says == "" {
				s.expectWhole(t)
			} else {
				s.expectUnsent(t, test.advice, test.says)
			}

			received := proxy.requests()
			if (len(received) == 0) != test.unused {
				t.Errorf("the proxy received %d requests", len(received))
			}
			for _, req := range received {
				if req.Method != http.MethodConnect || req.Host != hostName+":443" || req.Header.Get("Authorization") != "" {
					t.Errorf("the proxy received: %s %s %v", req.Method, req.Host, req.Header)
				}
			}
			for _, d := range s.diagnostics {
				if strings.Contains(d.Detail, password) {
					t.Errorf("the proxy's password shows: %s", d.Detail)
				}
			}
		})
	}
}

// Go ignores a proxy's URL that it can't use, and would connect directly.
func TestProxyURLThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const password = "hunter2hunter2"
	for name, address := range map[string]string{
		"password that breaks it": "http://user:" + password + "#1@127.0.0.1:1",
		"password of digits":      "http://user:2222#hunter2hunter2@127.0.0.1:1",
		"bad escape":              "http://user:" + password + "%@127.0.0.1:1",
		"another scheme":          "ftp://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPlugin(t, "HTTPS_PROXY="+address)
			resp, err := p.request(t.Context(), "ConfigureProvider", object{"terraformVersion": "1.11.4", "config": fromJSON(object{"api_token": cloudflaretest.APIToken})})
			if err != nil {
				t.Fatal(err)
			}
			d := resp.errors()
			if len(d) != 1 || d[0].Summary != "Unable to Configure Cloudflare PagerDuty Provider" || !strings.Contains(d[0].Detail, "percent-encode") || strings.Contains(d[0].Detail, password) {
				t.Errorf("%q", d)
			}
		})
	}
}
