// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestScrubbed(t *testing.T) {
	t.Parallel()
	got := scrubbed([]string{"PATH=/bin", "TF_LOG=trace", "tf_data_dir=x", "TOFU_X=1", "CLOUDFLARE_API_TOKEN=x", "NOT_TF_LOG=x", "HOME=/root"})
	if want := []string{"PATH=/bin", "NOT_TF_LOG=x", "HOME=/root"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFind can't be parallel: it changes the environment.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	executable := func(name string) string {
		path := filepath.Join(dir, name+".exe")
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	given, named := executable("given"), executable("named")
	terraform, tofu := executable("terraform"), executable("tofu")
	for _, plain := range []string{"terraform", "tofu"} { // Where executables have no suffix.
		if err := os.WriteFile(filepath.Join(dir, plain), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)

	find := func(what, executable, want string) {
		t.Helper()
		got, err := Find(t.Context(), executable, dir)
		if err != nil || got != want && got+".exe" != want {
			t.Errorf("%s: got %s, %v, want %s", what, got, err, want)
		}
	}
	t.Setenv(EnvPath, named)
	find("given", given, given)
	find("from the environment", "", named)
	if path, err := Find(t.Context(), filepath.Join(dir, "none"), dir); err == nil {
		t.Errorf("none of that name: got %s", path)
	}
	t.Setenv(EnvPath, "")
	find("terraform comes first", "", terraform)
	if err := os.Remove(terraform); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "terraform")); err != nil {
		t.Fatal(err)
	}
	find("tofu alone", "", tofu)
}
