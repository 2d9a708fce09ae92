// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package examplestest runs what examples/ has, with a real terraform against the
// stand-in, and checks that README.md and docs/ show it.
//
// The official Cloudflare and PagerDuty providers are stubs here, with as much of
// their schemas as the examples use: that an example fits the real ones is for
// whoever writes it to look up.
package examplestest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const (
	// The accounts that the examples name.
	accountA = "023e105f4ecef8ad9ca31a8372d0c353"
	accountB = "372e67954025e0ba6aaa6d586b9e0b59"

	// offered is the version that the mirror has the provider under besides
	// [terraformtest.MirrorVersion]: one that the examples ask for.
	offered = "0.1.0"

	// queried ends the names of files for terraform query.
	queried = ".tfquery.hcl"

	required = `terraform {
  required_providers {
    pagerduty = {
      source = "seed-bcdb0ca7/cloudflare-pagerduty"
    }
  }
}
`
)

var (
	root      string
	terraform *terraformtest.Terraform
	// release is the version of terraform, or tofu.
	release *version.Version
	// initialised is a folder that terraform init has run in.
	initialised string
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		temp, err := os.MkdirTemp("", "examples")
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

// prepare builds the provider and runs init, once for all examples that need no
// other provider.
func prepare(ctx context.Context, temp string) error {
	var err error
	if root, err = terraformtest.Root(ctx); err != nil {
		return err
	}
	path, err := terraformtest.Find(ctx, "", temp)
	if err != nil {
		return err
	}
	if terraform, err = terraformtest.New(ctx, temp, path, "examples"); err != nil {
		return err
	}
	if err := offer(filepath.Join(temp, "mirror")); err != nil {
		return err
	}
	initialised = filepath.Join(temp, "init")
	if err := errors.Join(os.Mkdir(initialised, 0o700), os.WriteFile(filepath.Join(initialised, "main.tf"), []byte(required), 0o600)); err != nil {
		return err
	}
	w := &terraformtest.Workspace{Terraform: terraform, Dir: initialised}
	result, err := w.Run(ctx, "init", "-no-color")
	if err == nil && result.ExitCode != 0 {
		err = errors.New("terraform init:\n" + result.Output)
	}
	if err != nil {
		return err
	}
	result, err = w.Run(ctx, "version", "-json")
	if err != nil {
		return err
	}
	var versions struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal([]byte(result.Output), &versions); err != nil {
		return fmt.Errorf("%w: %s", err, result.Output)
	}
	release, err = version.NewVersion(versions.Version)
	return err
}

// offer adds a version of the provider to the mirror.
func offer(mirror string) error {
	built, err := filepath.Glob(filepath.Join(mirror, "*", "*", "*", terraformtest.MirrorVersion, "*", "*"))
	if err != nil || len(built) == 0 {
		return fmt.Errorf("no provider in the mirror: %w", err)
	}
	for _, path := range built {
		link := strings.ReplaceAll(path, terraformtest.MirrorVersion, offered)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o700), os.Link(path, link)); err != nil {
			return err
		}
	}
	return nil
}

// example is a configuration: a folder with a main.tf, or a file of a folder that
// has none.
type example struct {
	path  string            // below examples/, with slashes
	files map[string]string // content by path in the workspace
}

// examples finds every configuration.
func examples(t *testing.T) []example {
	t.Helper()
	var found []example
	for _, path := range files(t, "examples") {
		name, folder := filepath.Base(path), filepath.ToSlash(filepath.Dir(path))
		if filepath.Ext(name) != ".tf" && !strings.HasSuffix(name, queried) {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, folder, "main.tf")); errors.Is(err, fs.ErrNotExist) {
			found = append(found, single(t, strings.TrimPrefix(path, "examples/")))
			continue
		}
		if name != "main.tf" {
			continue
		}
		e := example{path: strings.TrimPrefix(folder, "examples/"), files: map[string]string{}}
		for _, path := range files(t, folder) {
			e.files[strings.TrimPrefix(path, folder+"/")] = read(t, path)
		}
		found = append(found, e)
	}
	return found
}

// single is an example of one file, which says where the provider comes from
// unless the file does.
func single(t *testing.T, path string) example {
	t.Helper()
	e := example{path: path, files: map[string]string{}}
	if strings.HasSuffix(path, queried) {
		e.files["main"+queried] = read(t, "examples/"+path)
		e.files["required.tf"] = strings.Replace(required, "pagerduty", "cloudflare-pagerduty", 1)
		return e
	}
	e.files["main.tf"] = read(t, "examples/"+path)
	if !strings.Contains(e.files["main.tf"], "required_providers") {
		e.files["required.tf"] = required
	}
	return e
}

func (e example) text() string {
	var all strings.Builder
	for _, content := range e.files {
		all.WriteString(content)
	}
	return all.String()
}

// tested tells whether the example has tests of its own.
func (e example) tested() bool {
	for name := range e.files {
		if strings.HasSuffix(name, ".tftest.hcl") {
			return true
		}
	}
	return false
}

var sources = regexp.MustCompile(`(?m)^ *source *= "(.*)"`)

// others are the sources of the example's other providers and modules.
func (e example) others() []string {
	var found []string
	for _, match := range sources.FindAllStringSubmatch(e.text(), -1) {
		if match[1] != "seed-bcdb0ca7/cloudflare-pagerduty" {
			found = append(found, match[1])
		}
	}
	return found
}

// workspace is a folder with an example in it, against the stand-in.
type workspace struct {
	terraformtest.Workspace
	t      *testing.T
	server *cloudflaretest.Server
	a, b   *cloudflaretest.Account
}

// newWorkspace copies the example and initialises terraform. The provider gets
// its token from the environment, and the example account A.
func newWorkspace(t *testing.T, e example) *workspace {
	t.Helper()
	server := cloudflaretest.New(t)
	w := &workspace{
		t: t, server: server, a: server.Account(accountA), b: server.Account(accountB),
		Workspace: terraformtest.Workspace{
			Terraform: terraform,
			Dir:       t.TempDir(),
			Env: []string{
				"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
				"CLOUDFLARE_BASE_URL=" + server.URL(),
				"TF_VAR_account_id=" + accountA,
				"TF_VAR_staging_api_token=" + cloudflaretest.APIToken,
			},
		},
	}
	w.write(e)
	if len(e.others()) > 0 {
		w.Env = append(w.Env, reattach(t, e))
		w.run(0, "init")
		return w
	}
	w.Env = append(w.Env, "TF_DATA_DIR="+filepath.Join(initialised, ".terraform"))
	const lock = ".terraform.lock.hcl"
	content, err := os.ReadFile(filepath.Join(initialised, lock))
	if err != nil {
		t.Fatal(err)
	}
	w.write(example{files: map[string]string{lock: string(content)}})
	return w
}

// write adds the example's files to the folder, or replaces them.
func (w *workspace) write(e example) {
	w.t.Helper()
	for name, content := range e.files {
		path := filepath.Join(w.Dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			w.t.Fatal(err)
		}
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

// files lists what git would have below a folder, as paths with slashes from the
// root on.
func files(t *testing.T, folder string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".terraform":
			return fs.SkipDir
		case !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.Contains(entry.Name(), ".tfstate"):
			relative, err := filepath.Rel(root, path)
			found = append(found, filepath.ToSlash(relative))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	// Git may check out with another end of line.
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}
