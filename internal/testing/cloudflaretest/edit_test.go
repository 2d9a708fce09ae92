// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"net/http"
	"strings"
	"testing"
)

// TestFaultyResponses has the responses that tests need on demand, and says which of them fit openapi.yaml.
func TestFaultyResponses(t *testing.T) {
	t.Parallel()
	const (
		plain    = "0123456789abcdef0123456789abcdef"
		capitals = "01234567-89AB-CDEF-0123-456789ABCDEF"
		ok       = `"errors":[],"messages":[],"success":true`
	)
	said := `[{"code":1000,"message":"partial failure"}]`
	for name, test := range map[string]struct {
		fault  Fault
		status int
		body   string
		fits   bool
	}{
		"no result":           {fault: Fault{Op: List, Edit: Set("result", "")}, status: 200, body: `{` + ok + `}`},
		"null":                {fault: Fault{Op: List, Edit: Set("result", "null")}, status: 200, body: `{"errors":[],"messages":[],"result":null,"success":true}`, fits: true},
		"one object":          {fault: Fault{Op: List, Edit: Set("result", `{"id":"a","name":"API"}`)}, status: 200, body: `{"errors":[],"messages":[],"result":{"id":"a","name":"API"},"success":true}`},
		"more than it holds":  {fault: Fault{Op: List, Edit: Set("result_info", `{"total_count":2}`)}, status: 200, body: `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"}],"result_info":{"total_count":2},"success":true}`, fits: true},
		"more pages":          {fault: Fault{Op: Policies, Edit: Set("result_info", `{"page":1,"total_pages":2}`)}, status: 200, body: `{"errors":[],"messages":[],"result":[],"result_info":{"page":1,"total_pages":2},"success":true}`, fits: true},
		"twice":               {fault: Fault{Op: List, Edit: Twice}, status: 200, body: `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"},{"id":"` + capitals + `","name":"API"}],"success":true}`, fits: true},
		"another form":        {fault: Fault{Op: List, Edit: Reshape}, status: 200, body: `{"errors":[],"messages":[],"result":[{"id":"` + capitals + `","name":"API"}],"success":true}`, fits: true},
		"one more":            {fault: Fault{Op: List, Edit: Append(`{"id":"b","name":"Batch"}`, `"no object"`)}, status: 200, body: `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"},{"id":"b","name":"Batch"},"no object"],"success":true}`},
		"no names":            {fault: Fault{Op: List, Edit: SetEach("name", "")}, status: 200, body: `{"errors":[],"messages":[],"result":[{"id":"` + plain + `"}],"success":true}`},
		"success with errors": {fault: Fault{Op: List, Edit: Set("errors", Messages("partial failure"))}, status: 200, body: `{"errors":` + said + `,"messages":[],"result":[{"id":"` + plain + `","name":"API"}],"success":true}`},
		"messages":            {fault: Fault{Op: Delete, Edit: Set("messages", Messages("partial failure"))}, status: 200, body: `{"errors":[],"messages":` + said + `,"success":true}`, fits: true},
		"messages alone": {fault: Fault{Op: List, Status: 400, Body: Failure(1, "x"), Edit: func(body []byte) []byte {
			return Set("messages", Messages("partial failure"))(Set("errors", "[]")(body))
		}}, status: 400, body: `{"errors":[],"messages":` + said + `,"success":false}`},
		"refusal":            {fault: Fault{Op: Delete, Status: 404, Body: Failure(1002, "not found")}, status: 404, body: `{"success":false,"errors":[{"code":1002,"message":"not found"}],"messages":[]}`, fits: true},
		"429":                {fault: with(RetryAfter(429, "5"), Policies), status: 429, body: Failure(971, "Please wait and consider throttling your request speed"), fits: true},
		"503":                {fault: with(RetryAfter(503, "5"), List), status: 503, body: Failure(971, "Please wait and consider throttling your request speed")},
		"page of a firewall": {fault: with(HTML(403), List), status: 403, body: page},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over(t, func(s *Server, c client) {
				t := c.t
				s.Account(account).SetServices(Service{ID: plain, Name: "API"})
				s.Fail(test.fault)
				method, path := "GET", pagerduty
				switch test.fault.Op {
				case Delete:
					method = "DELETE"
				case Policies:
					path = policies
				default:
				}
				got := c.do(method, path)
				equal(t, "status", got.Status, test.status)
				equal(t, "body", got.Body, test.body)
				equal(t, "it is a page", got.Header.Get("Content-Type") == "text/html", test.body == page)
				equal(t, "Retry-After", got.Header.Get("Retry-After"), test.fault.Header.Get("Retry-After"))
				equal(t, "violations", s.Violations(), nil) // A fault is exempt.
				if test.fault.Op == Delete {
					equal(t, "services are left", len(s.Account(account).Services()), map[int]int{200: 0, 404: 1}[test.status])
				}

				request, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				input, _ := match(request)
				err = checkResponse(input, response{status: got.Status, header: got.Header, body: []byte(got.Body)})
				if (err == nil) != test.fits {
					t.Errorf("error = %v, fits = %v", err, test.fits)
				}
			})
		})
	}
}

