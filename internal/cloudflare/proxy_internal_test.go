// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
)

func TestProxyFor(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	const api = "https://api.cloudflare.com/client/v4"
	for name, test := range map[string]struct {
		base  string
		env   map[string]string
		proxy string // "" is none
		err   bool
	}{
		"none":                {base: api},
		"one":                 {base: api, env: map[string]string{"HTTPS_PROXY": "http://user:pw@proxy.example:3128"}, proxy: "http://user:pw@proxy.example:3128"},
		"in lower case":       {base: api, env: map[string]string{"https_proxy": "http://proxy.example:3128"}, proxy: "http://proxy.example:3128"},
		"without a scheme":    {base: api, env: map[string]string{"HTTPS_PROXY": "proxy.example:3128"}, proxy: "http://proxy.example:3128"},
		"TLS":                 {base: api, env: map[string]string{"HTTPS_PROXY": "https://proxy.example"}, proxy: "https://proxy.example"},
		"SOCKS":               {base: api, env: map[string]string{"HTTPS_PROXY": "socks5://proxy.example:1080"}, proxy: "socks5://proxy.example:1080"},
		"SOCKS with names":    {base: api, env: map[string]string{"HTTPS_PROXY": "socks5h://proxy.example:1080"}, proxy: "socks5h://proxy.example:1080"},
		"not for this host":   {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": ".cloudflare.com"}},
		"not for any":         {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "*"}},
		"not for the domain":  {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "cloudflare.com"}},
		"not for the host":    {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": " x.example , API.Cloudflare.com:443"}},
		"in lower case, not":  {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "no_proxy": "*.cloudflare.com"}},
		"for another port":    {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "api.cloudflare.com:8443"}, proxy: "http://proxy.example"},
		"for another domain":  {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "flare.com,192.0.2.0/24"}, proxy: "http://proxy.example"},
		"not for addresses":   {base: "https://192.0.2.7", env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "192.0.2.0/24"}},
		"not for IPv6":        {base: "https://[2001:db8::1]:8443", env: map[string]string{"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "2001:db8::/32"}},
		"IPv6":                {base: "https://[2001:db8::1]:8443", env: map[string]string{"HTTPS_PROXY": "http://[2001:db8::2]:3128"}, proxy: "http://[2001:db8::2]:3128"},
		"loopback, IPv6":      {base: "https://[::1]:8443", env: map[string]string{"HTTPS_PROXY": "http://proxy.example"}},
		"loopback":            {base: "https://127.0.0.1:8443", env: map[string]string{"HTTPS_PROXY": "http://proxy.example"}},
		"Plain http":          {base: "http://localhost:8080", env: map[string]string{"HTTP_PROXY": "http://proxy.example", "HTTPS_PROXY": "http://proxy.example"}},
		"plain http, capital": {base: "http://LOCALHOST:8080", env: map[string]string{"HTTP_PROXY": "http://proxy.example", "HTTPS_PROXY": "http://proxy.example"}},
		"for plain http only": {base: api, env: map[string]string{"HTTP_PROXY": "http://pro xy:x"}},

		"white space":           {base: api, env: map[string]string{"HTTPS_PROXY": "http://user:hunter2@pro xy:3128"}, err: true},
		"a wrong port":          {base: api, env: map[string]string{"HTTPS_PROXY": "http://user:hunter2@proxy:port"}, err: true},
		"a wrong escape":        {base: api, env: map[string]string{"HTTPS_PROXY": "http://user:hunter2%zz@proxy:3128"}, err: true},
		"a wrong scheme":        {base: api, env: map[string]string{"HTTPS_PROXY": "ftp://user:hunter2@proxy:3128"}, err: true},
		"no host":               {base: api, env: map[string]string{"HTTPS_PROXY": "http://:3128"}, err: true},
		"wrong in lower case":   {base: api, env: map[string]string{"https_proxy": "http://user:hunter2@proxy:port"}, err: true},
		"wrong, for other ones": {base: api, env: map[string]string{"HTTPS_PROXY": "http://proxy:port", "NO_PROXY": "api.cloudflare.com"}},
		"wrong, for loopback":   {base: "https://localhost", env: map[string]string{"HTTPS_PROXY": "http://proxy:port"}},
		"wrong, for plain http": {base: "http://localhost", env: map[string]string{"HTTPS_PROXY": "http://proxy:port", "HTTP_PROXY": "http://proxy:port"}},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			client, err := New(Config{Credentials: Credentials{APIToken: "x"}, BaseURL: test.base})
			if test.err {
				if !errors.As(err, new(*ProxyURLError)) {
					t.Fatalf("error %v", err)
				}
				same(t, "error", err.Error(), "the proxy URL in the environment variable HTTPS_PROXY can't be used")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, transport := range []http.RoundTripper{client.pooled, client.singleUse} {
				got := ""
				if proxy := transport.(authenticator).next.(*http.Transport).Proxy; proxy != nil {
					u, err := url.Parse(test.base)
					if err != nil {
						t.Fatal(err)
					}
					if used, _ := proxy(&http.Request{URL: u}); used != nil {
						got = used.String()
					}
				}
				same(t, "proxy", got, test.proxy)
			}
		})
	}
}
