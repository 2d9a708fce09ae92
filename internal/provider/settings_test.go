// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// environment is what a test sets in place of the process's environment.
type environment map[string]string

// modelOf makes the provider's model of a block.
func modelOf(t *testing.T, block object) providerModel {
	t.Helper()
	var model providerModel
	target := reflect.ValueOf(&model).Elem()
	for i := range target.NumField() {
		var value attr.Value
		switch configured := block[target.Type().Field(i).Tag.Get("tfsdk")].(type) {
		case nil:
			continue
		case string:
			value = types.StringValue(configured)
		case int:
			value = types.Int64Value(int64(configured))
		case unknownValue:
			value = types.StringUnknown()
			if target.Field(i).Type() == reflect.TypeFor[types.Int64]() {
				value = types.Int64Unknown()
			}
		}
		target.Field(i).Set(reflect.ValueOf(value))
	}
	return model
}

func TestResolveSettings(t *testing.T) {
	t.Parallel()
	token := func(s string) cloudflare.Credentials { return cloudflare.Credentials{APIToken: s} }
	pair := func(key, email string) cloudflare.Credentials {
		return cloudflare.Credentials{APIKey: key, Email: email}
	}
	for name, test := range map[string]struct {
		block   object
		env     environment
		want    cloudflare.Credentials
		unknown string
	}{
		"token in the block":                       {block: object{"api_token": "t"}, want: token("t")},
		"token in the environment":                 {env: environment{envAPIToken: "e"}, want: token("e")},
		"token in both":                            {block: object{"api_token": "t"}, env: environment{envAPIToken: "e"}, want: token("t")},
		"pair in the block":                        {block: object{"api_key": "k", "email": "m"}, want: pair("k", "m")},
		"pair in the environment":                  {env: environment{envAPIKey: "k", envEmail: "m"}, want: pair("k", "m")},
		"pair, key in both":                        {block: object{"api_key": "k", "email": "m"}, env: environment{envAPIKey: "ek", envEmail: "em"}, want: pair("k", "m")},
		"pair, attribute by attribute: key":        {block: object{"api_key": "k"}, env: environment{envAPIKey: "ek", envEmail: "em"}, want: pair("k", "em")},
		"pair, attribute by attribute: email":      {block: object{"email": "m"}, env: environment{envAPIKey: "ek", envEmail: "em"}, want: pair("ek", "m")},
		"kinds meet in the environment":            {env: environment{envAPIToken: "t", envAPIKey: "k", envEmail: "m"}, want: token("t")},
		"token beats the environment's pair":       {block: object{"api_token": "t"}, env: environment{envAPIKey: "k", envEmail: "m"}, want: token("t")},
		"pair beats the environment's token":       {block: object{"api_key": "k", "email": "m"}, env: environment{envAPIToken: "t"}, want: pair("k", "m")},
		"half beats the environment's token":       {block: object{"api_key": "k"}, env: environment{envAPIToken: "t", envEmail: "em"}, want: pair("k", "em")},
		"other half beats the environment's token": {block: object{"email": "m"}, env: environment{envAPIToken: "t", envAPIKey: "ek"}, want: pair("ek", "m")},
		"unused environment may be malformed":      {block: object{"api_token": "t"}, env: environment{envAPIToken: "a b", envAPIKey: "a b", envEmail: "a b"}, want: token("t")},
		"nothing but that is asked of a token":     {block: object{"api_token": "ä\"\\{}$%-._~+/=."}, want: token("ä\"\\{}$%-._~+/=.")},

		"unknown token":                           {block: object{"api_token": unknown}, unknown: "api_token"},
		"unknown token, environment":              {block: object{"api_token": unknown}, env: environment{envAPIToken: "e", envAPIKey: "k", envEmail: "m"}, unknown: "api_token"},
		"unknown key, environment":                {block: object{"api_key": unknown}, env: environment{envAPIToken: "e", envAPIKey: "k", envEmail: "em"}, want: pair("", "em"), unknown: "api_key"},
		"unknown email, environment":              {block: object{"api_key": "k", "email": unknown}, env: environment{envEmail: "em"}, want: pair("k", ""), unknown: "email"},
		"unknown pair":                            {block: object{"api_key": unknown, "email": unknown}, unknown: "api_key email"},
		"unknown token beside a pair":             {block: object{"api_token": unknown, "api_key": "k", "email": "m"}, unknown: "api_token"},
		"unknown pair beside a token":             {block: object{"api_token": "t", "api_key": unknown, "email": unknown}, unknown: "api_key email"},
		"all credentials unknown":                 {block: object{"api_token": unknown, "api_key": unknown, "email": unknown}, unknown: "api_token api_key email"},
		"unknown base_url, environment":           {block: object{"api_token": "t", "base_url": unknown}, env: environment{envBaseURL: "https://example.com"}, want: token("t"), unknown: "base_url"},
		"unknown max_retries and request_timeout": {block: object{"api_token": "t", "max_retries": unknown, "request_timeout": unknown}, want: token("t"), unknown: "max_retries request_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, diags := resolveSettings(modelOf(t, test.block), func(variable string) string { return test.env[variable] })
			if diags.HasError() {
				t.Fatalf("%v", diags)
			}
			if got.config.Credentials != test.want {
				t.Errorf("credentials %+v, want %+v", got.config.Credentials, test.want)
			}
			if unknown := strings.Join(got.unknown, " "); unknown != test.unknown {
				t.Errorf("unknown: %q, want %q", unknown, test.unknown)
			}
			if base := got.config.BaseURL; base != "" {
				t.Errorf("base URL %q", base)
			}
		})
	}
}

func TestResolveOtherSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block object
		env   environment
		want  cloudflare.Config
	}{
		"defaults":                    {want: cloudflare.Config{MaxRetries: 4, RequestTimeout: 30 * time.Second}},
		"no retries":                  {block: object{"max_retries": 0}, want: cloudflare.Config{RequestTimeout: 30 * time.Second}},
		"many retries":                {block: object{"max_retries": 100, "request_timeout": "1h1m1ms"}, want: cloudflare.Config{MaxRetries: 100, RequestTimeout: time.Hour + time.Minute + time.Millisecond}},
		"base URL in the block":       {block: object{"base_url": "https://a.example/v4"}, env: environment{envBaseURL: "https://b.example"}, want: cloudflare.Config{BaseURL: "https://a.example/v4", MaxRetries: 4, RequestTimeout: 30 * time.Second}},
		"base URL in the environment": {env: environment{envBaseURL: "http://localhost:1/"}, want: cloudflare.Config{BaseURL: "http://localhost:1/", MaxRetries: 4, RequestTimeout: 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, diags := resolveSettings(modelOf(t, with(object{"api_token": "t"}, test.block)), func(variable string) string { return test.env[variable] })
			test.want.Credentials.APIToken = "t"
			if diags.HasError() || !reflect.DeepEqual(got.config, test.want) || len(got.unknown) > 0 {
				t.Errorf("%+v %v, want %+v", got, diags, test)
			}
		})
	}
}

