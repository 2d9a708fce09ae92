// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package e2e tests what only the whole shows: the provider's real binary, run by
// a real terraform, over HTTP to the stand-in.
package e2e

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
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const (
	accountA = "0a000000000000000000000000000001"
	accountB = "0b000000000000000000000000000002"

	// linkedVersion is linked into the provider.
	linkedVersion = "1.2.3-e2e"

	connection = "pagerduty_connection.this"

	providers = `terraform {
  required_providers {
    pagerduty = {
      source = "seed-bcdb0ca7/cloudflare-pagerduty"
    }
  }
}
`
	plainConfig = `resource "pagerduty_connection" "this" {
  account_id = "` + accountA + `"
}
`
)

var (
	terraform *terraformtest.Terraform
	// initialised is a folder that terraform init has run in.
	initialised string
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		temp, err := os.MkdirTemp("", "e2e")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(temp)
		if err := prepare(context.Background(), temp); err != nil {
			fmt.Println("FAIL:", err)
			return 1
		}
		return m.Run()
	}())
}

// prepare builds the provider and runs init, once for all tests.
func prepare(ctx context.Context, temp string) error {
	path, err := terraformtest.Find(ctx, "", temp)
	if err != nil {
		return err
	}
	if terraform, err = terraformtest.New(ctx, temp, path, linkedVersion); err != nil {
		return err
	}
	initialised = filepath.Join(temp, "init")
	if err := errors.Join(os.Mkdir(initialised, 0o700), os.WriteFile(filepath.Join(initialised, "main.tf"), []byte(providers), 0o600)); err != nil {
		return err
	}
	w := &terraformtest.Workspace{Terraform: terraform, Dir: initialised}
	result, err := w.Run(ctx, "init", "-no-color")
	if err == nil && result.ExitCode != 0 {
		err = errors.New("terraform init:\n" + result.Output)
	}
	return err
}

// workspace is a folder with a configuration against the stand-in.
type workspace struct {
	terraformtest.Workspace
	t *testing.T
}

// newWorkspace shares what init has installed. The environment configures the
// provider with a token. What env adds comes after that, and wins.
func newWorkspace(t *testing.T, server *cloudflaretest.Server, config string, env ...string) *workspace {
	t.Helper()
	server.Account(accountA)
	w := &workspace{t: t, Workspace: terraformtest.Workspace{
		Terraform: terraform,
		Dir:       t.TempDir(),
		Env: append([]string{
			"TF_DATA_DIR=" + filepath.Join(initialised, ".terraform"),
			"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
			"CLOUDFLARE_BASE_URL=" + server.URL(),
		}, env...),
	}}
	const lock = ".terraform.lock.hcl"
	content, err := os.ReadFile(filepath.Join(initialised, lock))
	if err != nil {
		t.Fatal(err)
	}
	w.write(lock, string(content))
	w.write("main.tf", providers+config)
	return w
}

func (w *workspace) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run runs terraform, which has to exit with the given status, and returns its
// output.
func (w *workspace) run(status int, args ...string) string {
	w.t.Helper()
	if args[0] == "apply" || args[0] == "destroy" {
		args = slices.Insert(slices.Clone(args), 1, "-auto-approve")
	}
	args = slices.Insert(slices.Clone(args), 1, "-no-color")
	result, err := w.Run(w.t.Context(), args...)
	if err != nil {
		w.t.Fatal(err)
	}
	if result.ExitCode != status {
		w.t.Fatalf("terraform %s: exit status %d, want %d\n%s", strings.Join(args, " "), result.ExitCode, status, result.Output)
	}
	return result.Output
}

// emptyPlan fails the test unless a plan is empty.
func (w *workspace) emptyPlan() {
	w.t.Helper()
	w.run(0, "plan", "-detailed-exitcode")
}

// instance is a resource in the state.
type instance struct {
	Status     string // "tainted", or empty
	Attributes struct {
		AccountID    string                   `json:"account_id"`
		ConnectionID *string                  `json:"connection_id"`
		Services     []cloudflaretest.Service `json:"services"`
	}
}

// state reads the managed resources from the state file, by type, name and key.
func (w *workspace) state() map[string]instance {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				instance
				Key string `json:"index_key"`
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	instances := map[string]instance{}
	for _, resource := range state.Resources {
		for _, found := range resource.Instances {
			if resource.Mode == "managed" {
				instances[strings.TrimSuffix(resource.Type+"."+resource.Name+"."+found.Key, ".")] = found.instance
			}
		}
	}
	return instances
}

// services are those of the one connection in the state.
func (w *workspace) services() []cloudflaretest.Service {
	w.t.Helper()
	found, ok := w.state()[connection]
	if !ok {
		w.t.Fatalf("%s is not in the state", connection)
	}
	return found.Attributes.Services
}

func expectServices(t *testing.T, what string, got, want []cloudflaretest.Service) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("services %s: got %v, want %v", what, got, want)
	}
}

func expectCalls(t *testing.T, server *cloudflaretest.Server, call cloudflaretest.Op, want int) {
	t.Helper()
	if got := server.Count(call); got != want {
		t.Errorf("%d calls to %s, want %d", got, call, want)
	}
}
