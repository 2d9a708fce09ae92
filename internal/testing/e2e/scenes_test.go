// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

type (
	server  = cloudflaretest.Server
	account = cloudflaretest.Account
	fault   = cloudflaretest.Fault
)

// faulty makes requests fail.
func faulty(faults ...fault) func(*server, *account) {
	return func(s *server, _ *account) {
		for _, f := range faults {
			s.Fail(f)
		}
	}
}

// has gives the account services.
func has(services ...cloudflaretest.Service) func(*server, *account) {
	return func(_ *server, a *account) { a.SetServices(services...) }
}

func linked(m cloudflaretest.LinkModel) func(*server, *account) {
	return func(_ *server, a *account) { a.SetLinkModel(m) }
}

// listFails refuses each list, with a code and the API's words.
func listFails(status, code int, text string) func(*server, *account) {
	return faulty(fault{Op: cloudflaretest.List, Status: status, Body: cloudflaretest.Failure(code, text)})
}

// routedTo are policies of each kind that a message tells apart.
func routedTo(id string) []cloudflaretest.Policy {
	return []cloudflaretest.Policy{
		{Name: "HTTP DDoS attack", AlertType: "dos_attack_l7", Enabled: true, PagerDuty: []string{id}},
		{Name: "Certificate expiry", AlertType: "universal_ssl_event_type", Enabled: true, PagerDuty: []string{id}, Email: []string{"ops@example.com"}},
		{Name: "Maintenance", AlertType: "maintenance_event_notification", PagerDuty: []string{id}},
	}
}

// stack has two policies on one service, as the official Cloudflare provider writes
// them: its messages were compared with those of a run beside that provider.
func stack(_ *server, a *account) {
	a.SetServices(checkout, network)
	a.SetPolicies(routedTo(checkout.ID)[:2]...)
}

// stackReconnected is the stack whose services were connected again, under new IDs.
func stackReconnected(s *server, a *account) {
	stack(s, a)
	a.SetServices(network, cloudflaretest.Service{ID: "44444444444444444444444444444444", Name: checkout.Name})
}

func servicesNamed(argument, value string) string {
	return fmt.Sprintf("data \"pagerduty_connected_service\" \"this\" {\n  account_id = %q\n  %s = %q\n}\n", accountA, argument, value)
}

// laterConfig has a value that is not known before apply.
const laterConfig = "\nresource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\n"

type titled struct {
	title string
	scene
}

