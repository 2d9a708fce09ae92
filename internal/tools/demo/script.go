// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// scene is one run of terraform: what someone else does before it, what it is
// for, and what must hold after it.
type scene struct {
	title     string
	meanwhile string // what act does; empty where nobody does anything
	act       func(*stage)
	story     string
	args      []string
	exit      int
	expect    []expectation
}

type expectation struct {
	what string
	met  func(s *stage, output string) bool
}

// script is the life of a connection. With -detailed-exitcode, a plan exits with 2
// where it holds changes.
var script = []scene{
	{
		title: "Install the provider",
		story: "The configuration asks for two things: a Cloudflare account that is connected to PagerDuty, and a policy that pages " +
			"the PagerDuty service named Website. The policy is a terraform_data resource here, since a real one needs the Cloudflare provider. Terraform first installs the provider, as it would install a release. " +
			"It warns that the lock file covers only this platform, as it does for every local build.",
		args: []string{"init"},
		expect: []expectation{
			{what: "No request was made", met: requested(0, "")},
		},
	},
	{
		title: "The first apply",
		story: "Nobody has chosen a PagerDuty service yet, and only a person can. So this apply is meant to stop: it creates the " +
			"connection, warns that it is pending, and ends in an error before the policy. Look for the warning: it says what to do, and where. " +
			"The fake API refuses to connect the account, which is what the real one most likely does.",
		args: []string{"apply", "-auto-approve"},
		exit: 1,
		expect: []expectation{
			{what: "The connection was linked once, with one token", met: linkedOnce},
			{what: "The warning shows the page to open", met: prints("Warning: PagerDuty Connection Is Pending", "Open https://dash.cloudflare.com/"+accountID+"/notifications")},
			{what: "The apply stopped before the policy", met: stoppedBeforePolicy},
		},
	},
	{
		title:     "The second apply",
		meanwhile: "Someone opens that page, logs in to PagerDuty, and chooses two services: Checkout and Website.",
		act:       func(s *stage) { s.account.PersonConnects(chosen...) },
		story: "The same command again. It finds the services and creates the policy. The note about changes outside of Terraform means the services that someone chose. Look for the service IDs at the end: " +
			"without this provider, people look them up by hand and paste them.",
		args: []string{"apply", "-auto-approve"},
		expect: []expectation{
			{what: "The outputs have the ID of each service", met: namesServices(chosen)},
			{what: "The policy pages Website", met: policyHas(chosen[1].ID)},
			{what: "Nothing was linked again", met: linkedOnce},
		},
	},
	{
		title: "The services change",
		meanwhile: "Someone disconnects PagerDuty in the dashboard and connects it again. " +
			"The services have other IDs now, so the policy pages nobody.",
		act: func(s *stage) { s.account.PersonReconnects(reconnected...) },
		story: "A plan changes nothing. It shows what an apply would do, and it detects this outage. " +
			"Look for the warning: it names the services that are gone and each policy that pages nobody.",
		args: []string{"plan", "-detailed-exitcode"},
		exit: 2,
		expect: []expectation{
			{what: "The warning names the services and the policy", met: prints("Warning: PagerDuty Services Are Gone (account "+accountID+")", chosen[0].ID, chosen[1].ID, `"HTTP DDoS attack" (dos_attack_l7)`)},
			{what: "The plan gives the policy the new ID", met: prints(fmt.Sprintf("%q -> %q", chosen[1].ID, reconnected[1].ID))},
		},
	},
	{
		title: "Repair the policy",
		story: "The same command once more. The policy gets the new ID, and pages again. An apply plans first, so it repeats the warning of that plan.",
		args:  []string{"apply", "-auto-approve"},
		expect: []expectation{
			{what: "The outputs have the new IDs", met: namesServices(reconnected)},
			{what: "The policy pages Website", met: policyHas(reconnected[1].ID)},
			{what: "Nothing was linked again", met: linkedOnce},
		},
	},
	{
		title: "Plan to destroy",
		story: "Destroying the connection disconnects the services, so alerts stop. Look for the warning: it names each service and each policy that stops paging. With -out, Terraform saves the plan to a file, for the next step.",
		args:  []string{"plan", "-destroy", "-out=destroy.tfplan"},
		expect: []expectation{
			{what: "The warning names the services and the policy", met: prints("Warning: PagerDuty Services Will Be Disconnected (account "+accountID+")", reconnected[0].ID, reconnected[1].ID, `"HTTP DDoS attack" (dos_attack_l7)`)},
			{what: "The services are still connected", met: connected(reconnected...)},
		},
	},
	{
		title:     "The guard",
		meanwhile: "After that plan, someone connects a third service: Network on-call.",
		act:       func(s *stage) { s.account.PersonConnects(late) },
		story: "Whoever approved the plan did not agree to disconnect this service. So this apply is meant to stop: " +
			"it deletes the policy, as planned, but keeps the connection. Look for the error: it names the service.",
		args: []string{"apply", "destroy.tfplan"},
		exit: 1,
		expect: []expectation{
			{what: "The error names the service", met: prints("Error: Unable to Disconnect PagerDuty", late.ID)},
			{what: "All three services are still connected", met: connected(reconnected[0], reconnected[1], late)},
			{what: "No request to disconnect was made", met: requested(0, cloudflaretest.Delete)},
		},
	},
	{
		title: "Destroy",
		story: "A new plan names all three services, and destroy disconnects them. With -auto-approve, Terraform prints the warning only afterwards.",
		args:  []string{"destroy", "-auto-approve"},
		expect: []expectation{
			{what: "The warning names all three", met: prints("disconnects 3 PagerDuty services", late.ID)},
			{what: "One request disconnected them", met: requested(1, cloudflaretest.Delete)},
			{what: "No service is connected", met: connected()},
		},
	},
}

