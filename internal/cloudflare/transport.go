// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// MaxResponseSize bounds what is read of a response, in bytes, after
// decompression.
const MaxResponseSize = 10 << 20

// Attempt is one HTTP attempt as the log shows it. It holds no header, no body
// and no secret.
type Attempt struct {
	Request
	Number   int           // 1 is the first attempt of a request
	Status   int           // 0 when there was no response
	Ray      string        // Cloudflare's ID of the request, from CF-Ray
	Duration time.Duration // until the response was read whole
	Err      error         // why there was no response
	Messages []string      // the API's, of a list that succeeded
}

// newTransport returns the standard library's transport with these proxies, TLS
// verified.
func newTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // The standard library says so.
	transport.Proxy = proxy
	transport.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &ProxyError{Address: proxy.Host, Status: statusLine(resp.StatusCode, "")}
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	// Terraform runs ten operations at once by default.
	transport.MaxIdleConnsPerHost = 10
	// For that, HTTP/1.1 does, and HTTP/2 would be a third of what this package
	// adds to the binary: a release leaves it out (nethttpomithttp2).
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	// The default lets headers take many times what is read of a response.
	transport.MaxResponseHeaderBytes = 256 << 10
	return transport
}

// newSingleUseTransport opens a connection for each request. On one that was used
// before, net/http takes it upon itself to send a GET again, which must not happen
// to the link; and of what comes on one that is kept after the response, the
// standard library logs the beginning, which must not happen to a token.
func newSingleUseTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	transport := newTransport(proxy)
	transport.DisableKeepAlives = true
	return transport
}

// proxyFor returns the proxy of the environment for requests to a base URL.
//
// Plain http never goes to a proxy, which would see the credentials. (Go spares
// loopback addresses, but not LOCALHOST in capitals.) A proxy that can't be used is
// an error: Go would ignore it and connect directly.
func proxyFor(base *url.URL) (func(*http.Request) (*url.URL, error), error) {
	if base.Scheme != "https" {
		return nil, nil //nolint:nilnil // That means no proxy.
	}
	config := httpproxy.FromEnvironment()
	if config.HTTPSProxy != "" && !isUsableProxy(config.HTTPSProxy) {
		config.HTTPSProxy = "http://unusable"
		if applies, _ := config.ProxyFunc()(base); applies != nil { // It may be meant for other hosts only.
			return nil, &ProxyURLError{}
		}
	}
	proxy, err := config.ProxyFunc()(base)
	return http.ProxyURL(proxy), err
}

func isUsableProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) &&
		// A # or / in a password makes the rest of the URL, the host included, one of these.
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}

// authenticator adds the credentials to each request. It is next to the wire, so
// that no other layer sends or logs them.
type authenticator struct {
	credentials Credentials
	next        http.RoundTripper
}

func (a authenticator) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if a.credentials.APIToken != "" {
		req.Header.Set("Authorization", "Bearer "+a.credentials.APIToken)
	} else {
		req.Header.Set("X-Auth-Key", a.credentials.APIKey)
		req.Header.Set("X-Auth-Email", a.credentials.Email)
	}
	return a.next.RoundTrip(req)
}

// attemptResult is the outcome of one HTTP attempt. The jitter is part of it so
// that callers that shared an attempt also retry at the same time, and share again.
type attemptResult struct {
	response *response
	err      error // why there is no response
	jitter   float64
}

// failure is nil for a success.
func (r attemptResult) failure() error {
	if r.err != nil {
		return r.err
	}
	return r.response.check()
}

// attempt makes one attempt, or waits for the one that it has joined.
func (c *Client) attempt(ctx context.Context, req *request, number int, f *flight, joined bool) attemptResult {
	if !req.shared {
		return c.attemptOnce(ctx, req, number, f)
	}
	if !joined {
		// A caller that gives up must not end the attempt for the others. What
		// nobody waits for any more runs out by its own timeout.
		go func() {
			f.result = c.attemptOnce(context.WithoutCancel(ctx), req, number, f)
			close(f.done)
		}()
	}
	select {
	case <-ctx.Done():
		return attemptResult{err: &EndedError{Request: req.Request, Err: ctx.Err()}}
	case <-f.done:
		return f.result
	}
}

