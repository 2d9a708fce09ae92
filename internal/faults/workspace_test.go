// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const (
	accountA   = "0a000000000000000000000000000001"
	connection = "pagerduty_connection.this"

	providers = `terraform {
  required_providers {
    pagerduty = {
      source = "seed-bcdb0ca7/cloudflare-pagerduty"
    }
  }
}
`
	lockFile, stateFile = ".terraform.lock.hcl", "terraform.tfstate"
)

// workspace is a folder with a configuration that connects an account.
type workspace struct {
	terraformtest.Workspace
	t *testing.T
}

// newWorkspace shares what init has installed.
func newWorkspace(t *testing.T, baseURL string, env ...string) *workspace {
	t.Helper()
	w := &workspace{t: t, Workspace: terraformtest.Workspace{
		Terraform: terraform,
		Dir:       t.TempDir(),
		Env: append([]string{
			"TF_DATA_DIR=" + filepath.Join(initialised, ".terraform"),
			"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
			"CLOUDFLARE_BASE_URL=" + baseURL,
		}, env...),
	}}
	content, err := os.ReadFile(filepath.Join(initialised, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	w.write(lockFile, content)
	w.write("main.tf", []byte(providers+"\nresource \"pagerduty_connection\" \"this\" {\n  account_id = \""+accountA+"\"\n}\n"))
	return w
}

func (w *workspace) write(name string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// read returns nil for a file that does not exist.
func (w *workspace) read(name string) []byte {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	return content
}

// expect wants texts in what terraform has written, whose lines it breaks as it
// likes.
func expect(t *testing.T, output string, texts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(strings.ReplaceAll(output, "│", " ")), " ")
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			t.Errorf("%q is missing:\n%s", text, output)
		}
	}
}

// run runs terraform to its end.
func (w *workspace) run(args ...string) terraformtest.Result {
	w.t.Helper()
	result, err := w.Run(w.t.Context(), complete(args)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// must is run, and wants an exit status.
func (w *workspace) must(status int, args ...string) string {
	w.t.Helper()
	result := w.run(args...)
	if result.ExitCode != status {
		w.t.Fatalf("terraform %s: exit status %d, want %d\n%s", strings.Join(args, " "), result.ExitCode, status, result.Output)
	}
	return result.Output
}

func complete(args []string) []string {
	with := []string{"-no-color"}
	if args[0] == "apply" || args[0] == "destroy" {
		with = append(with, "-auto-approve")
	}
	return slices.Insert(slices.Clone(args), 1, with...)
}

// inState returns the connection in the state, nil for none. A tainted one fails
// the test: nothing that the provider does is undone by deleting services.
func (w *workspace) inState() *connectionState {
	w.t.Helper()
	content := w.read(stateFile)
	if len(content) == 0 {
		return nil
	}
	var state struct {
		Resources []struct {
			Instances []struct {
				Status     string
				Attributes connectionState
			}
		}
	}
	if err := json.Unmarshal(content, &state); err != nil {
		w.t.Fatalf("%v\n%s", err, content)
	}
	// The configuration has one. A terraform that was killed leaves a resource
	// without an instance.
	if len(state.Resources) == 0 || len(state.Resources[0].Instances) == 0 {
		return nil
	}
	instance := state.Resources[0].Instances[0]
	if instance.Status != "" {
		w.t.Errorf("the connection is %s", instance.Status)
	}
	return &instance.Attributes
}
