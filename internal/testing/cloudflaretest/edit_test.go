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
		"no result":           {Fault{Op: List, Edit: Set("result", "")}, 200, `{` + ok + `}`, false},
		"null":                {Fault{Op: List, Edit: Set("result", "null")}, 200, `{"errors":[],"messages":[],"result":null,"success":true}`, true},
		"one object":          {Fault{Op: List, Edit: Set("result", `{"id":"a","name":"API"}`)}, 200, `{"errors":[],"messages":[],"result":{"id":"a","name":"API"},"success":true}`, false},
		"more than it holds":  {Fault{Op: List, Edit: Set("result_info", `{"total_count":2}`)}, 200, `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"}],"result_info":{"total_count":2},"success":true}`, true},
		"more pages":          {Fault{Op: Policies, Edit: Set("result_info", `{"page":1,"total_pages":2}`)}, 200, `{"errors":[],"messages":[],"result":[],"result_info":{"page":1,"total_pages":2},"success":true}`, true},
		"twice":               {Fault{Op: List, Edit: Twice}, 200, `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"},{"id":"` + capitals + `","name":"API"}],"success":true}`, true},
		"another form":        {Fault{Op: List, Edit: Reshape}, 200, `{"errors":[],"messages":[],"result":[{"id":"` + capitals + `","name":"API"}],"success":true}`, true},
		"one more":            {Fault{Op: List, Edit: Append(`{"id":"b","name":"Batch"}`, `"no object"`)}, 200, `{"errors":[],"messages":[],"result":[{"id":"` + plain + `","name":"API"},{"id":"b","name":"Batch"},"no object"],"success":true}`, false},
		"no names":            {Fault{Op: List, Edit: SetEach("name", "")}, 200, `{"errors":[],"messages":[],"result":[{"id":"` + plain + `"}],"success":true}`, false},
		"success with errors": {Fault{Op: List, Edit: Set("errors", Messages("partial failure"))}, 200, `{"errors":` + said + `,"messages":[],"result":[{"id":"` + plain + `","name":"API"}],"success":true}`, false},
		"messages":            {Fault{Op: Delete, Edit: Set("messages", Messages("partial failure"))}, 200, `{"errors":[],"messages":` + said + `,"success":true}`, true},
		"messages alone": {Fault{Op: List, Status: 400, Body: Failure(1, "x"), Edit: func(body []byte) []byte {
			return Set("messages", Messages("partial failure"))(Set("errors", "[]")(body))
		}}, 400, `{"errors":[],"messages":` + said + `,"success":false}`, false},
		"refusal":            {Fault{Op: Delete, Status: 404, Body: Failure(1002, "not found")}, 404, `{"success":false,"errors":[{"code":1002,"message":"not found"}],"messages":[]}`, true},
		"429":                {with(RetryAfter(429, "5"), Policies), 429, Failure(971, "Please wait and consider throttling your request speed"), true},
		"503":                {with(RetryAfter(503, "5"), List), 503, Failure(971, "Please wait and consider throttling your request speed"), false},
		"page of a firewall": {with(HTML(403), List), 403, page, false},
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
		"missing":          {SetEach("mechanisms", ""), `"enabled":true,"id":"1","modified"`},
		"null":             {SetEach("mechanisms", "null"), `"mechanisms":null`},
		"empty":            {SetEach("mechanisms", "{}"), `"mechanisms":{}`},
		"list is null":     {SetEach("mechanisms", `{"pagerduty":null}`), `"mechanisms":{"pagerduty":null}`},
		"list is empty":    {SetEach("mechanisms", `{"pagerduty":[]}`), `"mechanisms":{"pagerduty":[]}`},
		"entry is a text":  {SetEach("mechanisms", `{"pagerduty":["a"]}`), `"mechanisms":{"pagerduty":["a"]}`},
		"policy is a text": {Append(`"odd"`), `,"odd"]`},
		"no list":          {Set("result", `"odd"`), `"result":"odd"`},
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
