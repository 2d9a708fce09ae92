// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"slices"
)

// Service is a PagerDuty service that is connected to an account.
type Service struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Account is an account at Cloudflare.
type Account struct {
	server *Server
	id     string

	// Guarded by server.mu.
	model    *LinkModel // nil for the server's
	services []Service
	waiting  []*pending
	tokens   []*integrationToken
	policies []policy
}

type integrationToken struct {
	id             string
	used, relinked bool
}

// SetServices replaces the services that show.
func (a *Account) SetServices(services ...Service) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.services = slices.Clone(services)
}

// Services returns what a list would show now, without counting as one.
func (a *Account) Services() []Service {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.visible()
}

// SetLinkModel sets what further links of this account do.
func (a *Account) SetLinkModel(m LinkModel) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.model = &m
}

// PersonConnects does what a person does in the dashboard: log in to PagerDuty and choose services, which show at
// once beside those that are connected already. Without any they are those of the account's [LinkModel].
func (a *Account) PersonConnects(services ...Service) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if len(services) == 0 {
		services = a.chosen(a.linkModel())
	}
	a.show(services)
}

// PersonDisconnects disconnects all services in the dashboard. A link needs a person's act again after it.
func (a *Account) PersonDisconnects() {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.clear()
}

// PersonReconnects disconnects all services and connects others in one go, and returns those; without any they are
// the same names under new IDs. Between [Account.PersonDisconnects] and [Account.PersonConnects] there is a moment
// without any.
func (a *Account) PersonReconnects(services ...Service) []Service {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	removed := a.clear()
	if len(services) == 0 {
		for _, service := range removed {
			services = append(services, Service{ID: randomHex(16), Name: service.Name})
		}
	}
	a.show(services)
	return a.visible()
}

// Tokens returns the integration tokens made so far, in order.
func (a *Account) Tokens() []string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	tokens := make([]string, len(a.tokens))
	for i, t := range a.tokens {
		tokens[i] = t.id
	}
	return tokens
}

// visible shows what is due by now, and returns a copy of all that shows; never nil, as a list has no null.
func (a *Account) visible() []Service {
	now := a.server.now()
	a.waiting = slices.DeleteFunc(a.waiting, func(p *pending) bool {
		if p.lists > 0 || now.Before(p.due) {
			return false
		}
		a.show(p.services)
		return true
	})
	return append([]Service{}, a.services...)
}

// show adds services; one that is connected again keeps its place.
func (a *Account) show(services []Service) {
	for _, service := range services {
		i := slices.IndexFunc(a.services, func(s Service) bool { return s.ID == service.ID })
		if i < 0 {
			a.services = append(a.services, service)
		} else {
			a.services[i] = service
		}
	}
}

func (a *Account) list() []Service {
	services := a.visible()
	for _, p := range a.waiting {
		p.lists--
	}
	return services
}

// clear disconnects all services and returns those that showed. What a link has still to show goes with them: it
// belongs to the connection as well.
func (a *Account) clear() []Service {
	removed := a.visible()
	a.services, a.waiting = nil, nil
	return removed
}

// issue makes a token, in either of the two forms that Cloudflare's tokens come in.
func (a *Account) issue() string {
	id := randomHex(16)
	if len(a.tokens)%2 == 1 {
		id = dashed(id)
	}
	a.tokens = append(a.tokens, &integrationToken{id: id})
	return id
}

// token finds a token of this account, or nil.
func (a *Account) token(id string) *integrationToken {
	for _, t := range a.tokens {
		if t.id == id {
			return t
		}
	}
	return nil
}
