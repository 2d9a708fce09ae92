// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// Nothing may be left of the demo.
func TestMain(m *testing.M) {
	terraformtest.Main(m, func(temp string) error {
		left, err := os.ReadDir(temp)
		if len(left) > 0 {
			return fmt.Errorf("left behind: %v", left)
		}
		return err
	})
}

// perform runs the demo on a fake API and returns what it said.
func perform(ctx context.Context, t *testing.T, coloured bool, prepare func(*cloudflaretest.Server)) (string, error) {
	t.Helper()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(model))
	prepare(server)
	var out bytes.Buffer
	err := run(ctx, &out, coloured, "", server)
	return out.String(), err
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var server *cloudflaretest.Server
	out, err := perform(t.Context(), t, true, func(s *cloudflaretest.Server) { server = s })
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, scene := range script {
		terraformtest.ExpectText(t, out, fmt.Sprintf("%d of %d: %s", i+1, len(script), scene.title))
	}
	terraformtest.ExpectText(t, out, "1 to create a token, 1 to link, 1 to disconnect.")
	if !strings.Contains(out, "\x1b[") {
		t.Error("has no colours")
	}
	if left := server.Account(accountID).Services(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestDemoFailsOnSurprises(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*cloudflaretest.Server)
		want    string
	}{
		"the link needs no person": {
			prepare: func(s *cloudflaretest.Server) {
				s.Account(accountID).SetLinkModel(cloudflaretest.Connects(chosen...))
			},
			want: `surprise at "The first apply": exit status 0 instead of 1`,
		},
		"the policies can't be listed": {
			prepare: func(s *cloudflaretest.Server) {
				s.Fail(cloudflaretest.Fault{Op: cloudflaretest.Policies, Status: http.StatusForbidden, Body: cloudflaretest.Failure(10000, "Authentication error")})
			},
			want: `surprise at "The services change": this does not hold: The warning names the services and the policy`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := perform(t.Context(), t, false, test.prepare)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s\n%s", err, test.want, out)
			}
			if strings.Contains(out, "\x1b[") {
				t.Errorf("has colours:\n%s", out)
			}
		})
	}
}

func TestDemoEndsWhenInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancelCause(t.Context())
	out, err := perform(ctx, t, false, func(s *cloudflaretest.Server) {
		s.Fail(cloudflaretest.Fault{Op: cloudflaretest.Link, Hook: func() {
			interrupt(errors.New("Ctrl-C"))
		}})
	})
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestDemoExitStatus(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "demo.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary, "-terraform", "no-such-terraform").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "no-such-terraform") {
		t.Errorf("got %v\n%s", err, out)
	}
}
