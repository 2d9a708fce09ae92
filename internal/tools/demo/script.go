// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// scene is one run of terraform: what it is for, and what must hold after it.
type scene struct {
	title  string
	story  string
	args   []string
	exit   int
	expect []expectation
}

type expectation struct {
	what string
	met  func(s *stage, output string) bool
}

// script is the life of a connection. With -detailed-exitcode, a plan exits with 2
// where it holds changes and with 0 where it is empty.
var script = []scene{
	{
		title: "Install the provider",
		story: "Terraform installs the build that was just made as it would install a release. " +
			"It warns that the lock file is for this platform alone, as it does for every local build.",
		args: []string{"init"},
		expect: []expectation{
			{"No request was made", requested(0, "")},
		},
	},
	{
		title: "Plan the connection",
		story: "The account is not connected yet. Look for \"1 to add\": the plan only lists services, it makes no token and links nothing.",
		args:  []string{"plan", "-detailed-exitcode", "-out=connect.tfplan"},
		exit:  2,
		expect: []expectation{
			{"The plan adds one resource", prints("Plan: 1 to add, 0 to change, 0 to destroy.")},
			{"Cloudflare was only asked for lists", onlyListed},
		},
	},
	{
		title: "Connect",
		story: "The provider creates an integration token, links the account with it, and waits for the services to show: " +
			"for real, someone chooses them in PagerDuty, and here they take two seconds. Look for the IDs in the outputs.",
		args: []string{"apply", "connect.tfplan"},
		expect: []expectation{
			{"One integration token was made", requested(1, cloudflaretest.Token)},
			{"It was linked once", linkedOnce},
			{"The chosen services are connected", connected},
			{"The outputs name each of them with its ID", namesServices},
		},
	},
	{
		title: "Read the IDs",
		story: "These IDs are what a notification policy names. Without the provider, they are looked up by hand.",
		args:  []string{"output"},
		expect: []expectation{
			{"The outputs name each service with its ID", namesServices},
		},
	},
	{
		title: "Plan again",
		story: "The configuration and Cloudflare agree. Look for \"No changes\".",
		args:  []string{"plan", "-detailed-exitcode"},
		expect: []expectation{
			{"The plan is empty", prints("No changes.")},
			{"Nothing was linked again", linkedOnce},
		},
	},
	{
		title: "Plan to disconnect",
		story: "Disconnecting silences the alerts that route to the services. Look for the warning, which names each of them.",
		args:  []string{"plan", "-destroy", "-detailed-exitcode", "-out=disconnect.tfplan"},
		exit:  2,
		expect: []expectation{
			{"The plan destroys one resource", prints("Plan: 0 to add, 0 to change, 1 to destroy.")},
			{"It warns, and names each service", warns},
			{"The services are still connected", connected},
		},
	},
	{
		title: "Disconnect",
		story: "The provider deletes what the plan has shown. Had another service turned up since, it would stop and delete nothing.",
		args:  []string{"apply", "disconnect.tfplan"},
		expect: []expectation{
			{"The services were deleted with one request", requested(1, cloudflaretest.Delete)},
			{"No service is left", func(s *stage, _ string) bool { return len(s.account.Services()) == 0 }},
		},
	},
}

// stage is what the scenes are played before.
type stage struct {
	server  *cloudflaretest.Server
	account *cloudflaretest.Account
}

// play runs terraform and checks the outcome.
func (s *stage) play(ctx context.Context, n *narrator, terraform terraformtest.Terraform, scene scene) error {
	args := scene.args
	if !n.coloured {
		args = slices.Insert(slices.Clone(args), 1, "-no-color")
	}
	n.scene(scene.title, scene.story)
	n.command(strings.TrimSuffix(filepath.Base(terraform.Path), ".exe"), scene.args)
	result, err := terraform.Exec(ctx, args...)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if result.ExitCode != scene.exit {
		return s.surprise(scene, fmt.Sprintf("exit status %d instead of %d", result.ExitCode, scene.exit))
	}
	output := plain(result.Output)
	for _, expected := range scene.expect {
		if !expected.met(s, output) {
			return s.surprise(scene, "this does not hold: "+expected.what)
		}
		n.tick(expected.what)
	}
	if violations := s.server.Violations(); len(violations) > 0 {
		return s.surprise(scene, "requests that the API does not describe:\n  "+strings.Join(violations, "\n  "))
	}
	return nil
}

func (s *stage) surprise(scene scene, what string) error {
	return fmt.Errorf("surprise at %q: %s\nRequests until then: %s. Services connected: %v", scene.title, what, s.requests(), s.account.Services())
}

// requests counts the requests so far by their kind.
func (s *stage) requests() string {
	kinds := []struct {
		call cloudflaretest.Op
		name string
	}{
		{cloudflaretest.List, "list"}, {cloudflaretest.Token, "create a token"},
		{cloudflaretest.Link, "link"}, {cloudflaretest.Delete, "delete"},
	}
	var counts []string
	for _, kind := range kinds {
		counts = append(counts, fmt.Sprintf("%d to %s", s.server.Count(kind.call), kind.name))
	}
	return strings.Join(counts, ", ")
}

func prints(text string) func(*stage, string) bool {
	return func(_ *stage, output string) bool { return strings.Contains(output, text) }
}

func warns(_ *stage, output string) bool {
	_, warning, found := strings.Cut(output, "Warning: PagerDuty Services Will Be Disconnected")
	return found && !slices.ContainsFunc(consent.Services, func(service cloudflaretest.Service) bool {
		return !strings.Contains(warning, service.ID)
	})
}

func requested(times int, call cloudflaretest.Op) func(*stage, string) bool {
	return func(s *stage, _ string) bool { return s.server.Count(call) == times }
}

func onlyListed(s *stage, _ string) bool {
	return s.server.Count("") > 0 && s.server.Count("") == s.server.Count(cloudflaretest.List)
}

func linkedOnce(s *stage, _ string) bool {
	return s.server.Count(cloudflaretest.Link) == 1 && len(s.server.Relinked()) == 0
}

func connected(s *stage, _ string) bool { return slices.Equal(s.account.Services(), consent.Services) }

func namesServices(_ *stage, output string) bool {
	// Terraform aligns the equals signs.
	output = strings.Join(strings.Fields(output), " ")
	return !slices.ContainsFunc(consent.Services, func(service cloudflaretest.Service) bool {
		return !strings.Contains(output, fmt.Sprintf("%q = %q", service.Name, service.ID))
	})
}