// stage is what the scenes are played before.
type stage struct {
	server  *cloudflaretest.Server
	account *cloudflaretest.Account
	policy  string // the ID that the policy in Terraform's state has; "" without one
}

// play lets someone act, runs terraform and checks the outcome.
func (s *stage) play(ctx context.Context, n *narrator, terraform terraformtest.Terraform, scene scene) error {
	args := scene.args
	if !n.coloured {
		args = slices.Insert(slices.Clone(args), 1, "-no-color")
	}
	if scene.act != nil {
		scene.act(s)
		n.meanwhile(scene.meanwhile)
	}
	n.say("%s", scene.story)
	n.command(strings.TrimSuffix(filepath.Base(terraform.Path), ".exe"), scene.args)
	result, err := terraform.Exec(ctx, args...)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if result.ExitCode != scene.exit {
		return s.surprise(scene, fmt.Sprintf("exit status %d instead of %d", result.ExitCode, scene.exit))
	}
	if err := s.writePolicy(terraform.Dir); err != nil {
		return err
	}
	output := terraformtest.Flat(result.Output)
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

// writePolicy gives the fake API the policy that Terraform's state has, which is
// what the Cloudflare provider would do.
func (s *stage) writePolicy(dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, terraformtest.StateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Attributes struct {
					Input struct{ Value map[string]string }
				}
			}
		}
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return err
	}
	s.policy = ""
	var policies []cloudflaretest.Policy
	for _, resource := range state.Resources {
		if resource.Type != "terraform_data" {
			continue
		}
		for _, instance := range resource.Instances {
			input := instance.Attributes.Input.Value
			s.policy = input["pagerduty"]
			policies = append(policies, cloudflaretest.Policy{
				Name: input["name"], AlertType: "dos_attack_l7", Enabled: true, PagerDuty: []string{s.policy},
			})
		}
	}
	s.account.SetPolicies(policies...)
	return nil
}

func (s *stage) surprise(scene scene, what string) error {
	return fmt.Errorf("surprise at %q: %s\nRequests until then: %s. Services connected: %v", scene.title, what, s.requests(), s.account.Services())
}

// requests counts the requests so far by their kind.
func (s *stage) requests() string {
	kinds := []struct {
		op   cloudflaretest.Op
		name string
	}{
		{op: cloudflaretest.List, name: "list services"}, {op: cloudflaretest.Policies, name: "list policies"},
		{op: cloudflaretest.Token, name: "create a token"}, {op: cloudflaretest.Link, name: "link"}, {op: cloudflaretest.Delete, name: "disconnect"},
	}
	var counts []string
	for _, kind := range kinds {
		counts = append(counts, fmt.Sprintf("%d to %s", s.server.Count(kind.op), kind.name))
	}
	return strings.Join(counts, ", ")
}

func prints(texts ...string) func(*stage, string) bool {
	return func(_ *stage, output string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(output, text) })
	}
}

func requested(times int, op cloudflaretest.Op) func(*stage, string) bool {
	return func(s *stage, _ string) bool { return s.server.Count(op) == times }
}

func linkedOnce(s *stage, _ string) bool {
	return s.server.Count(cloudflaretest.Token) == 1 && s.server.Count(cloudflaretest.Link) == 1
}

func stoppedBeforePolicy(s *stage, output string) bool {
	return strings.Contains(output, "Error: Invalid index") && s.policy == ""
}

func connected(services ...cloudflaretest.Service) func(*stage, string) bool {
	return func(s *stage, _ string) bool { return slices.Equal(s.account.Services(), services) }
}

func policyHas(id string) func(*stage, string) bool {
	return func(s *stage, _ string) bool { return s.policy == id }
}

func namesServices(services []cloudflaretest.Service) func(*stage, string) bool {
	var lines []string
	for _, service := range services {
		lines = append(lines, fmt.Sprintf("%q = %q", service.Name, service.ID))
	}
	return prints("service_ids = tomap({ " + strings.Join(lines, " ") + " })")
}