func TestResolveSettingsErrors(t *testing.T) {
	t.Parallel()
	const missing = "Missing Cloudflare Credentials"
	const invalid = "Invalid Provider Configuration"
	for name, test := range map[string]struct {
		block   object
		env     environment
		at      string
		summary string
		parts   []string
	}{
		"no credentials":                    {at: "api_token", summary: missing, parts: []string{"`api_token`", envAPIToken, "`api_key` and `email`", envAPIKey, envEmail, "Notifications Read", "Notifications Write"}},
		"empty variables":                   {env: environment{envAPIToken: ""}, at: "api_token", summary: missing},
		"key alone in the block":            {block: object{"api_key": "k"}, at: "email", summary: missing, parts: []string{"`email`", "`api_key`", envEmail}},
		"key alone, token":                  {block: object{"api_key": "k"}, env: environment{envAPIToken: "t"}, at: "email", summary: missing, parts: []string{"`email`", envEmail}},
		"email alone in the block":          {block: object{"email": "m"}, at: "api_key", summary: missing, parts: []string{"`api_key`", "`email`", envAPIKey}},
		"key alone in the environment":      {env: environment{envAPIKey: "k"}, at: "email", summary: missing, parts: []string{"`email`", envEmail}},
		"email alone in the environment":    {env: environment{envEmail: "m"}, at: "api_key", summary: missing, parts: []string{"`api_key`", envAPIKey}},
		"both kinds":                        {block: object{"api_token": "t", "api_key": "k", "email": "m"}, at: "api_token", summary: "Conflicting Cloudflare Credentials", parts: []string{"`api_token`", "`api_key`", "`email`"}},
		"token and key":                     {block: object{"api_token": "t", "api_key": "k"}, at: "api_token", summary: "Conflicting Cloudflare Credentials"},
		"token and email":                   {block: object{"api_token": "t", "email": "m"}, at: "api_token", summary: "Conflicting Cloudflare Credentials"},
		"token with a line break":           {block: object{"api_token": "SECRET\n"}, at: "api_token", summary: invalid, parts: []string{"The argument `api_token` must not contain white space"}},
		"empty token":                       {block: object{"api_token": ""}, env: environment{envAPIToken: "e"}, at: "api_token", summary: invalid, parts: []string{"The argument `api_token` must not be empty"}},
		"line break in the environment":     {env: environment{envAPIToken: "SECRET\n"}, at: "api_token", summary: invalid, parts: []string{"The environment variable " + envAPIToken, "Look for a line break at its end"}},
		"token in the environment":          {env: environment{envAPIToken: "SEC RET"}, at: "api_token", summary: invalid, parts: []string{"The environment variable " + envAPIToken + " must not contain white space"}},
		"control character":                 {env: environment{envAPIToken: "SECRET\x7f"}, at: "api_token", summary: invalid, parts: []string{"The environment variable " + envAPIToken}},
		"no-break space":                    {env: environment{envAPIToken: "SECRET\u00a0"}, at: "api_token", summary: invalid, parts: []string{"The environment variable " + envAPIToken}},
		"byte order mark":                   {block: object{"api_token": "\ufeffSECRET"}, at: "api_token", summary: invalid, parts: []string{"The argument `api_token`", "invisible"}},
		"zero-width space":                  {block: object{"api_token": "SEC\u200bRET"}, at: "api_token", summary: invalid, parts: []string{"invisible"}},
		"soft hyphen in the environment":    {env: environment{envAPIToken: "SEC\u00adRET"}, at: "api_token", summary: invalid, parts: []string{envAPIToken, "invisible"}},
		"invisible in the key":              {block: object{"api_key": "SECRET\u2060", "email": "m"}, at: "api_key", summary: invalid, parts: []string{"invisible"}},
		"key in the block":                  {block: object{"api_key": "SECRET ", "email": "m"}, at: "api_key", summary: invalid, parts: []string{"The argument `api_key`"}},
		"key in the environment":            {block: object{"email": "m"}, env: environment{envAPIKey: "SECRET\t"}, at: "api_key", summary: invalid, parts: []string{"The environment variable " + envAPIKey}},
		"email in the block":                {block: object{"api_key": "k", "email": "SECRET\r"}, at: "email", summary: invalid, parts: []string{"The argument `email`"}},
		"email in the environment":          {block: object{"api_key": "k"}, env: environment{envEmail: " SECRET"}, at: "email", summary: invalid, parts: []string{"The environment variable " + envEmail}},
		"Plain http":                        {block: object{"api_token": "t", "base_url": "http://api.cloudflare.com"}, at: "base_url", summary: invalid, parts: []string{"The argument `base_url` must use https", "loopback"}},
		"plain http in the environment":     {block: object{"api_token": "t"}, env: environment{envBaseURL: "http://10.0.0.1"}, at: "base_url", summary: invalid, parts: []string{"The environment variable " + envBaseURL + " must use https"}},
		"blank after the base URL":          {block: object{"api_token": "t", "base_url": "https://api.cloudflare.com/client/v4 "}, at: "base_url", summary: invalid, parts: []string{"white space"}},
		"line break after the base URL":     {block: object{"api_token": "t"}, env: environment{envBaseURL: "https://api.cloudflare.com/client/v4\n"}, at: "base_url", summary: invalid},
		"loopback in name only":             {block: object{"api_token": "t", "base_url": "http://localhost.example.com"}, at: "base_url", summary: invalid},
		"user name in the base URL":         {block: object{"api_token": "t", "base_url": "https://me:SECRET@example.com"}, at: "base_url", summary: invalid, parts: []string{"user name or password"}},
		"query":                             {block: object{"api_token": "t", "base_url": "https://example.com?token=SECRET"}, at: "base_url", summary: invalid, parts: []string{"query"}},
		"fragment":                          {block: object{"api_token": "t", "base_url": "https://example.com#SECRET"}, at: "base_url", summary: invalid, parts: []string{"fragment"}},
		"relative":                          {block: object{"api_token": "t", "base_url": "api.cloudflare.com/client/v4"}, at: "base_url", summary: invalid, parts: []string{cloudflare.DefaultBaseURL}},
		"other scheme":                      {block: object{"api_token": "t", "base_url": "ftp://example.com"}, at: "base_url", summary: invalid, parts: []string{"https"}},
		"no URL":                            {block: object{"api_token": "t", "base_url": "https://SECRET:x@%zz"}, at: "base_url", summary: invalid},
		"empty base URL":                    {block: object{"api_token": "t", "base_url": ""}, env: environment{envBaseURL: "https://example.com"}, at: "base_url", summary: invalid},
		"request_timeout without a unit":    {block: object{"api_token": "t", "request_timeout": "30"}, at: "request_timeout", summary: invalid, parts: []string{"duration such as `30s`"}},
		"request_timeout of nothing":        {block: object{"api_token": "t", "request_timeout": "0s"}, at: "request_timeout", summary: invalid, parts: []string{"greater than zero"}},
		"request_timeout below nothing":     {block: object{"api_token": "t", "request_timeout": "-5s"}, at: "request_timeout", summary: invalid, parts: []string{"greater than zero"}},
		"empty request_timeout is no value": {block: object{"api_token": "t", "request_timeout": ""}, at: "request_timeout", summary: invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := resolveSettings(modelOf(t, test.block), func(variable string) string { return test.env[variable] })
			if len(diags) != 1 {
				t.Fatalf("%d diagnostics: %v", len(diags), diags)
			}
			at, ok := diags[0].(diag.DiagnosticWithPath)
			if !ok || at.Path().String() != test.at || diags[0].Summary() != test.summary {
				t.Errorf("%v, want %q on %s", diags[0], test.summary, test.at)
			}
			for _, part := range test.parts {
				if !strings.Contains(diags[0].Detail(), part) {
					t.Errorf("no %q in %s", part, diags[0].Detail())
				}
			}
			if strings.Contains(diags[0].Detail(), "SECRET") {
				t.Errorf("a secret in %s", diags[0].Detail())
			}
		})
	}
}

