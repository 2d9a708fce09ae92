// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		credentials cloudflare.Credentials
		header      http.Header
	}{
		"API token":     {credentials: byToken, header: http.Header{"Authorization": {"Bearer " + cloudflaretest.APIToken}}},
		"legacy pair":   {credentials: cloudflare.Credentials{APIKey: cloudflaretest.APIKey, Email: cloudflaretest.Email}, header: http.Header{"X-Auth-Key": {cloudflaretest.APIKey}, "X-Auth-Email": {cloudflaretest.Email}}},
		"token and key": {credentials: cloudflare.Credentials{APIToken: cloudflaretest.APIToken, APIKey: "other"}, header: http.Header{"Authorization": {"Bearer " + cloudflaretest.APIToken}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := offline(t, func(c *cloudflare.Config) { c.Credentials = test.credentials })
			ctx := t.Context()
			b.consent(cloudflaretest.LinkModel{Services: []cloudflaretest.Service{beta, alpha}})

			listed, err := b.ListServices(ctx, b.account)
			noError(t, err)
			equal(t, "services of an empty account", len(listed), 0)
			token, err := b.CreateIntegrationToken(ctx, b.account)
			noError(t, err)
			equal(t, "tokens", b.server.Account(b.account).Tokens(), []string{token})
			connection, _, err := b.Link(ctx, b.account, token)
			noError(t, err)
			equal(t, "length of the connection's ID", len(connection), 32)
			listed, err = b.CheckServices(ctx, b.account)
			noError(t, err)
			equal(t, "services", listed, services(alpha, beta))
			_, err = b.DeleteServices(ctx, b.account, nil)
			noError(t, err)
			equal(t, "services after delete", len(b.server.Account(b.account).Services()), 0)

			test.header.Set("Accept", "application/json")
			test.header.Set("User-Agent", userAgent)
			path := "/client/v4/accounts/" + b.account + "/alerting/v3/destinations/pagerduty"
			want := []string{"GET " + path, "POST " + path + "/connect", "GET " + path + "/connect/" + token, "GET " + path, "DELETE " + path}
			requests := b.server.Requests()
			equal(t, "number of requests", len(requests), len(want))
			for i, request := range requests {
				equal(t, "request", request.Method+" "+request.Path, want[i])
				equal(t, "header", request.Header, test.header)
			}
		})
	}
}

func TestBaseURLMayEndInASlash(t *testing.T) {
	t.Parallel()
	client, requests := responding(t, 200, nil, `{"success": true, "result": []}`, func(c *cloudflare.Config) { c.BaseURL = "https://example.com/v4/" })
	_, err := client.ListServices(t.Context(), "a")
	noError(t, err)
	equal(t, "URL", (*requests)[0].URL.String(), "https://example.com/v4/accounts/a/alerting/v3/destinations/pagerduty")

	client, requests = responding(t, 200, nil, `{"success": true, "result": []}`)
	_, err = client.ListServices(t.Context(), "a")
	noError(t, err)
	equal(t, "default URL", (*requests)[0].URL.String(), "https://api.cloudflare.com/client/v4/accounts/a/alerting/v3/destinations/pagerduty")
}

// What is in a path can't change what the path means.
func TestHostileIDs(t *testing.T) {
	t.Parallel()
	for id, escaped := range map[string]string{
		"a/b": "a%2Fb", "../x": "..%2Fx", "%2e%2e": "%252e%252e", "%2F": "%252F", "a?b": "a%3Fb", "a#b": "a%23b", "ä": "%C3%A4", "...": "...",
		"": "", ".": "", "..": "",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			client, requests := responding(t, 400, nil, `{"success": false, "errors": []}`)
			for op, send := range requestsOf(client, id) {
				err := send(t.Context())
				if err == nil {
					t.Errorf("%s of account %q succeeded", op, id)
				}
				equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), false)
			}
			_, _, err := client.Link(t.Context(), "a", id)
			if err == nil {
				t.Errorf("link with token %q succeeded", id)
			}
			if escaped == "" {
				equal(t, "requests", len(*requests), 0)
				return
			}
			equal(t, "number of requests", len(*requests), 5)
			for i, request := range *requests {
				account, rest, _ := strings.Cut(strings.TrimPrefix(request.URL.EscapedPath(), "/client/v4/accounts/"), "/")
				if i == 4 {
					equal(t, "path", account+"/"+rest, "a/alerting/v3/destinations/pagerduty/connect/"+escaped)
				} else {
					equal(t, "account in the path", account, escaped)
				}
				equal(t, "query", request.URL.RawQuery, "")
			}
		})
	}
}

