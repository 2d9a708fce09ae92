// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// network is what is between the client and the API, and the API itself.
type network struct {
	dial  error            // why there is no connection
	proxy func(net.Conn)   // what the proxy does with a connection, if there is one
	tls   *tls.Certificate // the server's; a valid one by default
	serve func(net.Conn)   // what the server does with a connection, after TLS
	plain func(net.Conn)   // what it does instead of TLS
}

const apiHost = "api.cloudflare.test"

// certificate issues a certificate for a host.
func certificate(t *testing.T, ca *tls.Certificate, host string, notBefore, notAfter time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: notBefore, NotAfter: notAfter, DNSNames: []string{host},
		IsCA: ca == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// client returns a client whose requests go over this network, and counts the
// connections it wants.
func (n network) client(t *testing.T, ca *tls.Certificate) (client *Client, dials *atomic.Int32) {
	t.Helper()
	dials = &atomic.Int32{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go n.respond(conn)
		}
	}()
	client, err = New(Config{
		Credentials: Credentials{APIToken: fuzzToken}, BaseURL: "https://" + apiHost, MaxRetries: 2, Clock: &leapClock{now: time.Now()},
	})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	for _, transport := range []http.RoundTripper{client.pooled, client.singleUse} {
		transport := transport.(authenticator).next.(*http.Transport)
		transport.TLSClientConfig.RootCAs = roots
		transport.Proxy = nil
		if n.proxy != nil {
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128", User: url.UserPassword("user", "hunter2")})
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials.Add(1)
			if n.dial != nil {
				return nil, n.dial
			}
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		}
	}
	return client, dials
}

func (n network) respond(conn net.Conn) {
	defer conn.Close()
	if n.proxy != nil {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		n.proxy(conn)
		return
	}
	if n.plain != nil {
		_, _ = conn.Read(make([]byte, 1<<16)) // What is not read would reset the connection.
		n.plain(conn)
		return
	}
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*n.tls}, MinVersion: tls.VersionTLS12})
	if secure.HandshakeContext(context.Background()) != nil {
		return
	}
	if _, err := http.ReadRequest(bufio.NewReader(secure)); err != nil {
		return
	}
	n.serve(secure)
	secure.Close()
}

func write(text string) func(net.Conn) {
	return func(conn net.Conn) { fmt.Fprint(conn, text) }
}

