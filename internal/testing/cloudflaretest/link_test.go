// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLinkModel(t *testing.T) {
	t.Parallel()
	chosen := []Service{{ID: "b", Name: "Batch"}, {ID: "a", Name: "API"}}
	connect := func(t *testing.T, m LinkModel) (*Account, client, *clock) {
		t.Helper()
		now := &clock{now: time.Unix(1e9, 0)}
		s, api := tolerant(t, WithLinkModel(m), WithClock(now.read))
		equal(t, "status of link", api.connect().Status, 200)
		return s.Account(account), api, now
	}
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		_, api, _ := connect(t, LinkModel{Services: chosen})
		equal(t, "services", api.list().services(t), chosen)
	})
	t.Run("none chosen", func(t *testing.T) {
		t.Parallel()
		_, api, _ := connect(t, LinkModel{Services: []Service{}})
		equal(t, "services", api.list().services(t), []Service{})
	})
	t.Run("after lists", func(t *testing.T) {
		t.Parallel()
		a, api, _ := connect(t, LinkModel{Lists: 2, Services: chosen})
		for range 2 {
			equal(t, "services a list would show", a.Services(), []Service{})
			equal(t, "services", api.list().services(t), []Service{})
		}
		equal(t, "services a list would show", a.Services(), chosen)
		equal(t, "services", api.list().services(t), chosen)
	})
	t.Run("after a delay", func(t *testing.T) {
		t.Parallel()
		_, api, now := connect(t, LinkModel{Delay: time.Minute, Services: chosen})
		now.advance(time.Minute - 1)
		equal(t, "services too early", api.list().services(t), []Service{})
		now.advance(1)
		equal(t, "services", api.list().services(t), chosen)
	})
	t.Run("needs a person", func(t *testing.T) {
		t.Parallel()
		a, api, now := connect(t, LinkModel{NeedsPerson: true, Services: chosen})
		now.advance(time.Hour)
		equal(t, "services too early", api.list().services(t), []Service{})
		a.PersonConnects()
		equal(t, "services", api.list().services(t), chosen)
	})
	t.Run("of the account", func(t *testing.T) {
		t.Parallel()
		a, api, _ := connect(t, LinkModel{Services: chosen[:1]})
		a.SetLinkModel(LinkModel{Services: []Service{{ID: "b", Name: "Renamed"}, {ID: "c", Name: "Cron"}}})
		api.connect()
		equal(t, "services", api.list().services(t), []Service{{ID: "b", Name: "Renamed"}, {ID: "c", Name: "Cron"}})
	})
	t.Run("deleted before it shows", func(t *testing.T) {
		t.Parallel()
		a, api, now := connect(t, LinkModel{Delay: time.Minute})
		api.delete()
		now.advance(time.Hour)
		equal(t, "services", a.Services(), []Service{})
		equal(t, "removed", a.server.Requests()[2].Removed, []Service{})
	})
}

// TestLinkModels links under each model before, after and again without a person's act.
func TestLinkModels(t *testing.T) {
	t.Parallel()
	chosen := []Service{{ID: "b", Name: "Batch"}, {ID: "a", Name: "API"}}
	for name, model := range LinkModels() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over(t, func(s *Server, c client) {
				t := c.t
				a := s.Account(account)
				a.SetLinkModel(model)
				refused := model.Status >= 400 && model.Status < 500
				status := max(model.Status, 200)

				// link links with a token of its own, and expects what the model returns, or a plain success.
				link := func(asModel bool) string {
					t.Helper()
					want := 200
					if asModel {
						want = status
					}
					token := c.token().id(t)
					linked := c.link(token)
					equal(t, "status", linked.Status, want)
					log := s.Requests()[len(s.Requests())-1]
					equal(t, "the link had an effect", log.Linked, want < 400 || want >= 500)
					if model.Code != 0 && asModel {
						equal(t, "code", linked.code(), model.Code)
						equal(t, "the response names the token", strings.Contains(linked.Body, token), true)
					}
					if want == 302 {
						equal(t, "the location names the token", strings.HasSuffix(linked.Header.Get("Location"), token), true)
					}
					if model.Body != "" && asModel {
						equal(t, "Content-Type", linked.Header.Get("Content-Type"), "text/html")
						equal(t, "body", linked.Body, page)
					}
					return token
				}

				token := link(true)
				equal(t, "services show", len(c.list().services(t)) > 0, !model.NeedsPerson)
				equal(t, "status of a second link", c.link(token).Status == 400 && len(s.Relinked()) == 1, !refused)

				a.PersonDisconnects()
				a.PersonConnects(chosen...)
				equal(t, "services of the person", c.list().services(t), chosen)
				link(model.Always || !model.NeedsPerson)
				if model.NeedsPerson {
					equal(t, "services after another link", c.list().services(t), chosen)
				}

				a.PersonDisconnects()
				equal(t, "services", c.list().services(t), []Service{})
				link(true)
			})
		})
	}
	kinds := slices.Sorted(maps.Keys(LinkModels()))
	for _, kind := range []string{"M1", "M2", "M3", "M4"} {
		equal(t, kind+" is among the models", slices.ContainsFunc(kinds, func(name string) bool {
			return strings.HasPrefix(name, kind+" ")
		}), true)
	}
}

func TestPerson(t *testing.T) {
	t.Parallel()
	s := New(t)
	a, c := s.Account(account), inMemory(t, s)
	first, second := Service{ID: "a", Name: "API"}, Service{ID: "b", Name: "Batch"}
	a.PersonConnects(first)
	a.PersonConnects(second)
	equal(t, "services", c.list().services(t), []Service{first, second})

	renewed := a.PersonReconnects()
	equal(t, "services under new IDs", c.list().services(t), renewed)
	equal(t, "names", []string{renewed[0].Name, renewed[1].Name}, []string{"API", "Batch"})
	if ids := []string{renewed[0].ID, renewed[1].ID}; slices.Contains(ids, "a") || slices.Contains(ids, "b") || ids[0] == ids[1] {
		t.Errorf("IDs = %q, want new ones", ids)
	}
	equal(t, "services that a person chose", a.PersonReconnects(second), []Service{second})
	equal(t, "services", c.list().services(t), []Service{second})
	a.PersonDisconnects()
	equal(t, "services", c.list().services(t), []Service{})

	a.SetLinkModel(Connects(second))
	a.PersonConnects()
	equal(t, "services of the model", c.list().services(t), []Service{second})
}

// TestDeleteEndsConsent shows that a refused link needs a person again after a DELETE.
func TestDeleteEndsConsent(t *testing.T) {
	t.Parallel()
	s := New(t, WithLinkModel(Refuses(409, 17104)))
	a, c := s.Account(account), inMemory(t, s)
	token := c.token().id(t)
	equal(t, "status before", c.link(token).Status, 409)
	a.PersonConnects()
	equal(t, "status with consent", c.link(token).Status, 200)
	c.delete()
	equal(t, "status after", c.connect().Status, 409)
}
