// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

var accountIDs = regexp.MustCompile(`\A[A-Za-z0-9_-]{1,32}\z`)

// What can't be an account's ID is refused before any request, and what can be one
// is in the path as it is.
func FuzzImportID(f *testing.F) {
	for _, id := range []string{
		accountA, strings.ToUpper(accountA), "a", "a-b_C9", strings.Repeat("z", 32), strings.Repeat("z", 33), "", ".", "..", "../" + accountB, "a/b", "a%2fb", "%2e%2e", "a?b", "a#b",
		"ops@example.com", "example.com", " " + accountA, accountA + "\n", "a\x1b[31m", "a\u202eb", "ä", "\xff", "account_id=" + accountA,
	} {
		f.Add(id, false)
		f.Add(id, true)
	}
	f.Fuzz(func(t *testing.T, id string, identity bool) {
		id = strings.ToValidUTF8(id, "") // Terraform has no other strings.
		server := cloudflaretest.NewOffline()
		server.Account(id).SetServices(primary)
		c := newCore(t, &fakeAPI{Server: server, url: server.URL()}, nil)
		var out outcome
		if identity {
			out = c.importIdentity(object{"account_id": id})
		} else {
			out = c.importID(id)
		}
		requests := server.Requests()
		if !accountIDs.MatchString(id) {
			expect(t, out.diags, anError("Invalid Import ID"))
			if len(requests) > 0 {
				t.Errorf("%q led to %s", id, requests[0].Path)
			}
			return
		}
		if out.diags.hasError() {
			t.Fatalf("%q: %s", id, out.diags)
		}
		expectState(t, out.state, object{"account_id": id, "id": id, "services": listed(primary)})
		if len(requests) != 1 || requests[0].Method != http.MethodGet || requests[0].Path != "/client/v4/accounts/"+id+"/alerting/v3/destinations/pagerduty" {
			t.Errorf("%q led to %+v", id, requests)
		}
	})
}

// The configuration takes precedence over the environment, an unknown value is
// neither replaced nor refused, and no diagnostic holds a secret.
func FuzzResolveSettings(f *testing.F) {
	for _, kinds := range []uint16{0, 1, 2, 3, 4, 5, 8, 10, 42, 0x0aaa, 0x0555, 0x0fff, 0x0800, 0x0403} {
		f.Add(kinds, "token", "key", "ops@example.com", "https://example.com", int64(4), "30s", "token2", "key2", "ops2@example.com", "http://localhost:1")
		f.Add(kinds, "", " ", "\n", "http://user:pw@example.com", int64(-1), "-1s", "", "", "", "")
		f.Add(kinds, "", "", "", "", int64(0), "", "", "key2", "", "ftp://x")
	}
	f.Fuzz(func(t *testing.T, kinds uint16, token, key, email, base string, retries int64, timeout, envToken, envKey, envMail, envBase string) {
		// The beginning of a secret tells it from a word that is there anyway.
		const mark = "S3cr3t"
		for _, secret := range []*string{&token, &key, &envToken, &envKey} {
			if *secret != "" {
				*secret = mark + *secret
			}
		}
		for _, address := range []*string{&base, &envBase} {
			*address = strings.Replace(*address, "pw", mark, 1)
		}
		kind := func(i int) uint16 { return kinds >> (2 * i) & 3 } // null, known, unknown
		text := func(i int, value string) types.String {
			return []types.String{types.StringNull(), types.StringValue(value), types.StringUnknown(), types.StringNull()}[kind(i)]
		}
		model := providerModel{
			APIToken: text(0, token), APIKey: text(1, key), Email: text(2, email), BaseURL: text(3, base),
			MaxRetries:     []types.Int64{types.Int64Null(), types.Int64Value(retries), types.Int64Unknown(), types.Int64Null()}[kind(4)],
			RequestTimeout: text(5, timeout),
		}
		env := environment{envAPIToken: envToken, envAPIKey: envKey, envEmail: envMail, envBaseURL: envBase}
		asked := map[string]bool{}
		got, diags := resolveSettings(model, func(variable string) string { asked[variable] = true; return env[variable] })
		for _, diag := range diags {
			said := diag.Summary() + "\n" + diag.Detail()
			if strings.Contains(said, mark) || strings.ContainsFunc(said, isUnprintable) {
				t.Errorf("said: %q", said)
			}
		}

		credentials := got.config.Credentials
		for argument, setting := range map[string]struct {
			configured attr.Value
			variable   string
			got        string
			inUse      bool // credentials are of one kind
		}{
			"api_token":       {configured: model.APIToken, variable: envAPIToken, got: credentials.APIToken, inUse: model.APIKey.IsNull() && model.Email.IsNull()},
			"api_key":         {configured: model.APIKey, variable: envAPIKey, got: credentials.APIKey, inUse: model.APIToken.IsNull()},
			"email":           {configured: model.Email, variable: envEmail, got: credentials.Email, inUse: model.APIToken.IsNull()},
			"base_url":        {configured: model.BaseURL, variable: envBaseURL, got: got.config.BaseURL, inUse: true},
			"request_timeout": {configured: model.RequestTimeout, inUse: true},
			"max_retries":     {configured: model.MaxRetries, inUse: true},
		} {
			switch configured, isText := setting.configured.(types.String); {
			case setting.configured.IsUnknown():
				if setting.got != "" {
					t.Errorf("%s is unknown, and %q was taken", argument, setting.got)
				}
				if setting.inUse && !slices.Contains(got.unknown, argument) {
					t.Errorf("%s is unknown, and not noted: %v", argument, got.unknown)
				}
			case slices.Contains(got.unknown, argument):
				t.Errorf("%s is known", argument)
			case setting.variable == "" || !isText:
			case setting.configured.IsNull():
				if setting.got != "" && setting.got != env[setting.variable] {
					t.Errorf("%s is %q", argument, setting.got)
				}
			case setting.got != configured.ValueString() && setting.inUse && !diags.HasError():
				t.Errorf("%s is %q, and %q was taken", argument, configured.ValueString(), setting.got)
			}
			if setting.got != "" && !setting.configured.IsNull() && asked[setting.variable] && setting.got == env[setting.variable] && !setting.configured.Equal(types.StringValue(setting.got)) {
				t.Errorf("%s was replaced from the environment", argument)
			}
		}
		if diags.HasError() {
			return
		}
		if (credentials.APIToken != "") && (credentials.APIKey != "" || credentials.Email != "") {
			t.Error("credentials of both kinds")
		}
		if got.config.RequestTimeout <= 0 {
			t.Errorf("timeout %s", got.config.RequestTimeout)
		}
		// What has no error makes a client.
		if len(got.unknown) == 0 {
			if _, err := cloudflare.New(got.config); err != nil {
				t.Errorf("no client: %v", err)
			}
		}
	})
}