func TestListResponses(t *testing.T) {
	t.Parallel()
	list := func(names ...string) (s []cloudflare.Service) {
		for i := 0; i < len(names); i += 2 {
			s = append(s, cloudflare.Service{ID: names[i], Name: names[i+1]})
		}
		return s
	}
	const ok = `"success": true, "errors": [], "messages": []}`
	for name, test := range map[string]struct {
		status int
		body   string
		want   []cloudflare.Service
		err    string // "" where there is none
	}{
		"sorted": {status: 200, body: `{"result": [{"id":"2","name":"B"},{"id":"3","name":"A"},{"id":"1","name":"B"}], ` + ok, want: list("3", "A", "1", "B", "2", "B")},
		"IDs as they are": {status: 200, body: `{"result": [{"id":"0A1B-x","name":""},{"id":"` + someToken + `","name":"x"},{"id":" y ","name":"y"}], ` + ok,
			want: list("0A1B-x", "", someToken, "x", " y ", "y")},
		"result_info": {status: 200, body: `{"result": [{"id":"1","name":"A","more":{}}], "result_info": {"page":1,"total_count":1}, ` + ok, want: list("1", "A")},
		"empty":       {status: 200, body: `{"result": [], ` + ok, want: list()},
		"null":        {status: 200, body: `{"result": null, ` + ok, want: list()},
		"an object":   {status: 200, body: `{"result": {"id":"1","name":"A"}, ` + ok, want: list("1", "A")},
		"twice":       {status: 200, body: `{"result": [{"id":"A-1","name":"A"},{"id":"2","name":"B"},{"id":"a1","name":"A"},{"id":"A-1","name":"C"}], ` + ok, want: list("A-1", "A", "2", "B")},
		"normal form": {status: 200, body: `{"result": [{"id":"1","name":"Cafe\u0301"},{"id":"2","name":"Caf\u00e9"}], ` + ok, want: list("1", "Caf\u00e9", "2", "Caf\u00e9")},
		"odd info":    {status: 200, body: `{"result": [], "result_info": {"total_count": "many", "total_pages": null}, ` + ok, want: list()},
		"no info":     {status: 200, body: `{"result": [], "result_info": [], ` + ok, want: list()},
		"whole info":  {status: 200, body: `{"result": [{"id":"1"},{"id":"1"}], "result_info": {"total_count": 2, "total_pages": 1}, ` + ok, want: list("1", "")},
		"null errors": {status: 200, body: `{"result": [], "success": true, "errors": null, "messages": null}`, want: list()},

		"missing":            {status: 200, body: `{` + ok, err: "has no result, so it proves nothing"},
		"more than it holds": {status: 200, body: `{"result": [{"id":"1"}], "result_info": {"total_count": 2}, ` + ok, err: "announces more than it holds"},
		"count as text":      {status: 200, body: `{"result": [], "result_info": {"total_count": "1"}, ` + ok, err: "announces more than it holds"},
		"more pages":         {status: 200, body: `{"result": [{"id":"1"}], "result_info": {"total_pages": 2}, ` + ok, err: "announces more than it holds"},
		"errors as well":     {status: 200, body: `{"result": [], "success": true, "errors": [{"code": 1, "message": "Partial failure"}]}`, err: "Partial failure (code 1)"},
		"odd errors as well": {status: 200, body: `{"result": [], "success": true, "errors": [7]}`, err: "the errors in the response can't be read"},
		"messages":           {status: 400, body: `{"success": false, "errors": [], "messages": [{"code": 7, "message": "Not today"}]}`, err: "Not today (code 7)"},
		"no success":         {status: 200, body: `{"result": [], "errors": []}`, err: "does not say whether the request succeeded"},
		"no envelope":        {status: 200, body: `{"result": []}`, err: "not JSON from the Cloudflare API"},
		"null success":       {status: 200, body: `{"result": [], "success": null}`, err: "not JSON from the Cloudflare API"},
		"not a success":      {status: 200, body: `{"result": [], "success": false, "errors": [{"code": 1, "message": "No luck"}]}`, err: "No luck (code 1)"},
		"silent failure":     {status: 200, body: `{"result": [], "success": false}`, err: "did not succeed, and gives no reason"},
		"success as text":    {status: 200, body: `{"result": [], "success": "true"}`, err: "did not succeed"},
		"204":                {status: 204, body: ``, err: "204 No Content"},
		"another 2xx":        {status: 202, body: `{"result": [], ` + ok, err: "202 Accepted"},
		"403":                {status: 403, body: `{"result": [], ` + ok, err: "403 Forbidden"},
		"403 with reason":    {status: 403, body: `{"result": null, "success": false, "errors": [{"code": 10000, "message": "Authentication error"}]}`, err: "Authentication error (code 10000)"},
		"404":                {status: 404, body: `{"success": false, "errors": [{"code": 7003, "message": "Could not route"}]}`, err: "(code 7003)"},
		"HTML":               {status: 200, body: "<html>\n<title>Just a moment…</title>", err: "it begins: <html> <title>Just a moment…</title>"},
		"HTML 403":           {status: 403, body: "<html>Blocked", err: "it begins: <html>Blocked"},
		"no body":            {status: 200, err: "not JSON from"},
		"truncated":          {status: 200, body: `{"result": [{"id": "1", "na`, err: "not JSON from"},
		"two values":         {status: 200, body: `{"result": [], ` + ok + `{}`, err: "not JSON from"},
		"bare null":          {status: 200, body: `null`, err: "not JSON from"},
		"bare list":          {status: 200, body: `[]`, err: "not JSON from"},
		"an empty object":    {status: 200, body: `{"result": {}, ` + ok, err: "a service has no ID"},
		"a text":             {status: 200, body: `{"result": "none", ` + ok, err: "not what this request returns"},
		"a service is text":  {status: 200, body: `{"result": ["1"], ` + ok, err: "not what this request returns"},
		"a service is null":  {status: 200, body: `{"result": [null], ` + ok, err: "a service has no ID"},
		"a service has none": {status: 200, body: `{"result": [{"id":"1","name":"A"},{"name":"B"}], ` + ok, err: "a service has no ID"},
		"an ID is a number":  {status: 200, body: `{"result": [{"id":1}], ` + ok, err: "not what this request returns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := responding(t, test.status, nil, test.body)
			got, err := client.ListServices(t.Context(), "a")
			equal(t, "requests", len(*requests), 1)
			if test.err == "" {
				noError(t, err)
				equal(t, "services", append(list(), got...), test.want)
				return
			}
			says(t, err, test.err)
			api := wants[*cloudflare.APIError](t, err)
			equal(t, "status", api.StatusCode, test.status)
			equal(t, "is not the API's", api.NotAPI, strings.Contains(test.err, "not JSON from") || strings.Contains(test.err, "it begins") || test.status == 204)
			equal(t, "services", got, nil)
		})
	}
}

