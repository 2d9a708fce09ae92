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

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

var rateLimited = cloudflaretest.Fault{
	Op: cloudflaretest.List, Skip: 1, // the plan's list
	Status: http.StatusTooManyRequests,
	Header: http.Header{"Retry-After": {"60"}},
	Body:   `{"success": false, "errors": [{"code": 971, "message": "Please wait"}], "messages": []}`,
}

// TestInterrupt interrupts terraform during each wait of the provider. Where the
// provider went on waiting, terraform would be killed, and not exit by itself, or
// the error would be another one.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Go can't send an interrupt to a process on Windows; the provider's own tests interrupt each wait there")
	}
	const (
		list, token = cloudflaretest.List, cloudflaretest.Token
		link, del   = cloudflaretest.Link, cloudflaretest.Delete
	)
	absent := func(s *cloudflaretest.Server) {
		s.Account(accountA).SetLinkModel(cloudflaretest.Silent())
	}
	const interrupted = "the operation was interrupted"
	connected := []cloudflaretest.Service{{ID: "11111111111111111111111111111111", Name: "Checkout"}}

	for name, test := range map[string]struct {
		config  string
		applied bool // there is a connection before
		prepare func(*cloudflaretest.Server)
		args    []string
		during  []cloudflaretest.Op // the last requests before the interrupt
		exit    int
		says    []string
		state   []cloudflaretest.Service // nil when nothing is in the state
		links   int
	}{
		"propagation of a link": {
			prepare: absent,
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{link, list},
			exit:    1, says: []string{"Warning: PagerDuty Connection Is Pending", "Account " + accountA + " is not connected to PagerDuty yet: " + interrupted},
			state: []cloudflaretest.Service{}, links: 1,
		},
		"a link on its way": {
			prepare: func(s *cloudflaretest.Server) {
				s.Account(accountA).SetLinkModel(cloudflaretest.LinkModel{Services: connected})
				s.Fail(cloudflaretest.Fault{Op: link, After: true, Stall: time.Minute})
			},
			args:   []string{"apply"},
			during: []cloudflaretest.Op{token, link},
			// It had its effect, and a list shows that.
			exit: 1, says: []string{"Creation complete"}, state: connected, links: 1,
		},
		"waiting for services": {
			config:  withSettings(plainConfig, "wait_for_services = true"),
			prepare: absent,
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{link, list},
			exit:    1, says: []string{"Warning: PagerDuty Connection Is Pending", interrupted},
			state: []cloudflaretest.Service{}, links: 1,
		},
		"waiting for the rate limit": {
			prepare: func(s *cloudflaretest.Server) { s.Fail(rateLimited) },
			args:    []string{"apply"},
			during:  []cloudflaretest.Op{list, list},
			exit:    1, says: []string{"Error: Unable to Connect PagerDuty", interrupted},
		},
		"propagation of a delete": {
			applied: true,
			prepare: func(s *cloudflaretest.Server) {
				body := []byte(`{"success": true, "errors": [], "messages": [], "result": [{"id": "` + connected[0].ID + `", "name": "Checkout"}]}`)
				s.Fail(cloudflaretest.Fault{Op: list, Edit: func([]byte) []byte { return body }})
			},
			args:   []string{"destroy"},
			during: []cloudflaretest.Op{del, list},
			exit:   1, says: []string{"Error: Unable to Disconnect PagerDuty", interrupted}, state: connected,
		},
		"retry of a read": {
			applied: true,
			prepare: func(s *cloudflaretest.Server) {
				s.Fail(cloudflaretest.Fault{Op: list, Status: http.StatusInternalServerError, Body: "{}"})
			},
			args:   []string{"plan"},
			during: []cloudflaretest.Op{list, list},
			exit:   1, says: []string{"Error: Unable to Read PagerDuty Connection", interrupted}, state: connected,
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
				w.Run(0, "apply")
				server.ResetRequests()
			}
			test.prepare(server)

			output := interrupt(w, server, test.during, test.exit, test.args...)
			terraformtest.ExpectText(t, output, test.says...)
			expectRequests(t, server, link, test.links)
			if test.links == 0 {
				expectRequests(t, server, token, 0)
			}
			found := w.Connection()
			if (found != nil) != (test.state != nil) {
				t.Errorf("in the state: %+v", found)
			}
			if found != nil {
				expectServices(t, "in the state", found.Services, test.state)
			}
		})
	}
}

// interrupt runs terraform and interrupts it a moment after the last requests were
// as given. It returns the output.
func interrupt(w *terraformtest.Workspace, server *cloudflaretest.Server, during []cloudflaretest.Op, exit int, args ...string) string {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
	defer cancel()
	go interruptDuring(ctx, cancel, server, during)
	result, err := w.Exec(ctx, terraformtest.Unattended(args)...)
	if err != nil {
		w.T.Fatal(err)
	}
	if result.ExitCode != exit || !strings.Contains(result.Output, "Interrupt received") {
		w.T.Errorf("exit status %d, want %d, and an interrupt:\n%s", result.ExitCode, exit, result.Output)
	}
	return result.Output
}

// interruptDuring cancels a moment after the last requests were as given.
func interruptDuring(ctx context.Context, cancel func(), server *cloudflaretest.Server, during []cloudflaretest.Op) {
	for ctx.Err() == nil && !endsWith(server.Requests(), during) {
		time.Sleep(20 * time.Millisecond)
	}
	// For the response to arrive and the wait to begin.
	time.Sleep(300 * time.Millisecond)
	cancel()
}

func endsWith(requests []cloudflaretest.Request, ops []cloudflaretest.Op) bool {
	if len(requests) < len(ops) {
		return false
	}
	for i, op := range ops {
		if requests[len(requests)-len(ops)+i].Op != op {
			return false
		}
	}
	return true
}
