// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/heaptest"
)

// most is what is read of a response.
const most = cloudflare.MaxResponseSize

// repeated is a text again and again, without holding it more than once.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		copied := copy(p[n:], r.text[r.at:])
		r.at, n = (r.at+copied)%len(r.text), n+copied
	}
	return n, nil
}

// filled is a response of just the size that is read: as many whole texts as fit
// between its beginning and its end.
func filled(begin, text, end string) io.Reader {
	times := (most - len(begin) - len(end)) / len(text)
	return io.MultiReader(strings.NewReader(begin), io.LimitReader(&repeated{text: text}, int64(times*len(text))), strings.NewReader(end))
}

// hostile are responses that are made to take memory or time.
var hostile = map[string]func() io.Reader{
	"endless white space": func() io.Reader { return &repeated{text: " "} },
	"endless list": func() io.Reader {
		return io.MultiReader(strings.NewReader(`{"success":true,"result":[`), &repeated{text: `{"id":"1","name":"a"},`})
	},
	"tiny services":  func() io.Reader { return filled(`{"success":true,"result":[`, `{"id":"1"},`, `{"id":"1"}]}`) },
	"a long name":    func() io.Reader { return filled(`{"success":true,"result":[{"id":"1","name":"`, `a`, `"}]}`) },
	"many errors":    func() io.Reader { return filled(`{"success":false,"errors":[`, `1,`, `1]}`) },
	"a long message": func() io.Reader { return filled(`{"success":false,"errors":["`, `a `, `"]}`) },
	"deep chains": func() io.Reader {
		return filled(`{"success":false,"errors":`+strings.Repeat(`[{"error_chain":`, 4000)+`["`, "a", `"]`+strings.Repeat(`}]`, 4000)+`}`)
	},
	"deep lists":    func() io.Reader { return filled("", "[", "") },
	"short words":   func() io.Reader { return filled("<html>", "a ", "") },
	"compressed":    nil,
	"many headers":  nil,
	"a long header": nil,
}

// serve returns over a socket what the in-memory network can't.
func serve(t *testing.T, name string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name == "compressed" {
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			defer zip.Close()
			_, _ = io.Copy(zip, &repeated{text: `{"id":"1"},`}) // It ends when the client leaves.
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		headers(conn, name == "many headers")
	}))
	t.Cleanup(server.Close)
	return server
}

// headers writes headers until the client leaves, but not forever.
func headers(conn net.Conn, many bool) {
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX: ")
	for i := range 20 << 20 / 10 {
		text := "aaaaaaaaaa"
		if many {
			text = fmt.Sprintf("\r\nX%d:", i)
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			return
		}
	}
}

// A hostile response takes little memory, and comes to an end. Each is tried in a
// process of its own.
func TestHostileResponsesTakeLittle(t *testing.T) {
	t.Parallel()
	heaptest.Run(t, slices.Collect(maps.Keys(hostile)), withHostileResponse)
}

func withHostileResponse(t *testing.T, name string) {
	t.Helper()
	config := cloudflare.Config{Credentials: byToken, MaxRetries: 0, Clock: &skippingClock{}}
	if body := hostile[name]; body != nil {
		config.Transport = transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body()), Request: r}, nil
		})
	} else {
		config.BaseURL = serve(t, name).URL
	}
	client := newClient(t, config)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	heaptest.Expect(t, 64<<20, name, func() {
		if _, err := client.ListServices(ctx, "a"); err != nil && len(err.Error()) > 10_000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
	if ctx.Err() != nil {
		t.Error("that is too long")
	}
}

// A token from a hostile API goes to the link and nowhere else, over a real
// connection too.
func TestHostileTokenStaysInItsPlace(t *testing.T) {
	t.Parallel()
	for token, segment := range map[string]string{
		"../../../x": "..%2F..%2F..%2Fx", "..%2f..%2fx": "..%252f..%252fx", "a?b=c": "a%3Fb=c", "a#b": "a%23b", `a\..\b`: "a%5C..%5Cb", "//evil.example/a": "%2F%2Fevil.example%2Fa",
		"https://evil.example": "https:%2F%2Fevil.example", "@evil.example": "@evil.example", "a;b": "a%3Bb", ".": "", "..": "", "a b": "", "a\r\nHost: evil.example": "", "\x00": "", "": "",
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			var requests []string
			client := serving(t, func(w http.ResponseWriter, r *http.Request) {
				requests = append(requests, r.Method+" "+r.RequestURI)
				response := map[string]any{"success": true, "result": nil}
				if r.Method == http.MethodPost {
					response["result"] = map[string]string{"id": token}
				}
				_ = json.NewEncoder(w).Encode(response) // The client sees to it.
			})
			_, err := client.Connect(t.Context(), "a", cloudflare.ConnectOptions{})
			const path = "/accounts/a/alerting/v3/destinations/pagerduty"
			want := []string{"GET " + path, "POST " + path + "/connect"}
			if segment == "" {
				says(t, err, "the integration token ")
				equal(t, "requests", requests, want)
				return
			}
			noError(t, err)
			equal(t, "requests", requests[:3], append(want, "GET "+path+"/connect/"+segment))
			for _, request := range requests[3:] {
				equal(t, "request", request, want[0])
			}
		})
	}
}

// A proxy is told the host's name and sees an encrypted connection: neither the
// credentials nor a path.
func TestProxySeesNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_PROXY_SEES") != "" {
		client := newClient(t, cloudflare.Config{Credentials: byToken, BaseURL: "https://api.cloudflare.test/v4"})
		for _, send := range requestsOf(client, "a") {
			_ = send(t.Context()) // There is nobody behind the proxy.
		}
		return
	}
	var mu sync.Mutex
	var seen bytes.Buffer
	connections := 0
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				request, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				fmt.Fprint(conn, "HTTP/1.1 200 Connected\r\n\r\n")
				mu.Lock()
				defer mu.Unlock()
				connections++
				_ = request.Write(&seen) // It goes to memory.
				_ = conn.SetReadDeadline(time.Now().Add(time.Second))
				hello := make([]byte, 1<<16)
				n, _ := conn.Read(hello)
				seen.Write(hello[:n])
			}()
		}
	}()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxySeesNothing$", "-test.count=1")
	child.Env = []string{"TEST_PROXY_SEES=1", "HTTPS_PROXY=http://" + listener.Addr().String(), "HTTP_PROXY=http://" + listener.Addr().String()}
	output, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	mu.Lock()
	defer mu.Unlock()
	equal(t, "connections", connections, 4)
	mustNotHold(t, seen.String(), cloudflaretest.APIToken, someToken, "destinations", "Authorization")
	if !strings.Contains(seen.String(), "CONNECT api.cloudflare.test:443") {
		t.Errorf("the proxy saw\n%q", seen.String())
	}
}