// All kinds of failure before there is a connection: the request surely never left,
// so that a link is retried as the other requests are, and in the end did nothing.
// After one its outcome is unknown.
func TestWhatNeverLeft(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := certificate(t, nil, "ca.test", now.Add(-time.Hour), now.Add(time.Hour))
	valid := certificate(t, ca, apiHost, now.Add(-time.Hour), now.Add(time.Hour))
	dial := func(err error) *net.OpError { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	isCertificate := func(err error) bool { return errors.As(err, new(*tls.CertificateVerificationError)) }
	isProxy := func(err error) bool {
		proxy, ok := errors.AsType[*ProxyError](err)
		return ok && proxy.Address == "proxy.test:3128"
	}
	for name, test := range map[string]struct {
		network
		says string
		is   func(error) bool // of the type that advice depends on
		once bool             // not even tried again
		sent bool             // it may have arrived
	}{
		"no such host":          {network: network{dial: dial(&net.DNSError{Err: "no such host", Name: apiHost, IsNotFound: true})}, says: "no such host"},
		"refused":               {network: network{dial: dial(&os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED})}, says: "connection refused"},
		"unreachable":           {network: network{dial: dial(&os.SyscallError{Syscall: "connect", Err: syscall.ENETUNREACH})}, says: "network is unreachable"},
		"dial timeout":          {network: network{dial: dial(os.ErrDeadlineExceeded)}, says: "i/o timeout"},
		"dial timeout's other":  {network: network{dial: dial(context.DeadlineExceeded)}, says: "deadline exceeded"},
		"closed before TLS":     {network: network{plain: write("")}, says: "EOF"},
		"no TLS":                {network: network{plain: write("HTTP/1.1 400 Bad Request\r\n\r\n")}, says: "first record does not look like a TLS handshake"},
		"TLS alert":             {network: network{plain: write("\x15\x03\x03\x00\x02\x02\x28")}, says: "handshake failure"},
		"unknown authority":     {network: network{tls: certificate(t, nil, apiHost, now.Add(-time.Hour), now.Add(time.Hour))}, says: "unknown authority", once: true, is: func(err error) bool { return isCertificate(err) && errors.As(err, new(x509.UnknownAuthorityError)) }},
		"expired":               {network: network{tls: certificate(t, ca, apiHost, now.Add(-2*time.Hour), now.Add(-time.Hour))}, says: "expired", once: true, is: func(err error) bool { return isCertificate(err) && errors.As(err, new(x509.CertificateInvalidError)) }},
		"not yet valid":         {network: network{tls: certificate(t, ca, apiHost, now.Add(time.Hour), now.Add(2*time.Hour))}, says: "not yet valid", once: true, is: func(err error) bool { return isCertificate(err) && errors.As(err, new(x509.CertificateInvalidError)) }},
		"another host":          {network: network{tls: certificate(t, ca, "other.test", now.Add(-time.Hour), now.Add(time.Hour))}, says: "other.test", once: true, is: func(err error) bool { return isCertificate(err) && errors.As(err, new(x509.HostnameError)) }},
		"proxy 407":             {network: network{proxy: write("HTTP/1.1 407 Not you\r\nContent-Length: 0\r\n\r\n")}, says: "the proxy proxy.test:3128 refused the connection (407 Proxy Authentication Required)", is: isProxy},
		"proxy 403":             {network: network{proxy: write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")}, says: "the proxy proxy.test:3128 refused the connection (403 Forbidden)", is: isProxy},
		"proxy 503":             {network: network{proxy: write("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")}, says: "the proxy proxy.test:3128 refused the connection (503 Service Unavailable)", is: isProxy},
		"proxy 799":             {network: network{proxy: write("HTTP/1.1 799 x\r\nContent-Length: 0\r\n\r\n")}, says: "the proxy proxy.test:3128 refused the connection (799)", is: isProxy},
		"proxy closes":          {network: network{proxy: write("")}, says: "EOF"},
		"proxy speaks nonsense": {network: network{proxy: write("Hello\r\n\r\n")}, says: "malformed HTTP"},
		"tunnel closes": {network: network{proxy: func(conn net.Conn) {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = conn.Read(make([]byte, 1<<16)) // As above.
		}}, says: "EOF"},
		"proxy is unreachable": {network: network{proxy: write(""), dial: dial(&os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED})}, says: "connection refused"},

		"closed after the request": {network: network{tls: valid, serve: write("")}, says: "EOF", sent: true},
		"half a response":          {network: network{tls: valid, serve: write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")}, says: "unexpected EOF", sent: true},
		"malformed response":       {network: network{tls: valid, serve: write("Hello\r\n\r\n")}, says: "HTTP", sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for op, send := range map[Operation]func(*Client) error{
				OpList:  func(c *Client) error { _, err := c.ListServices(t.Context(), "a"); return err },
				OpToken: func(c *Client) error { _, err := c.createToken(t.Context(), "a"); return err },
				OpLink:  func(c *Client) error { _, _, err := c.link(t.Context(), "a", fuzzIntegration); return err },
			} {
				client, dials := test.client(t, ca)
				err := send(client)
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error of %v is %v, want %q", op, err, test.says)
				}
				mustBeSafe(t, fmt.Sprint(err), fuzzToken, fuzzIntegration, "hunter2")
				want := int32(3)
				if test.once || test.sent && op == OpLink {
					want = 1
				}
				same(t, fmt.Sprintf("connections for %v", op), dials.Load(), want)
				same(t, "outcome is unknown", IsOutcomeUnknown(err), test.sent)
				same(t, "never arrived", neverArrived(err), !test.sent)
				// No context has ended, whatever an error calls itself.
				same(t, "time is up", errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*EndedError)), false)
				if test.is != nil && !test.is(err) {
					t.Errorf("error of %v is a %T", op, err)
				}
			}
		})
	}
}

