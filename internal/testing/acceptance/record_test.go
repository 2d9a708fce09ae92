// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// record is what the API did, free of secrets and IDs: of each response the
// status and the shape.
type record struct {
	mu    sync.Mutex
	lines []string
}

// note adds a line of a test.
func (r *record) note(heading string) {
	r.add("\n## " + heading + "\n")
}

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == 0 || r.lines[len(r.lines)-1] != line {
		r.lines = append(r.lines, line)
	}
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n") + "\n"
}

// listen starts a proxy on a loopback address that records what the API returns,
// and returns its base URL.
func (r *record) listen(t *testing.T, baseURL string) string {
	t.Helper()
	upstream, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: upstream.Scheme, Host: upstream.Host})
			p.Out.Header.Del("Accept-Encoding") // What is compressed has no shape.
		},
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			contentType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
			r.add(fmt.Sprintf("- `%s %s`: %d, %s, `%s`", resp.Request.Method, endpoint(resp.Request.URL.Path), resp.StatusCode, contentType, shapeOf(body)))
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL + upstream.Path
}

// endpoint is the path without the IDs in it.
func endpoint(path string) string {
	path = regexp.MustCompile(`.*/accounts/[^/]+/alerting/v3`).ReplaceAllString(path, "…")
	return regexp.MustCompile(`/connect/.+`).ReplaceAllString(path, "/connect/{token_id}")
}

func shapeOf(body []byte) string {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return fmt.Sprintf("no JSON, %d bytes", len(body))
	}
	return shape("", value)
}

// shape describes a value: what an object has, how long a list is, and the form
// of a text, which is never quoted unless it is the API's own words.
func shape(key string, value any) string {
	switch value := value.(type) {
	case map[string]any:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			members = append(members, name+": "+shape(name, value[name]))
		}
		return "{" + strings.Join(members, ", ") + "}"
	case []any:
		var shapes []string
		for _, entry := range value {
			if s := shape(key, entry); !slices.Contains(shapes, s) {
				shapes = append(shapes, s)
			}
		}
		if len(value) == 0 {
			return "[]"
		}
		return fmt.Sprintf("[%d of %s]", len(value), strings.Join(shapes, " | "))
	case string:
		if key == "message" {
			return fmt.Sprintf("%q", identifiers.ReplaceAllString(value, "…"))
		}
		return form(value)
	default:
		return fmt.Sprint(value)
	}
}

// identifiers are what may be one, or a secret.
var identifiers = regexp.MustCompile(`[0-9A-Za-z_-]{16,}`)

// forms are what an ID may look like.
var forms = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{name: "empty", pattern: regexp.MustCompile(`^$`)},
	{name: "32 hexadecimal digits", pattern: regexp.MustCompile(`^[0-9a-f]{32}$`)},
	{name: "32 hexadecimal digits in capitals", pattern: regexp.MustCompile(`^[0-9A-F]{32}$`)},
	{name: "UUID", pattern: regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)},
	{name: "PagerDuty's own ID", pattern: regexp.MustCompile(`^P[0-9A-Z]{6,}$`)},
}

func form(text string) string {
	for _, f := range forms {
		if f.pattern.MatchString(text) {
			return f.name
		}
	}
	return "text"
}
