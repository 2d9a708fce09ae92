// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

const module = "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty"

// libraries is what the provider links that an empty one does not, its own
// packages left out. A longer list needs a reason.
var libraries = []string{
	"github.com/agext/levenshtein", // suggests names close to one that is not there
	"github.com/dunglas/httpsfv",
	"github.com/hashicorp/go-cleanhttp",
	"github.com/hashicorp/go-retryablehttp",
	"github.com/hashicorp/terraform-plugin-framework",
	"github.com/hashicorp/terraform-plugin-framework-timeouts",
	"github.com/hashicorp/terraform-plugin-framework-validators",
	"golang.org/x/sync",
}

func TestLinksNothingElse(t *testing.T) {
	t.Parallel()
	root, err := terraformtest.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if err := writeEmpty(root, empty); err != nil {
		t.Fatal(err)
	}
	base := dependencies(t, empty)
	extra := map[string]bool{}
	for _, dependency := range dependencies(t, root) {
		// What the standard library adds comes with the libraries.
		if first, _, _ := strings.Cut(dependency, "/"); !strings.Contains(first, ".") || strings.HasPrefix(dependency, module) || slices.Contains(base, dependency) {
			continue
		}
		library := ""
		for _, known := range libraries {
			if dependency == known || strings.HasPrefix(dependency, known+"/") {
				library = known
			}
		}
		if library == "" {
			t.Errorf("links %s, which an empty provider does not", dependency)
		}
		extra[library] = true
	}
	for _, library := range libraries {
		if !extra[library] {
			t.Errorf("%s is not linked any more: take it from the list", library)
		}
	}
}

func dependencies(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// maxInitAllocs lets a package make its error values before main, and no more: a
// regular expression alone takes more.
const maxInitAllocs = 10

// TestStartsWithoutWork: the provider's own packages have nothing to do before
// main.
func TestStartsWithoutWork(t *testing.T) {
	t.Parallel()
	root, err := terraformtest.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "provider")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, root)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var trace bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	cmd.Stderr = &trace
	_ = cmd.Run() // Without a terraform it says that it is a plugin, and ends.
	if !strings.Contains(trace.String(), "init ") {
		t.Fatalf("no trace:\n%s", trace.String())
	}
	// init PACKAGE @19 ms, 0.004 ms clock, 504 bytes, 8 allocs
	own := regexp.MustCompile(`(?m)^init (?:main|` + module + `\S*) .* (\d+) allocs$`)
	for _, found := range own.FindAllStringSubmatch(trace.String(), -1) {
		if allocs, err := strconv.Atoi(found[1]); err != nil || allocs > maxInitAllocs {
			t.Errorf("work before main: %s", found[0])
		}
	}
}

func TestTimeSchema(t *testing.T) {
	t.Parallel()
	if _, err := timeSchema(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a provider that is not there started")
	}
}