func with(f Fault, op Op) Fault {
	f.Op = op
	return f
}

// TestOddPolicies has the shapes of mechanisms that a client must read.
func TestOddPolicies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func([]byte) []byte
		want string
	}{
		"missing":          {edit: SetEach("mechanisms", ""), want: `"enabled":true,"id":"1","modified"`},
		"null":             {edit: SetEach("mechanisms", "null"), want: `"mechanisms":null`},
		"empty":            {edit: SetEach("mechanisms", "{}"), want: `"mechanisms":{}`},
		"list is null":     {edit: SetEach("mechanisms", `{"pagerduty":null}`), want: `"mechanisms":{"pagerduty":null}`},
		"list is empty":    {edit: SetEach("mechanisms", `{"pagerduty":[]}`), want: `"mechanisms":{"pagerduty":[]}`},
		"entry is a text":  {edit: SetEach("mechanisms", `{"pagerduty":["a"]}`), want: `"mechanisms":{"pagerduty":["a"]}`},
		"policy is a text": {edit: Append(`"odd"`), want: `,"odd"]`},
		"no list":          {edit: Set("result", `"odd"`), want: `"result":"odd"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(t)
			s.Account(account).SetPolicies(Policy{ID: "1", AlertType: "a", Enabled: true, PagerDuty: []string{"a"}})
			s.Fail(Fault{Op: Policies, Edit: test.edit, Times: 1})
			c := inMemory(t, s)
			if got := c.policies().Body; !strings.Contains(got, test.want) {
				t.Errorf("body = %s, want %s in it", got, test.want)
			}
			equal(t, "the policy is as it was", strings.Contains(c.policies().Body, `"mechanisms":{"pagerduty":[{"id":"a"}]}`), true)
		})
	}
}

func TestEditsLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", "[]", "null", `{"result":7}`, `{"result":null}`} {
		for name, edit := range map[string]func([]byte) []byte{
			"SetEach": SetEach("id", "1"), "Append": Append("1"), "Reshape": Reshape, "Twice": Twice,
		} {
			equal(t, name+" of "+body, string(edit([]byte(body))), body)
		}
	}
	equal(t, "Set of a page", string(Set("a", "1")([]byte("<html>"))), "<html>")
	equal(t, "Reshape of a text", string(Reshape([]byte(`{"result":["a"]}`))), `{"result":["a"]}`)
}

func TestAlternate(t *testing.T) {
	t.Parallel()
	s := New(t)
	s.Account(account).SetServices(Service{ID: "a", Name: "API"})
	s.Fail(Fault{Op: List, Edit: Alternate(Reshape)})
	c := inMemory(t, s)
	var ids []string
	for range 4 {
		ids = append(ids, c.list().services(t)[0].ID)
	}
	equal(t, "IDs", ids, []string{"A", "a", "A", "a"})
}

func TestOtherForm(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"0123456789abcdef0123456789abcdef":     "01234567-89AB-CDEF-0123-456789ABCDEF",
		"01234567-89AB-CDEF-0123-456789ABCDEF": "0123456789abcdef0123456789abcdef",
		"abc":                                  "ABC", "ABC": "abc", "": "",
	} {
		equal(t, id, OtherForm(id), want)
	}
}

func TestLagDelete(t *testing.T) {
	t.Parallel()
	over(t, func(s *Server, c client) {
		t := c.t
		a := s.Account(account)
		for _, stale := range [][]bool{{}, {true}, {false, true}, {true, false, true, true}} {
			a.SetServices(Service{ID: "a", Name: "API"})
			a.LagDelete(stale...)
			equal(t, "services before", len(c.list().services(t)), 1)
			equal(t, "status", c.delete().Status, 200)
			var shown []bool
			for range stale {
				shown = append(shown, len(c.list().services(t)) == 1)
			}
			equal(t, "stale lists", shown, append([]bool(nil), stale...))
			equal(t, "services at last", c.list().services(t), []Service{})
			s.Heal()
		}
	})
}
