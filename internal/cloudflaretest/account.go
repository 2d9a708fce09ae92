// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// Service is a PagerDuty service that is connected to an account.
type Service struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Consent is what the human step of a link leads to, and when. The zero value shows a default service at once; Lists
// and Delay together must both be over.
type LinkModel struct {
	// Services that the link connects. Nil is one service, On-call, with an ID that depends on
	// the account alone; an empty slice for none.
	Services []Service
	// Lists is how many lists after the link still show nothing of it.
	Lists int
	// Delay is how long after the link its services show, on the server's clock.
	Delay time.Duration
	// NeedsPerson leaves the link waiting until [Account.PersonConnects].
	NeedsPerson bool
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
}

// pending is a link whose services do not show yet.
type pending struct {
	services []Service
	lists    int
	due      time.Time
	absent   bool
}

type integrationToken struct {
	id             string
	used, relinked bool
}

// SetServices replaces the services that show, as somebody might do in the dashboard.
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

// SetLinkModel sets what further links of this account lead to.
func (a *Account) SetLinkModel(m LinkModel) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.model = &m
}

// PersonConnects does the human step for all links of the account that wait: their services show.
func (a *Account) PersonConnects() {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	for _, p := range a.waiting {
		a.show(p.services)
	}
	a.waiting = nil
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
		if p.absent || p.lists > 0 || now.Before(p.due) {
			return false
		}
		a.show(p.services)
		return true
	})
	return append([]Service{}, a.services...)
}

// show adds services; one that is linked again keeps its place.
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

// clear deletes all services and returns those that showed. What a link has still to show goes with them: it
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
		id = id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
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

// link uses a token up.
func (a *Account) link(t *integrationToken) {
	t.used = true
	model := a.server.model
	if a.model != nil {
		model = *a.model
	}
	services := slices.Clone(model.Services)
	if services == nil {
		sum := sha256.Sum256([]byte("service of " + a.id))
		services = []Service{{ID: hex.EncodeToString(sum[:16]), Name: "On-call"}}
	}
	a.waiting = append(a.waiting, &pending{
		services: services,
		lists:    model.Lists,
		due:      a.server.now().Add(model.Delay),
		absent:   model.NeedsPerson,
	})
}
