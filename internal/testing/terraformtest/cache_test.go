// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackagesDependOnTheProvider: go test would serve stale results of a package
// that runs the provider, and does not depend on it.
func TestPackagesDependOnTheProvider(t *testing.T) {
	t.Parallel()
	root, err := Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-test", "-tags=install", "-f", `{{.ImportPath}} {{join .Deps " "}} `, "./internal/...")
	list.Dir = root
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{} // The packages whose tests run the provider.
	for line := range strings.Lines(string(output)) {
		test, deps, _ := strings.Cut(line, " ")
		name, isTest := strings.CutSuffix(filepath.Base(test), ".test")
		if !isTest || !strings.Contains(deps, "/terraformtest ") {
			continue
		}
		run[name] = true
		if !strings.Contains(deps, module+"/internal/provider ") {
			t.Errorf("the tests of %s do not depend on the provider", name)
		}
	}
	for _, name := range []string{"acceptance", "demo", "e2e", "examples", "faults", "release", "provider"} {
		if !run[name] {
			t.Errorf("the tests of %s do not use the harness; those that do: %v", name, run)
		}
	}
}

// TestBuildInputsAreNoted runs a test as go test does, and checks that go test learns
// what the provider is built from and which terraform runs it.
func TestBuildInputsAreNoted(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProviderIsBuilt$", "-test.testlogfile="+log)
	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	noted, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	root, err := Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"getenv PATH", "getenv " + EnvPath}
	for _, name := range []string{"go.mod", "main.go", "internal/provider/provider.go", "internal/cloudflare/client.go"} {
		wanted = append(wanted, "open "+filepath.Join(root, filepath.FromSlash(name)))
	}
	for _, want := range wanted {
		if !strings.Contains(string(noted), want+"\n") {
			t.Errorf("%q is not noted", want)
		}
	}
}

func TestProviderIsBuilt(t *testing.T) {
	t.Parallel()
	w := NewWorkspace(t, "")
	w.Write("main.tf", RequiredProviders("pagerduty"))
	w.ExpectEmptyPlan()
	if _, err := os.Stat(Provider(t)); err != nil {
		t.Error(err)
	}
}
