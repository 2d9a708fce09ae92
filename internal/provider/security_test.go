// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/heaptest"
)

// onlyLists responds to each request with one body.
type onlyLists []byte

func (body onlyLists) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// hostileLists take much memory: as many services as are read, as much text as is
// read, and more than that.
var hostileLists = map[string]func() onlyLists{
	"most services named": func() onlyLists {
		return listOf(10_000, `{"id":"%032d","name":"`+strings.Repeat("n", 150)+`"}`)
	},
	"name of control": func() onlyLists {
		return listOf(1, `{"id":"%d","name":"`+strings.Repeat(`\u0001`, (2<<20-100)/6)+`"}`)
	},
	"10 MiB of services": func() onlyLists { return listOf(900_000, `{"id":"%d"}`)[:10<<20] },
}

func listOf(n int, service string) onlyLists {
	var b bytes.Buffer
	b.WriteString(`{"success":true,"result":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, service, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// The lists of a hostile API take little memory in all the forms that Terraform
// needs. Each list is read in a process of its own.
func TestHostileListsTakeLittle(t *testing.T) {
	t.Parallel()
	heaptest.Run(t, slices.Collect(maps.Keys(hostileLists)), withHostileList)
}

func withHostileList(t *testing.T, name string) {
	t.Helper()
	body := hostileLists[name]()
	c := newCore(t, offline(t), nil, func(config *cloudflare.Config) { config.Transport, config.Clock = body, &fastClock{} })
	for what, f := range map[string]func() outcome{
		"data source": func() outcome { return c.services(object{}) },
		"lookup":      func() outcome { return c.service(object{"name": "x"}) },
		"plan":        func() outcome { return c.plan(instance{}, object{}).outcome },
		"create": func() outcome {
			return c.applyOnce(plan{config: onA(object{}), outcome: outcome{instance: instance{state: c.proposed(nil, object{"account_id": accountA, "id": accountA})}}})
		},
	} {
		heaptest.Expect(t, 64<<20, what, func() { f() })
	}
}
