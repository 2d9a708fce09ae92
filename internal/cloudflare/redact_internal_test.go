// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A proxy that is configured with a password and can't be used is quoted by the
// standard library, URL and all.
func TestProxyPasswordStaysOut(t *testing.T) {
	t.Parallel()
	client, err := New(Config{Credentials: Credentials{APIToken: "token"}})
	if err != nil {
		t.Fatal(err)
	}
	client.pooled.(authenticator).next.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "http://user:hunter2@proxy:port": invalid port`)
	}
	_, err = client.CheckServices(t.Context(), "a")
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), masked+"proxy") {
		t.Errorf("error: %v", err)
	}
}