// What is wrong in the block is an error on the attribute when it is validated,
// before there is a request.
func TestValidateProvider(t *testing.T) {
	t.Parallel()
	const credential, address = "Invalid Credential", "Invalid Base URL"
	for name, test := range map[string]struct {
		block   object
		at      string
		summary string
		part    string
	}{
		"token and key":            {block: object{"api_token": "t", "api_key": "k"}, at: "api_token", summary: "Conflicting Cloudflare Credentials", part: "api_key"},
		"token and email":          {block: object{"api_token": "t", "email": "m"}, at: "api_token", summary: "Conflicting Cloudflare Credentials", part: "email"},
		"empty token":              {block: object{"api_token": ""}, at: "api_token", summary: credential, part: "must not be empty"},
		"white space in token":     {block: object{"api_token": "a b"}, at: "api_token", summary: credential, part: "white space"},
		"line break in token":      {block: object{"api_token": "ab\n"}, at: "api_token", summary: credential, part: "line break"},
		"control in key":           {block: object{"api_key": "a\x00b", "email": "m"}, at: "api_key", summary: credential, part: "control"},
		"white space in email":     {block: object{"api_key": "k", "email": "m "}, at: "email", summary: "Invalid Email Address", part: "white space"},
		"invisible in token":       {block: object{"api_token": "a\u200bb"}, at: "api_token", summary: credential, part: "invisible"},
		"blank in base URL":        {block: object{"api_token": "t", "base_url": "https://example.com "}, at: "base_url", summary: address, part: "white space"},
		"Plain http":               {block: object{"api_token": "t", "base_url": "http://example.com"}, at: "base_url", summary: address, part: "must use https"},
		"user name":                {block: object{"api_token": "t", "base_url": "https://u@example.com"}, at: "base_url", summary: address, part: "user name"},
		"query":                    {block: object{"api_token": "t", "base_url": "https://example.com/?a=b"}, at: "base_url", summary: address, part: "query"},
		"max_retries below bounds": {block: object{"api_token": "t", "max_retries": -1}, at: "max_retries", summary: "Invalid Attribute Value", part: "between 0 and 100"},
		"max_retries above bounds": {block: object{"api_token": "t", "max_retries": 101}, at: "max_retries", summary: "Invalid Attribute Value", part: "between 0 and 100"},
		"request_timeout":          {block: object{"api_token": "t", "request_timeout": "soon"}, at: "request_timeout", summary: "Invalid Duration", part: "`30s`"},
		"request_timeout of none":  {block: object{"api_token": "t", "request_timeout": "0s"}, at: "request_timeout", summary: "Invalid Duration", part: "greater than zero"},
		// These need the environment, which is read when the provider is configured.
		"no credentials": {block: object{}, at: "api_token", summary: "Missing Cloudflare Credentials", part: envAPIToken},
		"half of a pair": {block: object{"email": "m"}, at: "api_key", summary: "Missing Cloudflare Credentials", part: envAPIKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offline(t)
			expect(t, unconfiguredCore(t, server).configure(test.block), wanted{severity: anError("").severity, at: test.at, summary: test.summary, parts: []string{test.part}})
			expectRequests(t, server, "")
		})
	}
	for name, block := range map[string]object{
		"IPv4 loopback":  {"base_url": "http://127.0.0.1:8080/client/v4"},
		"other loopback": {"base_url": "http://127.8.9.10"},
		"IPv6 loopback":  {"base_url": "http://[::1]:8080"},
		"localhost":      {"base_url": "http://LocalHost"},
		"https":          {"base_url": "https://proxy.example.com/cloudflare/"},
		"no retries":     {"max_retries": 0},
		"most retries":   {"max_retries": 100},
		"timeout":        {"request_timeout": "1ns"},
		"all unknown": {
			"api_token": unknown, "api_key": unknown, "email": unknown, "base_url": unknown, "max_retries": unknown, "request_timeout": unknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offline(t)
			expect(t, unconfiguredCore(t, server).configure(with(object{"api_token": "t"}, block)))
			expectRequests(t, server, "")
		})
	}
}