func TestTokenResponses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status      int
		body        string
		token, want string
	}{
		"201":        {status: 201, body: `{"result": {"id": "` + someToken + `"}, "success": true}`, token: someToken},
		"200":        {status: 200, body: `{"result": {"id": "0123"}, "success": true}`, token: "0123"},
		"no ID":      {status: 201, body: `{"result": {}, "success": true}`, want: "the integration token is empty"},
		"no result":  {status: 201, body: `{"success": true}`, want: "the integration token is empty"},
		"dots":       {status: 201, body: `{"result": {"id": ".."}, "success": true}`, want: "the integration token is no token"},
		"a break":    {status: 201, body: `{"result": {"id": "se\ncret"}, "success": true}`, want: "the integration token must not contain white space"},
		"too long":   {status: 201, body: `{"result": {"id": "` + strings.Repeat("secret", 100) + `"}, "success": true}`, want: "the integration token is too long"},
		"a text":     {status: 201, body: `{"result": "secret", "success": true}`, want: "not what this request returns"},
		"cut short":  {status: 201, body: `{"result": {"id": "secret"`, want: "not JSON from"},
		"HTML":       {status: 201, body: `<html>secret`, want: "(no content type, 12 bytes)"},
		"no success": {status: 201, body: `{"result": {"id": "secret"}}`, want: "(no content type, 28 bytes)"},
		"told twice": {status: 201, body: `{"result": {"id": "secret"}, "success": true, "errors": ["Made s-e-cret"]}`, want: "Made [redacted]"},
		"404":        {status: 404, body: `{"result": {"id": "secret"}, "success": true}`, want: "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := responding(t, test.status, nil, test.body)
			token, err := client.CreateIntegrationToken(t.Context(), "a")
			equal(t, "token", token, test.token)
			if test.want == "" {
				noError(t, err)
				return
			}
			says(t, err, test.want)
			mustNotHold(t, err.Error(), "secret", "cret")
		})
	}
}

