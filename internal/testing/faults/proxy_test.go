// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func init() {
	toxics.Register("cut", new(cutToxic))
	toxics.Register("no_reuse", new(noReuseToxic))
}

const (
	// abrupt makes every close of a connection a reset: toxiproxy prepares
	// connections for that also where the toxic itself never acts.
	abrupt = `{"type": "reset_peer", "toxicity": 0, "attributes": {}}`
	// cutting breaks marked responses off.
	cutting = `{"type": "cut", "attributes": {}}`
)

// newProxy puts a proxy with toxics before an address, for the time of a test.
func newProxy(t *testing.T, upstream string, toxics ...string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)
	for _, toxic := range toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// baseURL is a fake API's base URL at another address.
func baseURL(address string) string { return "http://" + address + "/client/v4" }

// hostPort is where a fake API listens.
func hostPort(t *testing.T, server *cloudflaretest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// A cut says how a response breaks off. The fake API marks the response with it, in
// a header, and the toxic obeys.
type cut struct {
	how    string // one of the constants below
	offset int    // this many bytes of the response pass, its status line and headers included
	key    string // under which the response's length is noted
}

const (
	ends    = "ends"    // the connection ends, as if the response were whole; with abrupt, it is reset
	stalls  = "stalls"  // nothing more comes
	bare    = "bare"    // it ends, and the response does not tell its length
	zipped  = "zipped"  // as bare, and the response is compressed
	chunked = "chunked" // it ends, and the response comes in chunks
	doubled = "doubled" // it comes whole, and then once more
)

const cutHeader = "X-Cut"

// noCut is an offset past the end of every response.
const noCut = 99_999

// The width is fixed, so that the response's length does not depend on the offset.
func (c cut) header() http.Header {
	return http.Header{cutHeader: {fmt.Sprintf("%s %05d %s", c.how, c.offset, c.key)}}
}

var (
	marked = regexp.MustCompile(`\r\n` + cutHeader + `: (\S+) (\d+) (\S+)\r\n`)
	length = regexp.MustCompile(`\r\nContent-Length: (\d+)\r\n`)

	// responseLengths has the length of the first response that was marked with a key,
	// in bytes.
	responseLengths sync.Map
)

// cutToxic takes responses in whole and lets them through, but for those that are
// marked.
type cutToxic struct{}

func (*cutToxic) Pipe(stub *toxics.ToxicStub) {
	var received []byte
	for {
		var chunk *stream.StreamChunk
		select {
		case <-stub.Interrupt:
			return
		case chunk = <-stub.Input:
		}
		if chunk == nil {
			stub.Close()
			return
		}
		received = append(received, chunk.Data...)
		for {
			response, rest := nextResponse(received)
			if response == nil {
				break
			}
			received = rest
			response, passes, how := obey(response)
			if passes > 0 {
				stub.Output <- &stream.StreamChunk{Data: response[:passes], Timestamp: chunk.Timestamp}
			}
			if passes == len(response) && how != bare && how != zipped {
				continue
			}
			if how == stalls {
				drain(stub)
			}
			stub.Close()
			return
		}
	}
}

// nextResponse takes one whole response off what has been received.
func nextResponse(received []byte) (response, rest []byte) {
	end := bytes.Index(received, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, received
	}
	end += len("\r\n\r\n")
	if match := length.FindSubmatch(received[:end]); match != nil {
		n, _ := strconv.Atoi(string(match[1]))
		end += n
	}
	if end > len(received) {
		return nil, received
	}
	return received[:end], received[end:]
}

// obey returns how a response is to break off, and how much of it passes.
func obey(response []byte) (_ []byte, passes int, how string) {
	match := marked.FindSubmatch(response)
	if match == nil {
		return response, len(response), ""
	}
	how = string(match[1])
	header, body, _ := bytes.Cut(response, []byte("\r\n\r\n"))
	replace := func(field string, body []byte) {
		header = length.ReplaceAllLiteral(append(header, "\r\n"...), []byte("\r\n"+field+"\r\n"))
		response = slices.Concat(header, []byte("\r\n"), body)
	}
	switch how {
	case bare:
		replace("Connection: close", body)
	case zipped:
		var compressed bytes.Buffer
		// Not truly: how long the response is must not depend on its contents.
		writer, _ := gzip.NewWriterLevel(&compressed, gzip.NoCompression)
		_, _ = writer.Write(body)
		_ = writer.Close()
		replace("Connection: close\r\nContent-Encoding: gzip", compressed.Bytes())
	case chunked:
		half := len(body) / 2
		replace("Transfer-Encoding: chunked", fmt.Appendf(nil, "%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:]))
	case doubled:
		response = slices.Concat(response, response)
	}
	responseLengths.LoadOrStore(string(match[3]), len(response))
	passes, _ = strconv.Atoi(string(match[2]))
	return response, min(passes, len(response)), how
}

// stallTime is longer than any request timeout of these tests.
const stallTime = time.Minute

// drain lets nothing through for so long, whether or not the server ends the
// connection.
func drain(stub *toxics.ToxicStub) {
	over, input := time.After(stallTime), stub.Input
	for {
		select {
		case <-stub.Interrupt:
			return
		case <-over:
			return
		case chunk := <-input:
			if chunk == nil {
				input = nil
			}
		}
	}
}

// noReuseToxic lets one response through a connection. The next request arrives,
// and then the connection ends without a byte of a response.
type noReuseToxic struct{}

func (*noReuseToxic) Pipe(stub *toxics.ToxicStub) {
	var received []byte
	for responded := false; ; {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil || responded {
				stub.Close()
				return
			}
			stub.Output <- chunk
			received = append(received, chunk.Data...)
			response, _ := nextResponse(received)
			responded = response != nil
		}
	}
}

// forwarder passes bytes on, and does what toxiproxy can't: it ends one direction
// of a connection alone, and stops listening while connections go on.
type forwarder struct {
	t        *testing.T
	upstream string
	address  string
	down, up passing

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

// passing passes on the bytes of one direction of a connection until they are
// over.
type passing func(to *net.TCPConn, from io.Reader)

func pass(to *net.TCPConn, from io.Reader) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}

func newForwarder(t *testing.T, upstream string, down, up passing) *forwarder {
	t.Helper()
	f := &forwarder{t: t, upstream: upstream, address: "127.0.0.1:0", down: down, up: up}
	f.listen()
	t.Cleanup(func() {
		f.refuse()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, conn := range f.conns {
			conn.Close()
		}
	})
	return f
}

// refuse stops listening. Connections that are open go on.
func (f *forwarder) refuse() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listener.Close()
}

// listen listens, again after refuse at the same address.
func (f *forwarder) listen() {
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Error(err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listener, f.address = listener, listener.Addr().String()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(client.(*net.TCPConn))
		}
	}()
}

func (f *forwarder) serve(client *net.TCPConn) {
	conn, err := new(net.Dialer).DialContext(f.t.Context(), "tcp", f.upstream)
	if err != nil {
		client.Close()
		return
	}
	server := conn.(*net.TCPConn)
	f.mu.Lock()
	f.conns = append(f.conns, client, server)
	f.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { f.down(client, server) })
	wg.Go(func() { f.up(server, client) })
	wg.Wait()
	client.Close()
	server.Close()
}
