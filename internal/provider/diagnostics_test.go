// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func TestFailureAdvice(t *testing.T) {
	t.Parallel()
	answered := func(status int, details ...cloudflare.ErrorDetail) error {
		return &cloudflare.APIError{StatusCode: status, Errors: details}
	}
	said := cloudflare.ErrorDetail{Code: "1000", Message: "no"}
	credentials := []string{"`api_token`", envAPIToken, "`api_key`", "`email`", envAPIKey, envEmail}
	snippets := []string{"import {\n    to = pagerduty_connection.<NAME>\n    id = \"" + accountA + "\"\n  }", "terraform import 'pagerduty_connection.<NAME>' " + accountA}
	services := []cloudflare.Service{{ID: "1", Name: "n"}}
	for name, test := range map[string]struct {
		err     error
		timeout string
		want    []string
		not     string
	}{
		"already connected": {err: &cloudflare.AlreadyConnectedError{Services: services}, want: append(snippets, "adopt_existing = true", "no other state")},
		"no services":       {err: &cloudflare.NoServicesError{Err: context.DeadlineExceeded}, want: append(snippets, "may still become live", finishURL, "Nothing was saved", "timeouts.create")},
		"link unsettled":    {err: &cloudflare.LinkUnsettledError{Err: answered(500)}, want: append(snippets, "Apply again", "Nothing was saved")},
		"unseen services":   {err: &cloudflare.UnseenServicesError{Services: services}, want: []string{"Nothing was deleted", "Plan again", "destroy = false", "terraform state rm"}},
		"still listed":      {err: &cloudflare.StillListedError{Services: services, Err: context.Canceled}, want: []string{"stays in the state", "Apply again"}},
		"rate limit":        {err: &cloudflare.RateLimitedError{Wait: 299*time.Second + 700*time.Millisecond, Err: answered(429)}, want: []string{"1,200 calls in five minutes for one user", "Run again in 5m0s", "-parallelism", "a user of its own"}},
		"interrupted":       {err: fmt.Errorf("x: %w, %w", context.Canceled, answered(500)), want: []string{"was interrupted. Run again"}},
		"deadline":          {err: fmt.Errorf("x: %w", context.DeadlineExceeded), timeout: "timeouts.create", want: []string{"`timeouts.create`"}},
		"fixed deadline":    {err: context.DeadlineExceeded, want: []string{"Run again when the API answers"}, not: "``"},
		"no such account":   {err: answered(404, cloudflare.ErrorDetail{Code: "7003"}), want: []string{"`account_id`", "no such account", "32 hexadecimal digits", "dash.cloudflare.com"}},
		"7003 in a chain":   {err: answered(400, cloudflare.ErrorDetail{Code: "7000", Chain: []cloudflare.ErrorDetail{{Code: "7003"}}}), want: []string{"no such account"}},
		"401":               {err: answered(401, said), want: append(credentials, "does not accept the credentials")},
		"403":               {err: answered(403, said), want: append(credentials, "PERMISSION", "Business plan or higher")},
		"404":               {err: answered(404, said), want: []string{"`account_id`", "`base_url`", "32 hexadecimal digits"}},
		"500":               {err: answered(500, said), want: []string{"https://www.cloudflarestatus.com", "CF-Ray"}},
		"599":               {err: answered(599), want: []string{"https://www.cloudflarestatus.com"}},
		"not the API":       {err: answered(200), want: []string{"not look like the Cloudflare API", "`base_url`", "proxy"}},
		"redirect":          {err: answered(302), want: []string{"`base_url`"}},
		"other refusal":     {err: answered(400, said), want: append(credentials, "refused", "`account_id`")},
		"certificate":       {err: fmt.Errorf("x: %w", &tls.CertificateVerificationError{Err: errors.New("x")}), want: []string{"certificate is not trusted", "`base_url`"}},
		"connection":        {err: io.ErrUnexpectedEOF, want: []string{"network", "HTTPS_PROXY", "NO_PROXY", "`base_url`", "`request_timeout`"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var diags diag.Diagnostics
			failure{"Unable to Test", accountA, "PERMISSION", test.timeout, test.err}.addTo(&diags)
			if len(diags) != 1 || diags[0].Severity() != diag.SeverityError || diags[0].Summary() != "Unable to Test" {
				t.Fatalf("%v", diags)
			}
			detail, ok := strings.CutPrefix(diags[0].Detail(), "Account "+accountA+": "+test.err.Error()+"\n\n")
			if !ok {
				t.Errorf("does not begin with the account and the error: %s", diags[0].Detail())
			}
			for _, part := range test.want {
				if !strings.Contains(detail, part) {
					t.Errorf("no %q in %s", part, detail)
				}
			}
			if test.not != "" && strings.Contains(detail, test.not) {
				t.Errorf("%q in %s", test.not, detail)
			}
		})
	}
}