func TestLinkResponses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		body, id string
		fails    bool
		open     bool
	}{
		"200":           {status: 200, body: `{"result": {"id": "c1"}, "success": true}`, id: "c1"},
		"no ID":         {status: 200, body: `{"result": {}, "success": true}`},
		"no result":     {status: 200, body: `{"result": null, "success": true}`},
		"odd result":    {status: 200, body: `{"result": [], "success": true}`, fails: true, open: true},
		"not a success": {status: 200, body: `{"success": false}`, fails: true, open: true},
		"204":           {status: 204, body: ``, fails: true, open: true},
		"a redirect":    {status: 302, body: ``, fails: true, open: true},
		"400":           {status: 400, body: `{"success": false}`, fails: true},
		"408":           {status: 408, body: `{"success": false}`, fails: true, open: true},
		"HTML 403":      {status: 403, body: `<html>`, fails: true},
		"500":           {status: 500, body: `{"success": false}`, fails: true, open: true},
		"HTML 502":      {status: 502, body: `<html>`, fails: true, open: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := responding(t, test.status, nil, test.body)
			id, _, err := client.Link(t.Context(), "a", someToken)
			equal(t, "requests", len(*requests), 1)
			equal(t, "ID", id, test.id)
			equal(t, "fails", err != nil, test.fails)
			equal(t, "outcome is unknown", cloudflare.IsOutcomeUnknown(err), test.open)
		})
	}
}

func TestDeleteResponses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"200":         {status: 200, body: `{"errors": [], "messages": [], "success": true}`},
		"202":         {status: 202, body: `{"success": true}`},
		"with result": {status: 200, body: `{"result": {"id": "1"}, "success": true}`},
		"204":         {status: 204, body: ``, want: "204 No Content"},
		"not success": {status: 200, body: `{"success": false}`, want: "did not succeed"},
		"404":         {status: 404, body: `{"success": false, "errors": [{"code": 1, "message": "None"}]}`, want: "None (code 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := responding(t, test.status, nil, test.body)
			_, err := client.DeleteServices(t.Context(), "a", nil)
			if test.want == "" {
				noError(t, err)
				return
			}
			says(t, err, test.want)
		})
	}
}
