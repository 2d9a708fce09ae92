// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// TestTerraform shows what a user sees of the faults: a real terraform runs into
// some of them.
func TestTerraform(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		connected bool // before, and in the state
		cut       cloudflaretest.Fault
		offset    int
		toxics    []string
		args      []string
		exit      int
		says      []string
		left      bool // connected, and in the state, after
		links     int
		deletes   int
	}{
		"link without a response": {
			cut: cloudflaretest.Fault{Op: link, Times: 1}, offset: 100,
			args: []string{"apply"}, says: []string{"1 added"}, left: true, links: 1,
		},
		"refresh without a response": {
			connected: true, cut: cloudflaretest.Fault{Op: list}, offset: 200,
			args: []string{"plan"}, exit: 1, says: []string{"Error: " + readFails, "unexpected EOF", "Check the network"}, left: true,
		},
		"list before a destroy without a response": {
			connected: true, cut: cloudflaretest.Fault{Op: list, Skip: 1}, offset: 400,
			args: []string{"destroy"}, exit: 1, says: []string{"Error: " + disconnectFails, "unexpected EOF"}, left: true,
		},
		"delete without a response": {
			connected: true, cut: cloudflaretest.Fault{Op: del, Times: 1}, offset: 0,
			args: []string{"destroy"}, says: []string{"1 destroyed"}, deletes: 1,
		},
		"resets": {
			toxics: []string{`{"type": "reset_peer", "attributes": {}}`},
			args:   []string{"apply"}, exit: 1, says: []string{"Error: " + connectFails, "connection reset by peer"},
		},
		"a byte at a time": {
			toxics: []string{`{"type": "slicer", "attributes": {"average_size": 1, "size_variation": 0, "delay": 500}}`},
			args:   []string{"apply"}, says: []string{"1 added"}, left: true, links: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloudflaretest.New(t)
			account := server.Account(accountA)
			proxy := newProxy(t, hostPort(t, server), append(test.toxics, cutting)...)
			w := newWorkspace(t, server.URL())
			if test.connected {
				w.Run(0, "apply")
				server.ResetRequests()
			}
			before := w.Connection()
			w.Env = append(w.Env, "CLOUDFLARE_BASE_URL="+baseURL(proxy.Listen))
			w.Write("provider.tf", "provider \"pagerduty\" {\n  max_retries = 0\n}\n")
			if test.cut.Op != "" {
				test.cut.Header = cut{how: ends, offset: test.offset, key: t.Name()}.header()
				server.Fail(test.cut)
			}

			terraformtest.ExpectText(t, w.Run(test.exit, test.args...), test.says...)
			server.Heal()
			expectConnected(w, account, test.left)
			if test.connected && test.left && !reflect.DeepEqual(w.Connection(), before) {
				t.Errorf("the state has changed:\n%s", w.Read(terraformtest.StateFile))
			}
			if got := server.Count(link) - test.links; got != 0 {
				t.Errorf("%d links too many", got)
			}
			if got := server.Count(del) - test.deletes; got != 0 {
				t.Errorf("%d deletes too many", got)
			}
			if test.left {
				w.Env = append(w.Env, "CLOUDFLARE_BASE_URL="+server.URL())
				w.ExpectEmptyPlan()
			}
		})
	}
}

// TestTerraformTLS goes through a proxy to a server whose certificate is, at
// first, out of date.
func TestTerraformTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	server := cloudflaretest.New(t)
	server.Account(accountA)
	expired := &x509.Certificate{DNSNames: []string{hostName}, NotAfter: time.Now().Add(-time.Minute)}
	old := newTunnel(t, serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{a.issue(expired)}}), 0)
	renewed := newTunnel(t, serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}}), 0)
	refusing := newTunnel(t, "", http.StatusProxyAuthRequired)

	w := newWorkspace(t, "https://"+hostName+"/client/v4", "SSL_CERT_FILE="+a.file)
	via := func(address string) { w.Env = append(w.Env, "HTTPS_PROXY=http://"+address) }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	via(listener.Addr().String())
	w.Write("provider.tf", "provider \"pagerduty\" {\n  max_retries = 0\n}\n")
	terraformtest.ExpectText(t, w.Run(1, "apply"), "Error: "+connectFails, "connection refused", "HTTPS_PROXY")
	via(refusing.address)
	terraformtest.ExpectText(t, w.Run(1, "apply"), "Error: "+connectFails, "Proxy Authentication Required", "HTTPS_PROXY")
	via(old.address)
	terraformtest.ExpectText(t, w.Run(1, "apply"), "Error: "+connectFails, "certificate has expired", "Check this machine's clock")
	if requests := server.Count(""); requests > 0 {
		t.Errorf("%d requests have arrived", requests)
	}
	via(renewed.address)
	terraformtest.ExpectText(t, w.Run(0, "apply"), "1 added")
	via(old.address)
	terraformtest.ExpectText(t, w.Run(1, "destroy"), "Error: "+readFails, "certificate has expired")
	via(renewed.address)
	terraformtest.ExpectText(t, w.Run(0, "destroy"), "1 destroyed")
	if links, deletes := server.Count(link), server.Count(del); links != 1 || deletes != 1 {
		t.Errorf("%d links and %d deletes, want 1 each", links, deletes)
	}
}
