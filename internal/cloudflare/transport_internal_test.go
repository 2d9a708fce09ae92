// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A server that has HTTP/2 gets HTTP/1.1 all the same. What sees an integration
// token goes over a connection that nothing else uses.
func TestTokensGoOverConnectionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	var seen []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, fmt.Sprint(r.Method, " ", r.Proto, " ", r.Close))
		fmt.Fprint(w, `{"success": true, "result": {"id": "x"}}`)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := New(Config{Credentials: Credentials{APIToken: "x"}, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	client.pooled.(authenticator).next.(*http.Transport).TLSClientConfig.RootCAs = trusted
	client.singleUse.(authenticator).next.(*http.Transport).TLSClientConfig.RootCAs = trusted

	_, listErr := client.ListServices(t.Context(), "a")
	_, tokenErr := client.createToken(t.Context(), "a")
	_, _, linkErr := client.link(t.Context(), "a", "token")
	_, deleteErr := client.deleteServices(t.Context(), "a", nil)
	same(t, "errors", fmt.Sprint(listErr, tokenErr, linkErr, deleteErr), fmt.Sprint(nil, nil, nil, nil))
	same(t, "requests", fmt.Sprint(seen), "[GET HTTP/1.1 false POST HTTP/1.1 true GET HTTP/1.1 true DELETE HTTP/1.1 false]")
}
