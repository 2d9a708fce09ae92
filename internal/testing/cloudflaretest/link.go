// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// LinkModel is what a link does, and when. Cloudflare does not document it, so each model is an assumption: see the
// table in the package's documentation. The zero value returns 200 and connects a default service at once.
type LinkModel struct {
	// NeedsPerson makes the link connect nothing by itself: services show once [Account.PersonConnects].
	NeedsPerson bool

	// Status, other than 0, is the link's status in place of 200. A 4XX refuses: the link has no effect, and its
	// token is not used up. Code is the API error's, in an envelope that names the token; Header and Body replace
	// that envelope, and {token_id} in them becomes the token.
	Status int
	Code   int
	Header http.Header
	Body   string
	// Always keeps Status after a person has acted. Without it, a link returns 200 while a person's services are
	// connected. It only matters with NeedsPerson; a link that needs no person always has its Status.
	Always bool

	// Services that the link connects, or a person who chose none. Nil is one service, On-call, with an ID that
	// depends on the account alone; an empty slice is none.
	Services []Service
	// Lists is how many lists after the link still show nothing of it.
	Lists int
	// Delay is how long after the link its services show, on the server's clock. Lists and Delay must both be over.
	Delay time.Duration
}

// page is what a firewall, a proxy or the dashboard sends to a browser.
const page = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body>Ray ID</body></html>\n"

// Refuses is M1: the link returns an API error until a person has acted.
func Refuses(status, code int) LinkModel {
	return LinkModel{NeedsPerson: true, Status: status, Code: code}
}

// Silent is M2: the link returns 200 and connects nothing until a person acts.
func Silent() LinkModel { return LinkModel{NeedsPerson: true} }

// Redirects is M3: the link sends a browser elsewhere, and connects nothing until a person acts.
func Redirects() LinkModel {
	return LinkModel{
		NeedsPerson: true,
		Status:      http.StatusFound,
		Header:      http.Header{"Location": {"https://dash.cloudflare.com/login?state={token_id}"}, "Content-Type": {"text/html"}},
		Body:        page,
	}
}

// ReturnsPage is M3: the link returns HTML with this status, be it 200 or 5XX, and connects nothing until a person
// acts. Without NeedsPerson it connects services all the same.
func ReturnsPage(status int) LinkModel {
	return LinkModel{NeedsPerson: true, Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: page}
}

// Connects is M4: the link connects these services by itself; without any, the default one.
func Connects(services ...Service) LinkModel { return LinkModel{Services: services} }

// LinkModels returns one model of each kind under its name, for tests that hold under all of them.
func LinkModels() map[string]LinkModel {
	connectsAll := ReturnsPage(http.StatusBadGateway)
	connectsAll.NeedsPerson = false
	refusesAlways := Refuses(http.StatusBadRequest, 17102)
	refusesAlways.Always = true
	return map[string]LinkModel{
		"M1 refused with 400":         Refuses(http.StatusBadRequest, 17102),
		"M1 refused with 400, always": refusesAlways,
		"M1 refused with 401":         Refuses(http.StatusUnauthorized, 10000),
		"M1 refused with 403":         Refuses(http.StatusForbidden, 10000),
		"M1 refused with 404":         Refuses(http.StatusNotFound, 17103),
		"M1 refused with 404, 7003":   Refuses(http.StatusNotFound, 7003),
		"M1 refused with 409":         Refuses(http.StatusConflict, 17104),
		"M1 refused with 422":         Refuses(http.StatusUnprocessableEntity, 17105),
		"M2 silent":                   Silent(),
		"M3 redirect":                 Redirects(),
		"M3 HTML":                     ReturnsPage(http.StatusOK),
		"M3 502":                      ReturnsPage(http.StatusBadGateway),
		"M3 502 that connects":        connectsAll,
		"M4 connects":                 Connects(),
	}
}

// response is what the model has a link return in place of 200; ok is false for 200 itself.
func (m LinkModel) response(acted bool, token string) (out response, ok bool) {
	if m.Status == 0 || m.NeedsPerson && acted && !m.Always {
		return response{}, false
	}
	if m.Code != 0 {
		out = refuse(m.Status, m.Code, "No PagerDuty service was chosen for integration token "+token)
	} else {
		out = response{status: m.Status, body: []byte(strings.ReplaceAll(m.Body, "{token_id}", token))}
	}
	out.header = http.Header{}
	for name, values := range m.Header {
		for _, value := range values {
			out.header.Add(name, strings.ReplaceAll(value, "{token_id}", token))
		}
	}
	return out, true
}

// pending is a link whose services do not show yet.
type pending struct {
	services []Service
	lists    int
	due      time.Time
}

// link does what the account's model says of a link with this token.
func (a *Account) link(t *integrationToken) (out response, linked bool) {
	m := a.linkModel()
	out, other := m.response(len(a.visible()) > 0, t.id)
	if !other {
		out = succeed(http.StatusOK, identified{ID: randomHex(16)})
	}
	if out.status >= 400 && out.status < 500 {
		return out, false
	}
	t.used = true
	if !m.NeedsPerson {
		a.waiting = append(a.waiting, &pending{
			services: a.chosen(m),
			lists:    m.Lists,
			due:      a.server.now().Add(m.Delay),
		})
	}
	return out, true
}

func (a *Account) linkModel() LinkModel {
	if a.model != nil {
		return *a.model
	}
	return a.server.model
}

// chosen returns a copy of the model's services.
func (a *Account) chosen(m LinkModel) []Service {
	if m.Services != nil {
		return slices.Clone(m.Services)
	}
	sum := sha256.Sum256([]byte("service of " + a.id))
	return []Service{{ID: hex.EncodeToString(sum[:16]), Name: "On-call"}}
}
