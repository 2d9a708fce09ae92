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
		"API token":     {byToken, http.Header{"Authorization": {"Bearer " + cloudflaretest.APIToken}}},
		"legacy pair":   {cloudflare.Credentials{APIKey: cloudflaretest.APIKey, Email: cloudflaretest.Email}, http.Header{"X-Auth-Key": {cloudflaretest.APIKey}, "X-Auth-Email": {cloudflaretest.Email}}},
		"token and key": {cloudflare.Credentials{APIToken: cloudflaretest.APIToken, APIKey: "other"}, http.Header{"Authorization": {"Bearer " + cloudflaretest.APIToken}}},
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
		"sorted": {200, `{"result": [{"id":"2","name":"B"},{"id":"3","name":"A"},{"id":"1","name":"B"}], ` + ok, list("3", "A", "1", "B", "2", "B"), ""},
		"IDs as they are": {200, `{"result": [{"id":"0A1B-x","name":""},{"id":"` + someToken + `","name":"x"},{"id":" y ","name":"y"}], ` + ok,
			list("0A1B-x", "", someToken, "x", " y ", "y"), ""},
		"result_info": {200, `{"result": [{"id":"1","name":"A","more":{}}], "result_info": {"page":1,"total_count":1}, ` + ok, list("1", "A"), ""},
		"empty":       {200, `{"result": [], ` + ok, list(), ""},
		"null":        {200, `{"result": null, ` + ok, list(), ""},
		"an object":   {200, `{"result": {"id":"1","name":"A"}, ` + ok, list("1", "A"), ""},
		"twice":       {200, `{"result": [{"id":"A-1","name":"A"},{"id":"2","name":"B"},{"id":"a1","name":"A"},{"id":"A-1","name":"C"}], ` + ok, list("A-1", "A", "2", "B"), ""},
		"normal form": {200, `{"result": [{"id":"1","name":"Cafe\u0301"},{"id":"2","name":"Caf\u00e9"}], ` + ok, list("1", "Caf\u00e9", "2", "Caf\u00e9"), ""},
		"odd info":    {200, `{"result": [], "result_info": {"total_count": "many", "total_pages": null}, ` + ok, list(), ""},
		"no info":     {200, `{"result": [], "result_info": [], ` + ok, list(), ""},
		"whole info":  {200, `{"result": [{"id":"1"},{"id":"1"}], "result_info": {"total_count": 2, "total_pages": 1}, ` + ok, list("1", ""), ""},
		"null errors": {200, `{"result": [], "success": true, "errors": null, "messages": null}`, list(), ""},

		"missing":            {200, `{` + ok, nil, "has no result, so it proves nothing"},
		"more than it holds": {200, `{"result": [{"id":"1"}], "result_info": {"total_count": 2}, ` + ok, nil, "announces more than it holds"},
		"count as text":      {200, `{"result": [], "result_info": {"total_count": "1"}, ` + ok, nil, "announces more than it holds"},
		"more pages":         {200, `{"result": [{"id":"1"}], "result_info": {"total_pages": 2}, ` + ok, nil, "announces more than it holds"},
		"errors as well":     {200, `{"result": [], "success": true, "errors": [{"code": 1, "message": "Partial failure"}]}`, nil, "Partial failure (code 1)"},
		"odd errors as well": {200, `{"result": [], "success": true, "errors": [7]}`, nil, "the errors in the response can't be read"},
		"messages":           {400, `{"success": false, "errors": [], "messages": [{"code": 7, "message": "Not today"}]}`, nil, "Not today (code 7)"},
		"no success":         {200, `{"result": [], "errors": []}`, nil, "does not say whether the request succeeded"},
		"no envelope":        {200, `{"result": []}`, nil, "not JSON from the Cloudflare API"},
		"null success":       {200, `{"result": [], "success": null}`, nil, "not JSON from the Cloudflare API"},
		"not a success":      {200, `{"result": [], "success": false, "errors": [{"code": 1, "message": "No luck"}]}`, nil, "No luck (code 1)"},
		"silent failure":     {200, `{"result": [], "success": false}`, nil, "did not succeed, and gives no reason"},
		"success as text":    {200, `{"result": [], "success": "true"}`, nil, "did not succeed"},
		"204":                {204, ``, nil, "204 No Content"},
		"another 2xx":        {202, `{"result": [], ` + ok, nil, "202 Accepted"},
		"403":                {403, `{"result": [], ` + ok, nil, "403 Forbidden"},
		"403 with reason":    {403, `{"result": null, "success": false, "errors": [{"code": 10000, "message": "Authentication error"}]}`, nil, "Authentication error (code 10000)"},
		"404":                {404, `{"success": false, "errors": [{"code": 7003, "message": "Could not route"}]}`, nil, "(code 7003)"},
		"HTML":               {200, "<html>\n<title>Just a moment…</title>", nil, "it begins: <html> <title>Just a moment…</title>"},
		"HTML 403":           {403, "<html>Blocked", nil, "it begins: <html>Blocked"},
		"no body":            {200, "", nil, "not JSON from"},
		"truncated":          {200, `{"result": [{"id": "1", "na`, nil, "not JSON from"},
		"two values":         {200, `{"result": [], ` + ok + `{}`, nil, "not JSON from"},
		"bare null":          {200, `null`, nil, "not JSON from"},
		"bare list":          {200, `[]`, nil, "not JSON from"},
		"an empty object":    {200, `{"result": {}, ` + ok, nil, "a service has no ID"},
		"a text":             {200, `{"result": "none", ` + ok, nil, "not what this request returns"},
		"a service is text":  {200, `{"result": ["1"], ` + ok, nil, "not what this request returns"},
		"a service is null":  {200, `{"result": [null], ` + ok, nil, "a service has no ID"},
		"a service has none": {200, `{"result": [{"id":"1","name":"A"},{"name":"B"}], ` + ok, nil, "a service has no ID"},
		"an ID is a number":  {200, `{"result": [{"id":1}], ` + ok, nil, "not what this request returns"},
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
		"201":        {201, `{"result": {"id": "` + someToken + `"}, "success": true}`, someToken, ""},
		"200":        {200, `{"result": {"id": "0123"}, "success": true}`, "0123", ""},
		"no ID":      {201, `{"result": {}, "success": true}`, "", "the integration token is empty"},
		"no result":  {201, `{"success": true}`, "", "the integration token is empty"},
		"dots":       {201, `{"result": {"id": ".."}, "success": true}`, "", "the integration token is no token"},
		"a break":    {201, `{"result": {"id": "se\ncret"}, "success": true}`, "", "the integration token must not contain white space"},
		"too long":   {201, `{"result": {"id": "` + strings.Repeat("secret", 100) + `"}, "success": true}`, "", "the integration token is too long"},
		"a text":     {201, `{"result": "secret", "success": true}`, "", "not what this request returns"},
		"cut short":  {201, `{"result": {"id": "secret"`, "", "not JSON from"},
		"HTML":       {201, `<html>secret`, "", "(no content type, 12 bytes)"},
		"no success": {201, `{"result": {"id": "secret"}}`, "", "(no content type, 28 bytes)"},
		"told twice": {201, `{"result": {"id": "secret"}, "success": true, "errors": ["Made s-e-cret"]}`, "", "Made [redacted]"},
		"404":        {404, `{"result": {"id": "secret"}, "success": true}`, "", "404 Not Found"},
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
		"200":           {200, `{"result": {"id": "c1"}, "success": true}`, "c1", false, false},
		"no ID":         {200, `{"result": {}, "success": true}`, "", false, false},
		"no result":     {200, `{"result": null, "success": true}`, "", false, false},
		"odd result":    {200, `{"result": [], "success": true}`, "", true, true},
		"not a success": {200, `{"success": false}`, "", true, true},
		"204":           {204, ``, "", true, true},
		"a redirect":    {302, ``, "", true, true},
		"400":           {400, `{"success": false}`, "", true, false},
		"408":           {408, `{"success": false}`, "", true, true},
		"HTML 403":      {403, `<html>`, "", true, false},
		"500":           {500, `{"success": false}`, "", true, true},
		"HTML 502":      {502, `<html>`, "", true, true},
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
		"200":         {200, `{"errors": [], "messages": [], "success": true}`, ""},
		"202":         {202, `{"success": true}`, ""},
		"with result": {200, `{"result": {"id": "1"}, "success": true}`, ""},
		"204":         {204, ``, "204 No Content"},
		"not success": {200, `{"success": false}`, "did not succeed"},
		"404":         {404, `{"success": false, "errors": [{"code": 1, "message": "None"}]}`, "None (code 1)"},
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
