// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

func TestParseBaseURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		cloudflare.DefaultBaseURL:         "",
		"https://example.com":             "",
		"HTTPS://example.com/":            "",
		"https://[2001:db8::1]:8443/v4":   "",
		"http://localhost:8080/client/v4": "",
		"http://LOCALHOST":                "",
		"http://127.0.0.1":                "",
		"http://127.9.9.9:1":              "",
		"http://[::1]:8080":               "",

		"http://example.com":           "Plain http would send the credentials unencrypted",
		"http://127.0.0.1.example.com": "Plain http",
		"http://localhost.example.com": "Plain http",
		"http://192.168.0.1":           "Plain http",
		"http://0.0.0.0":               "Plain http",
		"ftp://example.com":            "must use https",
		"//example.com":                "must use https",
		"example.com":                  "must be absolute",
		"/client/v4":                   "must be absolute",
		"https://":                     "must be absolute",
		"https://:443":                 "must be absolute",
		"https:example.com":            "must be absolute",
		"https://user:pw@example.com":  "user name",
		"https://user@example.com":     "user name",
		"https://example.com?a=b":      "query",
		"https://example.com?":         "query",
		"https://example.com#a":        "fragment",
		"https://user:p%zz@example":    "is not a URL",
		"https://user:p%zz@exa mple":   "white space",
		"https://example.com ":         "white space",
		"https://example.com\ufeff":    "invisible",
		"https://exa\u00admple.com":    "invisible",
		"https://exa\nmple.com":        "white space",
		"":                             "must be absolute",
	} {
		parsed, err := cloudflare.ParseBaseURL(url)
		switch {
		case want == "" && (err != nil || parsed == nil):
			t.Errorf("ParseBaseURL(%q) = %v, want none", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("ParseBaseURL(%q) = %v, want %q", url, err, want)
		case err != nil:
			mustNotHold(t, err.Error(), "user:")
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	token := cloudflare.Credentials{APIToken: "token"}
	for name, test := range map[string]struct {
		config cloudflare.Config
		want   string
	}{
		"nothing":         {config: cloudflare.Config{}, want: "must not be empty"},
		"only a key":      {config: cloudflare.Config{Credentials: cloudflare.Credentials{APIKey: "key"}}, want: "email: must not be empty"},
		"only an email":   {config: cloudflare.Config{Credentials: cloudflare.Credentials{Email: "a@b"}}, want: "API key: must not be empty"},
		"a line break":    {config: cloudflare.Config{Credentials: cloudflare.Credentials{APIToken: "to\nken"}}, want: "API token: must not contain white space"},
		"a wrong address": {config: cloudflare.Config{Credentials: token, BaseURL: "http://example.com"}, want: "base URL: must use https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := cloudflare.New(test.config)
			says(t, err, test.want)
			mustNotHold(t, err.Error(), "to\nken")
			equal(t, "client", client, nil)
		})
	}
}

func TestValidateCredential(t *testing.T) {
	t.Parallel()
	for credential, ok := range map[string]bool{
		"x": true, "cfut_Zm9v-bar_baz.123~+/=": true, "pässwörd": true, strings.Repeat("x", 8192): true,
		"": false, " ": false, "a b": false, "token\n": false, "\ttoken": false, "a\u00a0b": false, "a\x00b": false, "a\x7f": false, "a\u0085": false, strings.Repeat("x", 8193): false,
		"\ufefftoken": false, "tok\u200ben": false, "tok\u00aden": false, "token\u2060": false, "tok\u202een": false,
	} {
		err := cloudflare.ValidateCredential(credential)
		equal(t, "ValidateCredential of "+credential, err == nil, ok)
		if err != nil && len(credential) > 1 {
			mustNotHold(t, err.Error(), credential)
		}
	}
}

func TestValidateAccountID(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{
		"0123456789abcdef0123456789abcdef": true, "A": true, "a-b_C9": true, strings.Repeat("z", 32): true,
		"": false, strings.Repeat("z", 33): false, "..": false, "a/b": false, "%2e": false, "ops@example.com": false,
		"example.com": false, "a b": false, "ä": false, "a\n": false,
	} {
		equal(t, "ValidateAccountID of "+id, cloudflare.ValidateAccountID(id) == nil, ok)
	}
}

// An account ID that is wrong tells what was meant.
func TestAccountIDError(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789ABCDEF"
	for value, want := range map[string]struct {
		id      string
		trimmed bool
	}{
		id + "\n":                       {id: id, trimmed: true},
		" " + id:                        {id: id, trimmed: true},
		"\ufeff" + id:                   {id: id},
		"\u200b\t" + id + "\r\n":        {id: id},
		"production ":                   {id: "production", trimmed: true},
		"accounts/" + id:                {id: id},
		"/accounts/" + id + "/alerting": {id: id},
		"https://dash.cloudflare.com/" + id + "/notifications": {id: id},
		`"` + id + `"`:       {id: id},
		"ID: " + id + ".":    {id: id},
		id + id:              {id: ""},
		id + "0":             {id: ""},
		"accounts/" + id[1:]: {id: ""},
		"ops@example.com":    {id: ""},
		"":                   {id: ""},
		" ":                  {id: ""},
		"..":                 {id: ""},
	} {
		err := wants[*cloudflare.AccountIDError](t, cloudflare.ValidateAccountID(value))
		equal(t, fmt.Sprintf("value of %q", value), err.Value, value)
		equal(t, fmt.Sprintf("ID in %q", value), err.ID, want.id)
		equal(t, fmt.Sprintf("%q is right once it is trimmed", value), err.Trimmed(), want.trimmed)
		equal(t, "error", err.Error(), "is not an account ID")
	}
	for value, want := range map[string]bool{
		id: true, strings.ToLower(id): true, id[1:]: false, id[1:] + "g": false, id[1:] + "-": false, "production": false, "x" + id: false, "": false,
	} {
		equal(t, fmt.Sprintf("%q is usual", value), cloudflare.IsUsualAccountID(value), want)
	}
}

func TestValidateIntegrationToken(t *testing.T) {
	t.Parallel()
	for token, ok := range map[string]bool{
		"0123456789abcdef0123456789abcdef": true, someToken: true, "a/b": true, strings.Repeat("z", 128): true,
		"": false, ".": false, "..": false, "a b": false, "a\n": false, "---": false, ".-.": false, "a\u200b": false, strings.Repeat("z", 129): false,
	} {
		err := cloudflare.ValidateIntegrationToken(token)
		equal(t, "ValidateIntegrationToken of "+token, err == nil, ok)
	}
}

func TestEscapeTerminal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{in: "plain", limit: 5, want: "plain"},
		{in: "plainer", limit: 5, want: "plain…"},
		{in: "  a \r\n\t b  ", limit: 10, want: "a b"},
		{in: "a\x1b[31mred", limit: 20, want: `a\u001b[31mred`},
		{in: "a\x00b\x7f\u202ec", limit: 20, want: `a\u0000b\u007f\u202ec`},
		{in: "Überlauf 🚨", limit: 20, want: "Überlauf 🚨"},
		{in: "\xff\xfe", limit: 20, want: "��"},
		{limit: 5},
	} {
		equal(t, "EscapeTerminal of "+test.in, cloudflare.EscapeTerminal(test.in, test.limit), test.want)
	}
}

func TestServiceNames(t *testing.T) {
	t.Parallel()
	got := cloudflare.ServiceNames([]cloudflare.Service{{ID: "a-1", Name: "On\x1bcall"}, {ID: "b\n2", Name: `The "B"`}})
	equal(t, "ServiceNames", got, `"On\x1bcall" (ID a-1), "The \"B\"" (ID b 2)`)
}
