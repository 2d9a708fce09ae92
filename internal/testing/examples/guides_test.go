// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// TestAdoptGuide applies both sides of each change that the guide shows, one after
// the other. None of them disconnects a service or changes the policy.
func TestAdoptGuide(t *testing.T) {
	t.Parallel()
	guide := read(t, "docs/guides/adopt-and-let-go-again.md")
	changes := regexp.MustCompile("(?s)```diff\n(.*?)```").FindAllStringSubmatch(guide, -1)
	plans := []string{
		"Plan: 1 to import, 0 to add, 1 to change, 0 to destroy.", // The import can't know disconnect_on_destroy.
		"Plan: 0 to add, 0 to change, 0 to destroy",               // Terraform and OpenTofu say in their own words that it is let go.
	}
	if len(changes) != len(plans) {
		t.Fatalf("%d changes, want %d", len(changes), len(plans))
	}
	for i, change := range changes {
		t.Run(plans[i], func(t *testing.T) {
			t.Parallel()
			before, after := configuration("before", side(change[1], '-')), configuration("after", side(change[1], '+'))
			w := newWorkspace(t, before)
			w.Env = append(w.Env, "TF_VAR_pagerduty_id="+website.ID)
			w.a.SetLinkModel(cloudflaretest.Connects(website))
			if !strings.Contains(before.text(), "pagerduty_connection") {
				w.connected()
			}
			w.Run(0, "apply")
			w.server.ResetRequests()
			w.write(after)
			w.Run(0, "init")
			plan := w.Run(0, "plan")
			terraformtest.ExpectText(t, plan, plans[i])
			if strings.Contains(plan, "cloudflare_notification_policy.ddos will") {
				t.Errorf("the policy changes:\n%s", plan)
			}
			w.Run(0, "apply")
			w.expectRequests(cloudflaretest.Token, 0)
			w.keeps()
			w.expectPolicies(1)
		})
	}
}

// side is one side of a diff: what has no sign, and what has this one.
func side(diff string, sign byte) string {
	var content strings.Builder
	for line := range strings.Lines(diff) {
		if line[0] == ' ' || line[0] == sign {
			content.WriteString(line[1:])
		}
	}
	return content.String()
}