// Each thing that an error of the API can carry is shown, once.
func TestErrorShowsWhatTheAPISays(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusBadRequest, Header: http.Header{"CF-Ray": {"abc-FRA"}}, Body: `{
			"success": false, "result": {"id": "x"}, "messages": [],
			"errors": [
				{"code": 1001, "message": "First", "documentation_url": "https://example.com/doc", "source": {"pointer": "/name"}, "error_chain": [{"code": 1003, "message": "Deeper"}]},
				{"code": 1002, "message": "Second"}
			]}`})
		expect(t, newCore(t, server, nil).read(connected(primary)).diags, anError("Unable to Read PagerDuty Connection",
			"Account "+accountA+": GET /accounts/"+accountA+"/alerting/v3/destinations/pagerduty answered 400 Bad Request (CF-Ray abc-FRA)",
			"\n  - First (code 1001) at /name, see https://example.com/doc\n    - Deeper (code 1003)\n  - Second (code 1002)"))
	})
}

// The core that each test of this package drives looks for secrets in all that
// comes back. Here, the API does its best to give them away.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"token", "pair"} {
		for _, call := range []cloudflaretest.Op{cloudflaretest.List, cloudflaretest.Token, cloudflaretest.Link, cloudflaretest.Delete} {
			for _, status := range []int{http.StatusBadRequest, http.StatusOK, http.StatusBadGateway} {
				t.Run(fmt.Sprint(kind, " ", call, " ", status), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(server *fakeAPI) {
						t := server.t
						block := standard(server)
						if kind == "pair" {
							block = with(block, object{"api_token": nil, "api_key": cloudflaretest.APIKey, "email": cloudflaretest.Email})
						}
						s := newCore(t, server, block)
						server.a.SetLinkModel(cloudflaretest.LinkModel{NeedsPerson: true}) // Nothing settles the link.
						server.Fail(cloudflaretest.Fault{Op: call, Status: status, Edit: func(body []byte) []byte {
							requests := server.Requests()
							last := requests[len(requests)-1]
							said := fmt.Sprint("You sent ", last.Path, " ", last.Token, last.Header["Authorization"], last.Header["X-Auth-Key"])
							if status == http.StatusBadGateway {
								return append(body, said...) // No JSON.
							}
							return fmt.Appendf(nil, `{"success":false,"errors":[{"code":"%[1]s","message":"%[1]s","documentation_url":"%[1]s","source":{"pointer":"%[1]s"},"error_chain":[{"message":"%[1]s"}]}]}`, said)
						}})
						said := s.create(object{}).diags
						if call == cloudflaretest.Delete {
							server.a.SetServices(primary)
							said = s.rerun(block).destroy(connected(primary)).diags
						}
						if status == http.StatusBadRequest && !strings.Contains(said.String(), "[redacted]") {
							t.Errorf("no secret was there to be masked:\n%s", said)
						}
						checkNoSecret(t, server, said.String())
						checkNoSecret(t, server, fmt.Sprint(s.entries()))
					})
				})
			}
		}
	}
	t.Run("transport", func(t *testing.T) {
		t.Parallel()
		// The errors of net/http hold the URL.
		server := online(t)
		s := newCore(t, server, nil, func(config *cloudflare.Config) { config.Transport, config.Clock = nil, &fastClock{} })
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Drop: true})
		created := s.create(object{})
		if !created.diags.hasError() {
			t.Fatal("a link that was lost is no error")
		}
		checkNoSecret(t, server, created.diags.String()+fmt.Sprint(s.entries()))
	})
}