// attemptOnce makes one attempt and reports to the observer.
func (c *Client) attemptOnce(ctx context.Context, req *request, number int, f *flight) attemptResult {
	started := c.clock.Now()
	res, err := c.roundTrip(ctx, req, f)
	c.gate.leave(f, res)
	report := Attempt{Request: req.Request, Number: number, Duration: c.clock.Now().Sub(started), Err: err}
	if err == nil {
		report.Status, report.Ray = res.status, res.ray()
		if lists := req.Op == OpList || req.Op == OpPolicies; lists && res.check() == nil {
			report.Messages = res.messages()
		}
	}
	c.observe(ctx, report)
	return attemptResult{response: res, err: err, jitter: newJitter()}
}

// roundTrip sends the request and reads the whole response, within the request
// timeout.
func (c *Client) roundTrip(parent context.Context, req *request, f *flight) (*response, error) {
	ctx, cancel := withGracePeriod(parent, req.gracePeriod)
	defer cancel()
	ctx, cancelTimeout := context.WithTimeout(ctx, c.requestTimeout)
	defer cancelTimeout()
	// A request that was to get a connection, and got none, never left.
	var wanted, connected bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { wanted = true },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	fail := func(err error) (*response, error) {
		unsent, malformed := wanted && !connected, false
		switch {
		case ctx.Err() == nil:
			malformed = !unsent && isAboutResponse(err)
			if req.returnsSecret && malformed && !errors.Is(err, errResponseTooLarge) {
				err = errMalformedResponse // net/http quotes what it can't parse.
			}
		case parent.Err() != nil:
			return nil, &EndedError{Request: req.Request, Err: parent.Err(), Unsent: unsent}
		default:
			err = fmt.Errorf("no complete response within the request timeout of %s", c.requestTimeout)
		}
		return nil, newTransportError(TransportError{Request: req.Request, Err: err, Unsent: unsent, Malformed: malformed}, c.maskerFor(req))
	}

	sent, err := http.NewRequestWithContext(ctx, req.Method, c.baseURL+req.path, nil)
	if err != nil {
		return fail(err)
	}
	sent.Header.Set("Accept", "application/json")
	if c.userAgent != "" {
		sent.Header.Set("User-Agent", c.userAgent)
	}
	transport := c.pooled
	if req.secret != "" || req.returnsSecret {
		transport = c.singleUse
	}
	resp, err := transport.RoundTrip(sent)
	if err != nil {
		return fail(err)
	}
	c.gate.close(f)
	defer resp.Body.Close()
	body, err := readBounded(resp.Body)
	if err != nil {
		return fail(err)
	}
	return newResponse(req, resp.StatusCode, resp.Header, body, c.maskerFor(req)), nil
}

// maskerFor masks the credentials and the integration token in the path.
func (c *Client) maskerFor(req *request) masker {
	if req.secret == "" {
		return c.masker
	}
	return c.masker.with(req.secret)
}

var (
	errResponseTooLarge  = fmt.Errorf("the response is larger than %d MiB", MaxResponseSize>>20)
	errMalformedResponse = errors.New("the response is not valid HTTP")
)

// readBounded reads as much as a response may have. What is large gets its memory
// at once, since a buffer that grows takes several times its size.
func readBounded(r io.Reader) ([]byte, error) {
	const usual = 1 << 20
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(r, usual))
	if err == nil && n == usual {
		const rest = MaxResponseSize + 1 - usual
		body.Grow(rest + bytes.MinRead)
		n, err = body.ReadFrom(io.LimitReader(r, rest))
		if err == nil && n == rest {
			err = errResponseTooLarge
		}
	}
	return body.Bytes(), err
}

// withGracePeriod returns a context that outlives its parent by d.
func withGracePeriod(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(parent)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(d, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}

// newTransportError tells why an attempt got no response, in text that is safe to
// show.
func newTransportError(lost TransportError, m masker) error {
	err := lost.Err
	var inURL *url.Error // It quotes the URL, token and all.
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		return &ProxyError{Request: lost.Request, Address: safeText(refused.Address, maxExcerpt, m), Status: refused.Status}
	}
	said := err.Error()
	lost.text = safeText(said, maxMessage, m)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || m.mask(said) != said {
		// A dial timeout calls itself the former, though no context has ended. And what
		// holds a secret is not to be unwrapped.
		err = errors.New(lost.text)
	}
	lost.Err = err
	return &lost
}

// isAboutResponse reports whether the error of a request that was sent is about
// what came back, rather than about the connection.
func isAboutResponse(err error) bool {
	return !errors.As(err, new(*net.OpError)) && !errors.As(err, new(*tls.CertificateVerificationError)) &&
		!errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}
