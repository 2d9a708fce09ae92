// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// LinkedVersion is the version that is linked into the provider of tests.
const LinkedVersion = "1.2.3-test"

// Main runs the tests of a package, and ends the process. The tests get nothing
// of the user's own settings, and a folder for temporary files that goes with
// them: a terraform that is killed cleans nothing up. What check, if there is one,
// finds in that folder after the tests fails them.
//
// What tests run is built when the first one asks for it: go test notes only from
// then on which files and variables its results depend on.
func Main(m *testing.M, check ...func(temp string) error) {
	code, err := run(m, check)
	if err != nil {
		fmt.Println("FAIL:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, check []func(temp string) error) (code int, err error) {
	// A short name: there are limits to the path of a plugin's socket.
	temp, err := os.MkdirTemp("", "tf")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(temp)
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if configures(name) && !strings.HasPrefix(name, "TF_ACC_") {
			os.Unsetenv(name)
		}
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		os.Setenv(name, temp)
	}
	if err := prepareTesting(temp); err != nil {
		return 1, err
	}
	code = m.Run()
	for _, check := range check {
		err = errors.Join(err, check(temp))
	}
	return code, err
}

// prepareTesting is for terraform-plugin-testing. It finds a terraform on PATH by
// itself, but no tofu, and it knows the provider under two addresses by default,
// of which tofu refuses one.
func prepareTesting(temp string) error {
	os.Setenv("TF_CLI_CONFIG_FILE", os.DevNull)
	os.Setenv("TF_ACC_PROVIDER_NAMESPACE", "hashicorp")
	if _, err := exec.LookPath("terraform"); err == nil || os.Getenv(EnvPath) != "" {
		return nil
	}
	path, err := Find(context.Background(), "", temp)
	os.Setenv(EnvPath, path)
	return err
}

// installation is a provider that terraform init has installed.
type installation struct {
	terraform Terraform
	dataDir   string
	lock      []byte
}

// shared is the installation that all tests of a package share.
var shared = sync.OnceValues(func() (installation, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shared")
	if err != nil {
		return installation{}, err
	}
	path, err := Find(ctx, "", dir)
	if err != nil {
		return installation{}, err
	}
	terraform, err := New(ctx, dir, path, LinkedVersion)
	if err != nil {
		return installation{}, err
	}
	init := terraform
	init.Dir = filepath.Join(dir, "init")
	if err := os.Mkdir(init.Dir, 0o700); err != nil {
		return installation{}, err
	}
	if err := os.WriteFile(filepath.Join(init.Dir, "main.tf"), []byte(RequiredProviders("pagerduty")), 0o600); err != nil {
		return installation{}, err
	}
	result, err := init.Exec(ctx, "init", "-no-color")
	if err == nil && result.ExitCode != 0 {
		err = errors.New("terraform init:\n" + result.Output)
	}
	if err != nil {
		return installation{}, err
	}
	lock, err := os.ReadFile(filepath.Join(init.Dir, lockFile))
	return installation{terraform: terraform, dataDir: filepath.Join(init.Dir, ".terraform"), lock: lock}, err
})

func mustShared(t testing.TB) installation {
	t.Helper()
	installed, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return installed
}

// Provider is the provider's executable, which is built once for all tests of a
// package.
func Provider(t testing.TB) string {
	t.Helper()
	return mustShared(t).terraform.Provider
}
