// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package examples runs what examples/ has, with a real terraform against the
// fake API, and checks that README.md and docs/ show it.
//
// The official Cloudflare and PagerDuty providers are stubs here, with as much of
// their schemas as the examples use: whether an example fits the real ones is for
// its author to check.
package examples

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// The accounts that the examples name.
const (
	accountA = "023e105f4ecef8ad9ca31a8372d0c353"
	accountB = "372e67954025e0ba6aaa6d586b9e0b59"
)

// required is for an example that does not say where the provider comes from.
var required = terraformtest.RequiredProviders("cloudflare-pagerduty")

// root is the folder of the module.
var root string

func TestMain(m *testing.M) {
	var err error
	if root, err = terraformtest.Root(context.Background()); err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
	terraformtest.Main(m)
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
		if filepath.Ext(name) != ".tf" {
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

// single is an example of one file.
func single(t testing.TB, path string) example {
	t.Helper()
	return configuration(path, read(t, "examples/"+path))
}

// configuration is an example of one file with this content. It says where the
// provider comes from unless the content does.
func configuration(path, content string) example {
	e := example{path: path, files: map[string]string{"main.tf": content, "required.tf": required}}
	if strings.Contains(content, "required_providers") {
		e.files["required.tf"] = ""
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

var sources = regexp.MustCompile(`source *= "([^"]*)"`)

// others are the sources of the example's other providers and modules.
func (e example) others() []string {
	var found []string
	for _, match := range sources.FindAllStringSubmatch(e.text(), -1) {
		if match[1] != terraformtest.Source {
			found = append(found, match[1])
		}
	}
	return found
}

// workspace is a folder with an example in it, on a fake API.
type workspace struct {
	*terraformtest.Workspace
	server *cloudflaretest.Server
	a, b   *cloudflaretest.Account
}

// newWorkspace copies the example and initialises terraform. Tokens and the
// example account A are in the environment. A link is refused until someone has
// connected the account.
func newWorkspace(t *testing.T, e example) *workspace {
	t.Helper()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
	w := &workspace{
		Workspace: terraformtest.NewWorkspace(t, server.URL(),
			"TF_VAR_account_id="+accountA,
			"TF_VAR_cloudflare_api_token="+cloudflaretest.APIToken,
			"TF_VAR_staging_api_token="+cloudflaretest.APIToken,
		),
		server: server, a: server.Account(accountA), b: server.Account(accountB),
	}
	w.write(e)
	if len(e.others()) > 0 {
		w.Env = append(w.Env, "TF_DATA_DIR=.terraform", reattach(t, e))
		w.Run(0, "init")
	}
	return w
}

// write adds the example's files to the folder, or replaces them.
func (w *workspace) write(e example) {
	w.T.Helper()
	for name, content := range e.files {
		w.Write(name, content)
	}
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

func read(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	// Git may check out with another end of line.
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}