// A value that is not known yet stops nothing that needs no request.
func TestUnknownProviderArguments(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"api_token", "api_key", "email", "base_url", "max_retries", "request_timeout"} {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(server *fakeAPI) {
				t := server.t
				block := standard(server)
				if argument == "api_key" || argument == "email" {
					delete(block, "api_token")
					block = with(block, object{"api_key": cloudflaretest.APIKey, "email": cloudflaretest.Email})
				}
				block[argument] = unknown
				c := newCore(t, server, block)
				p := c.plan(instance{}, object{})
				expect(t, p.diags)
				expectState(t, p.state, object{"account_id": accountA, "id": accountA})
				expect(t, c.plan(connected(primary), object{"adopt_existing": true}).diags)
				destruction := c.plan(connected(primary), nil)
				expect(t, destruction.diags, willDisconnect(primary))

				notKnown := anError("Provider Argument Not Known Yet", "`"+argument+"`", "-target")
				expect(t, c.read(connected(primary)).diags, notKnown)
				expect(t, c.importID(accountA).diags, notKnown)
				expect(t, c.services(object{}).diags, notKnown)
				expect(t, c.service(object{"name": "Primary"}).diags, notKnown)
				_, listed := c.query(object{}, 100, false)
				expect(t, listed, notKnown)
				expect(t, c.apply(p).diags, notKnown)
				expect(t, c.apply(destruction).diags, notKnown)

				c.deferral = true
				for _, prior := range []instance{connected(primary), {state: connected(primary).state}} {
					read := c.read(prior)
					expect(t, read.diags)
					expectState(t, read.state, prior.state)
					if !read.deferred {
						t.Error("the read is not deferred")
					}
				}
				for what, out := range map[string]outcome{
					"import": c.importID(accountA), "services": c.services(object{}), "service": c.service(object{"name": "Primary"}),
				} {
					expect(t, out.diags)
					if !out.deferred {
						t.Errorf("the %s is not deferred", what)
					}
				}
				expectRequests(t, server, "")
			})
		})
	}
}