// scenes are all messages, in the order of a connection's life.
func scenes(t *testing.T) []titled {
	t.Helper()
	apply, destroy, validate := []string{"apply"}, []string{"destroy"}, []string{"validate"}
	const list, link, del = cloudflaretest.List, cloudflaretest.Link, cloudflaretest.Delete
	late := cloudflaretest.Service{ID: "33333333333333333333333333333333", Name: "Late arrival"}
	waiting := func(timeout string) string {
		return withSettings(plainConfig, "wait_for_services = true\n\n  timeouts {\n    create = \""+timeout+"\"\n  }")
	}
	deleting := withSettings(plainConfig, "timeouts {\n    delete = \"3s\"\n  }")
	withProvider := func(settings string) string {
		return "provider \"pagerduty\" {\n  " + settings + "\n}\n\n" + plainConfig
	}
	authority, trusted, expired := tlsServers(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	t.Cleanup(proxy.Close)

	return []titled{
		// Connecting.
		{title: "Create: the link is refused (M1)", scene: scene{args: apply}},
		{title: "Create: the link is refused, and policies route to a service that is gone", scene: scene{args: apply, prepare: func(_ *server, a *account) { a.SetPolicies(routedTo(checkout.ID)...) }}},
		{title: "Create waits for a person, and its time is up (M1)", scene: scene{config: waiting("2s"), args: apply}},
		{title: "Create waits for a person, and its time is up (M2)", scene: scene{config: waiting("2s"), args: apply, prepare: linked(cloudflaretest.Silent())}},
		{title: "Create: the link succeeds and connects nothing (M2)", scene: scene{args: apply, prepare: linked(cloudflaretest.Silent())}},
		{title: "Create: the link redirects (M3)", scene: scene{args: apply, prepare: linked(cloudflaretest.Redirects())}},
		{title: "Create: the link fails with a 502 (M3)", scene: scene{args: apply, prepare: linked(cloudflaretest.ReturnsPage(http.StatusBadGateway))}},
		{title: "Create: interrupted after the link", scene: scene{args: apply, prepare: linked(cloudflaretest.Silent()), during: []cloudflaretest.Op{link, list}, exit: 1}},
		{title: "Create: interrupted before the link", scene: scene{args: apply, prepare: faulty(fault{Op: list, Skip: 2, Stall: time.Minute}), during: []cloudflaretest.Op{list, list, list}, exit: 1}},
		{title: "Create: connected, and policies route to a service that is gone", scene: scene{args: apply, prepare: func(_ *server, a *account) {
			a.SetLinkModel(cloudflaretest.Connects(network))
			a.SetPolicies(routedTo(checkout.ID)...)
		}}},
		{title: "Create: Cloudflare has a message", scene: scene{args: apply, prepare: func(s *server, a *account) {
			a.SetLinkModel(cloudflaretest.Connects(network))
			s.Fail(fault{Op: link, Edit: cloudflaretest.Set("messages", cloudflaretest.Messages("This endpoint moves next month"))})
		}}},
		{title: "Create: the token may only read", scene: scene{args: apply, env: []string{"CLOUDFLARE_API_TOKEN=" + cloudflaretest.ReadOnlyToken}, exit: 1}},
		{title: "Create: timed out", scene: scene{config: withSettings(plainConfig, "timeouts {\n    create = \"1s\"\n  }"), args: apply, prepare: faulty(fault{Op: list, Skip: 2, Stall: time.Minute}), exit: 1}},

		// An account that is connected already.
		{title: "Plan: the account is connected already", scene: scene{prepare: has(checkout), exit: 1}},
		{title: "Create: the account is connected already, which the plan could not check", scene: scene{args: apply, exit: 1, prepare: func(s *server, a *account) {
			a.SetServices(checkout)
			s.Fail(fault{Op: list, Times: 2, Status: http.StatusInternalServerError, Body: cloudflaretest.Failure(1001, "Internal error")})
		}}},
		{title: "Plan: adopts", scene: scene{config: withSettings(plainConfig, "adopt_existing = true"), prepare: has(checkout, network)}},
		{title: "Plan: may adopt", scene: scene{config: withSettings(plainConfig, "adopt_existing = terraform_data.later.output == \"x\"") + laterConfig, prepare: has(checkout)}},
		{title: "Taint, created first: ownership is transferred", scene: scene{
			config:   withSettings(plainConfig, "adopt_existing = true\n\n  lifecycle {\n    create_before_destroy = true\n  }"),
			imported: true, before: [][]string{{"taint", connection}}, args: apply,
		}},

		// Refresh.
		{title: "Refresh: pending", scene: scene{args: []string{"plan", "-refresh-only"}, before: [][]string{apply}}},
		{title: "Refresh: all services are gone", scene: scene{imported: true, prepare: has()}},
		{title: "Refresh: all services are gone, and policies route to them", scene: scene{imported: true, prepare: func(_ *server, a *account) {
			a.SetServices()
			a.SetPolicies(routedTo(checkout.ID)...)
		}}},
		{title: "Refresh: services were changed", scene: scene{imported: true, prepare: func(_ *server, a *account) {
			a.SetServices(network)
			a.SetPolicies(routedTo(checkout.ID)...)
		}}},
		{title: "Refresh: a stack of two policies on one service, connected again under another ID", scene: scene{imported: true, prepare: stackReconnected}},
		{title: "Refresh: policies can't be listed", scene: scene{imported: true, prepare: func(s *server, a *account) {
			a.SetServices()
			s.Fail(fault{Op: cloudflaretest.Policies, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
		}}},
		{title: "Refresh: the account is out of reach", scene: scene{imported: true, prepare: listFails(http.StatusForbidden, 10000, "Authentication error"), exit: 1}},
		{title: "Update: a pending connection can't be listed", scene: scene{
			before: [][]string{apply}, between: listFails(http.StatusForbidden, 10000, "Authentication error"), args: []string{"apply", "-refresh=false"},
		}},

		// Replacement.
		{title: "Replacement: another account", scene: scene{imported: true, then: configFor(accountB), prepare: func(s *server, _ *account) { s.Account(accountB) }, exit: 1}},
		{title: "Replacement: forced", scene: scene{imported: true, args: []string{"plan", "-replace=" + connection}, exit: 1}},
		{title: "Change: the account is not known yet", scene: scene{imported: true, then: withSettings(strings.Replace(plainConfig, fmt.Sprintf("%q", accountA), "terraform_data.later.output", 1), "disconnect_on_destroy = false") + laterConfig}},

		// Destroy.
		{title: "Destroy", scene: scene{imported: true, args: []string{"plan", "-destroy"}, prepare: func(_ *server, a *account) { a.SetPolicies(routedTo(checkout.ID)...) }}},
		{title: "Destroy: a stack of two policies on one service", scene: scene{imported: true, prepare: stack, before: [][]string{{"apply", "-refresh-only"}}, args: []string{"plan", "-destroy"}}},
		{title: "Destroy: the connection's block is removed, the policies on its service stay", scene: scene{imported: true, prepare: stack, before: [][]string{{"apply", "-refresh-only"}}, then: "# The policies have the ID as a literal.\n"}},
		{title: "Destroy: the account can't be listed", scene: scene{imported: true, args: []string{"plan", "-destroy", "-refresh=false"}, prepare: listFails(http.StatusInternalServerError, 1001, "Internal error")}},
		{title: "Destroy: stays connected", scene: scene{imported: true, config: withSettings(plainConfig, "disconnect_on_destroy = false"), before: [][]string{apply}, args: []string{"plan", "-destroy"}}},
		{title: "Destroy: a service that the plan did not name", scene: scene{
			imported: true, before: [][]string{{"plan", "-destroy", "-out=saved.tfplan"}}, between: has(checkout, late), args: []string{"apply", "saved.tfplan"}, exit: 1,
		}},
		{title: "Destroy: services stay", scene: scene{
			config: deleting, imported: true, before: [][]string{apply}, args: destroy, exit: 1,
			between: func(_ *server, a *account) { a.LagDelete(true, true, true, true, true, true, true, true, true, true) },
		}},
		{title: "Destroy: timed out", scene: scene{
			config: deleting, imported: true, before: [][]string{apply}, args: destroy, exit: 1,
			between: faulty(fault{Op: list, Skip: 2, Stall: time.Minute}),
		}},
		{title: "Destroy: the token may only read", scene: scene{imported: true, args: destroy, env: []string{"CLOUDFLARE_API_TOKEN=" + cloudflaretest.ReadOnlyToken}, exit: 1}},
		{title: "Destroy: Cloudflare fails", scene: scene{imported: true, args: destroy, prepare: faulty(fault{Op: del, Status: http.StatusBadRequest, Body: cloudflaretest.Failure(17300, "Not now")}), exit: 1}},

		// Lookups.
		{title: "Lookup: nothing is connected", scene: scene{config: servicesNamed("name", "Checkout"), exit: 1}},
		{title: "Lookup: no such name", scene: scene{config: servicesNamed("name", "checkout"), prepare: has(checkout, network), exit: 1}},
		{title: "Lookup: PagerDuty's own ID", scene: scene{config: servicesNamed("id", "PABC123"), prepare: has(checkout), exit: 1}},
		{title: "Lookup: several", scene: scene{config: servicesNamed("name", "Checkout"), prepare: has(checkout, cloudflaretest.Service{ID: late.ID, Name: checkout.Name}), exit: 1}},

		// What the API says.
		{title: "Cloudflare: the credentials are not valid", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_API_TOKEN=revoked"}, exit: 1}},
		{title: "Cloudflare: the credential is malformed", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusBadRequest, 6003, "Invalid request headers"), exit: 1}},
		{title: "Cloudflare: no permission", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusForbidden, 10000, "Authentication error"), exit: 1}},
		{title: "Cloudflare: unknown account (7003)", scene: scene{config: servicesConfig(accountB), exit: 1}},
		{title: "Cloudflare: unknown account (9109)", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusForbidden, 9109, "Invalid account identifier"), exit: 1}},
		{title: "Cloudflare: 404", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusNotFound, 1003, "Not found"), exit: 1}},
		{title: "Cloudflare: 500", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusInternalServerError, 1001, "Internal error"), exit: 1}},
		{title: "Cloudflare: another 4xx", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusConflict, 1002, "Conflict"), exit: 1}},
		{title: "Cloudflare: a list that proves nothing", scene: scene{config: servicesConfig(accountA), prepare: faulty(fault{Op: list, Edit: cloudflaretest.Set("result", "")}), exit: 1}},
		{title: "Cloudflare: the rate limit", scene: scene{config: servicesConfig(accountA), prepare: faulty(cloudflaretest.RetryAfter(http.StatusTooManyRequests, "3600")), exit: 1}},
		{title: "Cloudflare: the token is for other addresses (9109)", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusForbidden, 9109, "Cannot use the access token from location: 192.0.2.1"), exit: 1}},
		{title: "Cloudflare: too many wrong credentials (9109)", scene: scene{config: servicesConfig(accountA), prepare: listFails(http.StatusForbidden, 9109, "Max auth failures reached, please check your Authorization header"), exit: 1}},
		{title: "Cloudflare: a page of its network", scene: scene{config: servicesConfig(accountA), prepare: faulty(cloudflaretest.HTML(http.StatusForbidden)), exit: 1}},
		{title: "Something else: HTML", scene: scene{config: servicesConfig(accountA), prepare: faulty(fault{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}, "CF-Ray": nil}, Body: "<html><title>Log in</title></html>"}), exit: 1}},
		{title: "Something else: a response that can't be read", scene: scene{
			config: "provider \"pagerduty\" {\n  max_retries = 0\n}\n" + servicesConfig(accountA), exit: 1,
			prepare: faulty(fault{Op: list, Header: http.Header{"Content-Encoding": {"gzip"}}}),
		}},

		// The way to the API.
		{title: "Network: nothing listens", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=http://127.0.0.1:1"}, exit: 1}},
		{title: "Network: the proxy refuses", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=https://api.cloudflare.invalid/client/v4", "HTTPS_PROXY=" + proxy.URL}, exit: 1}},
		{title: "Network: the proxy's URL can't be used", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=https://api.cloudflare.invalid/client/v4", "HTTPS_PROXY=http://user:pass#word@proxy:8080"}, exit: 1}},
		{title: "TLS: an unknown authority", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=" + trusted}, exit: 1}},
		{title: "TLS: another host", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=" + strings.Replace(trusted, "127.0.0.1", "localhost", 1), "SSL_CERT_FILE=" + authority}, exit: 1}},
		{title: "TLS: expired", scene: scene{config: servicesConfig(accountA), env: []string{"CLOUDFLARE_BASE_URL=" + expired}, exit: 1}},

		// Configuration.
		{title: "Account ID: with a line break", scene: scene{config: configFor(accountA + "\n"), args: validate, exit: 1}},
		{title: "Account ID: a URL", scene: scene{config: configFor("https://dash.cloudflare.com/" + accountA + "/notifications"), args: validate, exit: 1}},
		{title: "Account ID: none", scene: scene{config: configFor("My account"), args: validate, exit: 1}},
		{title: "Account ID: unusual", scene: scene{config: configFor("production"), args: validate}},
		{title: "Import ID", scene: scene{args: []string{"import", connection, accountA + " "}, exit: 1}},
		{title: "Credentials: missing", scene: scene{env: []string{"CLOUDFLARE_API_TOKEN="}, exit: 1}},
		{title: "Credentials: conflicting", scene: scene{config: withProvider("api_token = \"abc\"\n  email     = \"a@example.com\""), args: validate, exit: 1}},
		{title: "Credentials: invalid", scene: scene{config: withProvider("api_token = \"abc \""), args: validate, exit: 1}},
		{title: "Credentials: invalid in the environment", scene: scene{env: []string{"CLOUDFLARE_API_TOKEN=\ufeffabc"}, exit: 1}},
		{title: "Credentials: invalid email", scene: scene{config: withProvider("api_key = \"abc\"\n  email   = \"\""), args: validate, exit: 1}},
		{title: "Credentials: half a pair", scene: scene{config: withProvider("api_key = \"abc\""), exit: 1}},
		{title: "Base URL: invalid", scene: scene{config: withProvider("base_url = \"http://api.example.com\""), args: validate, exit: 1}},
		{title: "Duration: invalid", scene: scene{config: withProvider("request_timeout = \"30\""), args: validate, exit: 1}},
		{title: "Timeout: invalid", scene: scene{config: withSettings(plainConfig, "timeouts {\n    create = \"0s\"\n  }"), args: validate, exit: 1}},
		{title: "Regular expression: invalid", scene: scene{config: strings.Replace(servicesConfig(accountA), "\n}", "\n  name_regex = \"(?!x)\"\n}", 1), args: validate, exit: 1}},
		{title: "Provider argument: not known yet", scene: scene{config: "provider \"pagerduty\" {\n  api_token = terraform_data.later.output\n}\n\n" + servicesConfig(accountA) + laterConfig, exit: 1}},
	}
}

func servicesConfig(accountID string) string {
	return fmt.Sprintf("data \"pagerduty_services\" \"this\" {\n  account_id = %q\n}\n", accountID)
}

// tlsServers are two servers, and the file with the authority of the first.
func tlsServers(t *testing.T) (authority, trusted, expired string) {
	t.Helper()
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	first := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	authority = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: first.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(-time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	content, err := x509.CreateCertificate(rand.Reader, old, old, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	second := httptest.NewUnstartedServer(http.NotFoundHandler())
	second.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{content}, PrivateKey: key}}}
	return authority, first.URL + "/client/v4", quiet(second).URL + "/client/v4"
}
