// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
)

// interruptLimit is how long terraform may take to end after an interrupt, in
// every wait of the provider. It is far below each of the waits.
const interruptLimit = 5 * time.Second

var rateLimited = cloudflaretest.Fault{
	Op: cloudflaretest.List, Skip: 1, // the plan's look
	Status: http.StatusTooManyRequests,
	Header: http.Header{"Retry-After": {"60"}},
	Body:   `{"success": false, "errors": [{"code": 971, "message": "Please wait"}], "messages": []}`,
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process can't be interrupted here")
	}
	const (
		list, token = cloudflaretest.List, cloudflaretest.Token
		link, del   = cloudflaretest.Link, cloudflaretest.Delete
	)
	absent := func(s *cloudflaretest.Server) {
		s.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{NeedsPerson: true})
	}
	connected := []cloudflaretest.Service{{ID: "11111111111111111111111111111111", Name: "Checkout"}}

	for name, test := range map[string]struct {
		config  string
		applied bool // there is a connection before
		prepare func(*cloudflaretest.Server)
		args    []string
		during  []cloudflaretest.Op // the last calls before the interrupt
		exit    int
		says    string
		state   []cloudflaretest.Service // nil when nothing is in the state
		links   int
	}{
		"settling of a create": {
			prepare: absent,
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{link, list},
			exit:    1, says: "Warning: No PagerDuty Service Connected Yet",
			state: []cloudflaretest.Service{}, links: 1,
		},
		"a link on its way": {
			prepare: func(s *cloudflaretest.Server) {
				s.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: connected})
				s.Fail(cloudflaretest.Fault{Op: link, After: true, Stall: time.Minute})
			},
			args:   []string{"apply"},
			during: []cloudflaretest.Op{token, link},
			// It had its effect, and a look shows that.
			exit: 1, says: "Creation complete", state: connected, links: 1,
		},
		"waiting for services": {
			config:  "resource \"pagerduty_connection\" \"this\" {\n  account_id        = \"" + accountA + "\"\n  wait_for_services = true\n}\n",
			prepare: absent,
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{link, list},
			exit:    1, says: "Error: Unable to Connect PagerDuty", links: 1,
		},
		"waiting for the rate limit": {
			prepare: func(s *cloudflaretest.Server) { s.Fail(rateLimited) },
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{list, list},
			exit:    1, says: "Error: Unable to Connect PagerDuty",
		},
		"settling of a delete": {
			applied: true,
			prepare: func(s *cloudflaretest.Server) {
				body := []byte(`{"success": true, "errors": [], "messages": [], "result": [{"id": "` + connected[0].ID + `", "name": "Checkout"}]}`)
				s.Fail(cloudflaretest.Fault{Op: list, Edit: func([]byte) []byte { return body }})
			},
			args:   []string{"destroy"},
			during: []cloudflaretest.Op{del, list},
			exit:   1, says: "Error: Unable to Disconnect PagerDuty", state: connected,
		},
		"repeating a read": {
			applied: true,
			prepare: func(s *cloudflaretest.Server) {
				s.Fail(cloudflaretest.Fault{Op: list, Status: http.StatusInternalServerError, Body: "{}"})
			},
			args:   []string{"plan"},
			during: []cloudflaretest.Op{list, list},
			exit:   1, says: "Error: Unable to Read PagerDuty Connection", state: connected,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloudflaretest.New(t)
			if test.config == "" {
				test.config = plainConfig
			}
			w := newWorkspace(t, server, test.config)
			if test.applied {
				server.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: connected})
				w.run(0, "apply")
				server.ResetRequests()
			}
			test.prepare(server)

			output, took := w.interrupt(server, test.during, test.exit, test.args...)
			t.Logf("ended %s after the interrupt", took.Round(time.Millisecond))
			if took > interruptLimit {
				t.Errorf("took %s to end", took)
			}
			if !strings.Contains(output, test.says) {
				t.Errorf("%q is missing:\n%s", test.says, output)
			}
			expectCalls(t, server, link, test.links)
			if test.links == 0 {
				expectCalls(t, server, token, 0)
			}
			found, ok := w.state()[connection]
			if ok != (test.state != nil) || found.Status != "" {
				t.Errorf("in the state: %t, status %q", ok, found.Status)
			}
			expectServices(t, "in the state", found.Attributes.Services, test.state)
		})
	}
}

// interrupt runs terraform and interrupts it a moment after the last calls were as
// given. It returns the output and how long terraform took to end.
func (w *workspace) interrupt(server *cloudflaretest.Server, during []cloudflaretest.Op, exit int, args ...string) (string, time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	interrupted := make(chan time.Time, 1)
	go func() {
		for ctx.Err() == nil && !endsWith(server.Requests(), during) {
			time.Sleep(20 * time.Millisecond)
		}
		// For the answer to arrive and the wait to begin.
		time.Sleep(300 * time.Millisecond)
		interrupted <- time.Now()
		cancel()
	}()
	args = append(args, "-no-color")
	if args[0] != "plan" {
		args = append(args, "-auto-approve")
	}
	result, err := w.Run(ctx, args...)
	ended := time.Now()
	if err != nil {
		w.t.Fatal(err)
	}
	cancel()
	if result.ExitCode != exit || !strings.Contains(result.Output, "Interrupt received") {
		w.t.Errorf("exit status %d, want %d, and an interrupt:\n%s", result.ExitCode, exit, result.Output)
	}
	return result.Output, ended.Sub(<-interrupted)
}

func endsWith(requests []cloudflaretest.Request, calls []cloudflaretest.Op) bool {
	if len(requests) < len(calls) {
		return false
	}
	for i, call := range calls {
		if requests[len(requests)-len(calls)+i].Op != call {
			return false
		}
	}
	return true
}