// checkNoSecret looks for the credential that is in use, and for integration
// tokens, used or not, with dashes or without.
func checkNoSecret(t *testing.T, server *fakeAPI, text string) {
	t.Helper()
	secrets := server.a.Tokens()
	for _, request := range server.Requests() {
		secrets = append(secrets, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "), request.Header.Get("X-Auth-Key"))
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for _, secret := range secrets {
		if secret != "" && strings.Contains(plain(text), plain(secret)) {
			t.Fatalf("the secret %s is in\n%s", secret, text)
		}
	}
}

// A name can hold anything, and a terminal obeys what it is sent.
func TestServiceNamesAreEscaped(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		evil := cloudflaretest.Service{ID: "1\x1b]0;x\x07", Name: "a\x1b[31m\u202eb\r\nc\u009b"}
		server.a.SetServices(evil)
		s := newCore(t, server, nil)
		// The state keeps what the API gives; the core looks for control
		// characters in all that is said of it.
		expectState(t, s.services(object{}).state, object{"services": listed(evil)})
		expect(t, s.plan(instance{}, object{}).diags, aWarning("Cloudflare Account Already Connected to PagerDuty", `x1b[31m`))
		expect(t, s.create(object{}).diags, anError("Unable to Connect PagerDuty", `x1b[31m`, `u202e`))
		expect(t, s.plan(connected(evil), nil).diags, aWarning("PagerDuty Services Will Be Disconnected", `x1b[31m`))
		expect(t, s.destroy(connected()).diags, anError("Unable to Disconnect PagerDuty", `x1b[31m`))
		server.a.SetServices()
		expect(t, s.read(connected(evil)).diags, aWarning("PagerDuty Services Are Gone", `x1b[31m`))
	})
}

// One line a request, with these fields and no others.
func TestLog(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Stall: 2 * time.Second, Status: http.StatusBadGateway, Body: "body"})
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Times: 1, Drop: true})
		s := newCore(t, server, nil)
		expect(t, s.apply(s.plan(instance{}, object{"adopt_existing": true})).diags)
		path := "/accounts/" + accountA + "/alerting/v3/destinations/pagerduty"
		want := []string{
			"debug GET " + path + " status 502 attempt 1 after 2000 ms",
			"warn GET " + path + " attempt 2 after 0 ms: GET " + path + ": connection dropped: unexpected EOF",
			"debug GET " + path + " status 200 attempt 3 after 0 ms",
			"debug POST " + path + "/connect status 201 attempt 1 after 0 ms",
			"debug GET " + path + "/connect/[redacted] status 200 attempt 1 after 0 ms",
			"debug GET " + path + " status 200 attempt 1 after 0 ms",
		}
		ray := regexp.MustCompile(`^[0-9a-f]{16}-TST$`)
		var got []string
		for _, entry := range s.entries() {
			line := fmt.Sprint(entry["@level"], " ", entry["method"], " ", entry["path"])
			fields := []string{"@level", "@message", "@module", "attempt", "duration_ms", "method", "path"}
			if entry["status"] != nil {
				fields = append(fields, "cf_ray", "status")
				line += fmt.Sprint(" status ", entry["status"])
				if r, _ := entry["cf_ray"].(string); !ray.MatchString(r) {
					t.Errorf("cf_ray is %v", entry["cf_ray"])
				}
			}
			line += fmt.Sprint(" attempt ", entry["attempt"], " after ", entry["duration_ms"], " ms")
			if entry["error"] != nil {
				fields = append(fields, "error")
				line += fmt.Sprint(": ", entry["error"])
			}
			if entry["method"] == nil {
				continue // The library's own line on a timeout's default.
			}
			got = append(got, line)
			slices.Sort(fields)
			var names []string
			for name := range entry {
				if !strings.HasPrefix(name, "tf_") && name != "@caller" && name != "@timestamp" {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			if !slices.Equal(names, fields) {
				t.Errorf("fields %v, want %v", names, fields)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestLogOfLookThatFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(server *fakeAPI) {
		t := server.t
		server.Fail(cloudflaretest.Fault{Op: cloudflaretest.List, Status: http.StatusForbidden})
		s := newCore(t, server, nil)
		expect(t, s.plan(instance{}, object{}).diags)
		entries := s.entries()
		if last := entries[len(entries)-1]; last["@level"] != "warn" || !strings.Contains(fmt.Sprint(last["error"]), "403") {
			t.Errorf("%v", last)
		}
	})
}