// What is odd and can be read is read. What can't be read is told from a connection
// that was lost, and from what is HTTP but not the API's.
func TestOddResponses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := certificate(t, nil, "ca.test", now.Add(-time.Hour), now.Add(time.Hour))
	valid := certificate(t, ca, apiHost, now.Add(-time.Hour), now.Add(time.Hour))
	const body = `{"result": [{"id": "1", "name": "A"}], "success": true}`
	response := func(header, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), header, body)
	}
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	fmt.Fprint(zip, body)
	zip.Close()
	zipped := compressed.String()
	const read, malformed, foreign, lost = "read", "malformed", "foreign", "lost"
	for name, test := range map[string]struct{ response, want string }{
		"plain":                {response: response("", body), want: read},
		"early hints":          {response: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response("", body), want: read},
		"continue":             {response: "HTTP/1.1 100 Continue\r\n\r\n" + response("", body), want: read},
		"HTTP/1.0":             {response: "HTTP/1.0 200 OK\r\n\r\n" + body, want: read},
		"no reason":            {response: strings.Replace(response("", body), " OK", "", 1), want: read},
		"trailer":              {response: fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n%x\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n", len(body), body), want: read},
		"its length twice":     {response: response(fmt.Sprintf("Content-Length: %d\r\n", len(body)), body), want: read},
		"gzip":                 {response: response("Content-Encoding: gzip\r\n", zipped), want: read},
		"two lengths":          {response: response("Content-Length: 7\r\n", body), want: malformed},
		"not HTTP":             {response: "Hello\r\n\r\n", want: malformed},
		"HTTP/2":               {response: "\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n", want: malformed},
		"no gzip, despite it":  {response: response("Content-Encoding: gzip\r\n", body), want: malformed},
		"gzip of other bytes":  {response: response("Content-Encoding: gzip\r\n", zipped[:20]+"~~~~~~~~"+zipped[28:]), want: malformed},
		"too large":            {response: response("", strings.Repeat(" ", MaxResponseSize+1)), want: malformed},
		"gzip, without a word": {response: response("", zipped), want: foreign},
		"gzip twice":           {response: response("Content-Encoding: gzip, gzip\r\n", zipped), want: foreign},
		"another compression":  {response: response("Content-Encoding: br\r\n", "\x0b\x02\x80abc\x03"), want: foreign},
		"byte order mark":      {response: response("", "\ufeff"+body), want: foreign},
		"UTF-16":               {response: response("Content-Type: application/json; charset=utf-16\r\n", "{\x00}\x00"), want: foreign},
		"empty":                {response: response("", ""), want: foreign},
		"half a body":          {response: response("", body)[:60], want: lost},
		"gzip without its end": {response: response("Content-Encoding: gzip\r\n", zipped[:len(zipped)-1]), want: lost},
		"chunks without end":   {response: fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body), want: lost},
		"half of a gzip":       {response: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zipped[:30], want: lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := network{tls: valid, serve: write(test.response)}.client(t, ca)
			services, err := client.ListServices(t.Context(), "a")
			got := read
			if failed, ok := errors.AsType[*TransportError](err); ok {
				got = map[bool]string{true: malformed, false: lost}[failed.Malformed]
			} else if api, ok := errors.AsType[*APIError](err); ok && api.NotAPI {
				got = foreign
			}
			if got != test.want || len(services) != map[bool]int{true: 1}[test.want == read] {
				t.Errorf("%s, want %s: %v, %v", got, test.want, services, err)
			}
			mustBeSafe(t, fmt.Sprint(err), fuzzToken)
		})
	}
}

// An interrupt while a link waits for its connection has kept it from leaving.
func TestInterruptBeforeALinkHasAConnection(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := certificate(t, nil, "ca.test", now.Add(-time.Hour), now.Add(time.Hour))
	for _, test := range []struct {
		network
		unsent bool
	}{
		{network: network{plain: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }}, unsent: true},
		{network: network{tls: certificate(t, ca, apiHost, now.Add(-time.Hour), now.Add(time.Hour)), serve: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }}},
	} {
		client, _ := test.client(t, ca)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel) // Long after a handshake, however busy the machine is.
		_, _, err := client.link(ctx, "a", fuzzIntegration)
		ended, ok := errors.AsType[*EndedError](err)
		if !ok {
			t.Fatal(err)
		}
		same(t, "never left", ended.Unsent, test.unsent)
		same(t, "interrupted", ended.Interrupted(), true)
		same(t, "never arrived", neverArrived(err), test.unsent)
	}
}

// net/http quotes what it can't parse. Where that may be a fresh token, the error
// has a fixed text.
func TestMalformedResponsesDoNotTellTheToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := certificate(t, nil, "ca.test", now.Add(-time.Hour), now.Add(time.Hour))
	valid := certificate(t, ca, apiHost, now.Add(-time.Hour), now.Add(time.Hour))
	const secret = "5ecre7"
	for name, response := range map[string]string{
		"bare JSON":         `{"result": {"id": "5ecre7"}}`,
		"status":            "HTTP/1.1 5ecre7 Created\r\n\r\n",
		"version":           "HTTP/5ecre7 201 Created\r\n\r\n",
		"header line":       "HTTP/1.1 201 Created\r\n5ecre7\r\n\r\n",
		"length":            "HTTP/1.1 201 Created\r\nContent-Length: 5ecre7\r\n\r\n",
		"two lengths":       "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nContent-Length: 5ecre7\r\n\r\n",
		"transfer encoding": "HTTP/1.1 201 Created\r\nTransfer-Encoding: 5ecre7\r\n\r\n",
		"chunk":             "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5ecre7\r\n",
		"trailer":           "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n5ecre7\r\n\r\n",
		"compression":       "HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n5ecre75ecre7",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := network{tls: valid, serve: write(response)}.client(t, ca)
			var reported []string
			client.observe = func(_ context.Context, a Attempt) { reported = append(reported, fmt.Sprintf("%+v", a)) }
			_, err := client.createToken(t.Context(), "a")
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				mustBeSafe(t, fmt.Sprintf("%v %q", cause, cause), secret)
			}
			mustBeSafe(t, strings.Join(reported, "\n"), secret)
			same(t, "attempts", len(reported), 3)
			if lost, ok := errors.AsType[*TransportError](err); ok {
				same(t, "error", lost.Error(), "POST …/pagerduty/connect: the response is not valid HTTP")
			} else {
				t.Errorf("error %v", err)
			}
		})
	}
}