// The one test of the process's environment; the rest pass their own.
func TestConfigureFromEnvironment(t *testing.T) {
	server := offline(t)
	server.a.SetServices(primary)
	for variable, value := range map[string]string{
		envAPIKey: cloudflaretest.APIKey, envEmail: cloudflaretest.Email, envBaseURL: server.URL(),
		"TF_APPEND_USER_AGENT": "team/1 (a\r\nb\x1b\u0085)\t ",
	} {
		t.Setenv(variable, value)
	}
	c := newCore(t, server, object{})
	expectState(t, c.services(object{}).state, object{"account_id": accountA, "services": listed(primary)})
	requests := server.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	want := map[string]string{
		"X-Auth-Key": cloudflaretest.APIKey, "X-Auth-Email": cloudflaretest.Email, "Authorization": "",
		"User-Agent": "terraform-provider-cloudflare-pagerduty/test (+https://github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty) Terraform/1.11.4 team/1 (ab)",
	}
	for name, value := range want {
		if got := requests[0].Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}

	t.Setenv(envAPIToken, cloudflaretest.APIToken)
	expect(t, newCore(t, server, object{}).services(object{}).diags)
	requests = server.Requests()
	if got := requests[len(requests)-1].Header.Get("Authorization"); got != "Bearer "+cloudflaretest.APIToken {
		t.Errorf("Authorization: %q", got)
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	const base = "terraform-provider-cloudflare-pagerduty/1.2.3 (+https://github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty) Terraform/1.11.4"
	for appended, want := range map[string]string{
		"":                  base,
		" \t\n":             base,
		"team/1":            base + " team/1",
		"  team/1 x  ":      base + " team/1 x",
		"a\r\nX-Evil: 1":    base + " aX-Evil: 1",
		"a\x00\x1b\x7f\tb":  base + " ab",
		"\u0085naïve\u009b": base + " naïve",
	} {
		if got := userAgent("1.2.3", "1.11.4", appended); got != want {
			t.Errorf("%q: %q, want %q", appended, got, want)
		}
	}
}

// Every argument of the provider has its default and its variable in the
// description, and a variable of that name.
func TestProviderVariables(t *testing.T) {
	t.Parallel()
	c := unconfiguredCore(t, offline(t))
	variables := []string{envAPIToken, envAPIKey, envEmail, envBaseURL}
	for _, argument := range c.schemas.Provider.Block.Attributes {
		variable := "CLOUDFLARE_" + strings.ToUpper(argument.Name)
		if has := strings.Contains(argument.Description, "`"+variable+"`"); has != slices.Contains(variables, variable) {
			t.Errorf("%s names %s: %t", argument.Name, variable, has)
		}
	}
	for argument, standard := range map[string]string{
		"base_url": "`https://api.cloudflare.com/client/v4`", "max_retries": "4", "request_timeout": "`30s`",
	} {
		i := slices.IndexFunc(c.schemas.Provider.Block.Attributes, hasName(argument))
		if !strings.Contains(c.schemas.Provider.Block.Attributes[i].Description, standard) {
			t.Errorf("%s does not say %q", argument, standard)
		}
	}
}
