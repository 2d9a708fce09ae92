// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// TestWorkflow runs the steps of the workflow in the CI guide as its Linux runner
// does, as far as they need no GitHub: from a new account until nothing is left to
// do, and with plans that disconnect and that let go.
func TestWorkflow(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("the workflow uses jq, which runners have")
	}
	p := newPipeline(t, single(t, "resources/pagerduty_connection/resource.tf"))
	p.runs("plan", "2", "Report drift") // There is a connection to make.
	p.runs("apply", "", "")
	p.expectRequests(cloudflaretest.Link, 1)
	p.runs("plan", "2", "Report drift") // It is pending.
	p.a.PersonConnects(website)
	p.runs("plan", "2", "Report drift") // It has services, which the output does not have yet.
	p.runs("apply", "", "")
	p.runs("plan", "0", "")

	p.write(configuration("nothing", ""))
	p.runs("plan", "2", "Stop a plan that disconnects")
	p.write(single(t, "resources/pagerduty_connection/removed.tf"))
	p.runs("plan", "2", "Report drift") // A change, which disconnects nothing.
	p.runs("apply", "", "")
	p.keeps()
}

// pipeline is a workspace with the workflow.
type pipeline struct {
	*workspace
	bash     terraformtest.Terraform
	workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Name, Run string
				Env       map[string]string
			}
		}
	}
}

func newPipeline(t *testing.T, e example) *pipeline {
	t.Helper()
	p := &pipeline{workspace: newWorkspace(t, e)}
	if err := yaml.Unmarshal([]byte(read(t, "examples/guides/ci/terraform.yml")), &p.workflow); err != nil {
		t.Fatal(err)
	}
	// The steps say terraform, whatever the tests run.
	bin := t.TempDir()
	if err := os.Symlink(p.Path, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	p.bash = p.Terraform
	p.bash.Path = "bash"
	p.bash.Env = append(slices.Clone(p.Env), "TF_DATA_DIR=.terraform", "PATH="+bin+":"+os.Getenv("PATH"))
	return p
}

// runs runs the steps of a job until one fails, which has to be the one with this
// name; "" for none. The status is what a plan has to hand on.
func (p *pipeline) runs(job, status, fails string) {
	p.T.Helper()
	if len(p.workflow.Jobs[job].Steps) == 0 {
		p.T.Fatalf("there is no job %s", job)
	}
	output := filepath.Join(p.T.TempDir(), "output")
	failed := ""
	for _, step := range p.workflow.Jobs[job].Steps {
		bash := p.bash
		bash.Env = append(slices.Clone(bash.Env), "GITHUB_OUTPUT="+output)
		for name := range step.Env {
			bash.Env = append(bash.Env, name+"="+status)
		}
		result, err := bash.Exec(p.T.Context(), "-e", "-c", step.Run)
		if err != nil {
			p.T.Fatal(err)
		}
		if result.ExitCode != 0 {
			failed = step.Name
			if failed != fails {
				p.T.Fatalf("%s: %q fails:\n%s\n%s", job, failed, step.Run, result.Output)
			}
			break
		}
	}
	if failed != fails {
		p.T.Fatalf("%s: %q does not fail", job, fails)
	}
	if status == "" {
		return
	}
	if written, err := os.ReadFile(output); err != nil || string(written) != "status="+status+"\n" {
		p.T.Fatalf("%s: %v, status %q, want %s", job, err, written, status)
	}
}
