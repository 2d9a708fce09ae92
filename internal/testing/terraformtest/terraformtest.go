// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package terraformtest runs a real terraform, or tofu, with the real binary of
// the provider. All tests that need one share it, and so does the demo.
//
// The provider is built and put into a filesystem mirror, so that a regular init
// installs it, without a network and without the warning that goes with a
// development override. [Terraform] runs it, [Workspace] does so for a test, and
// [Main] prepares a package's tests.
//
// go test keeps the results of a package until its test binary changes, or a file
// that its tests read. A provider that is built in a subprocess is neither. So this
// package imports the provider, whose packages are then built with the tests; and
// since the linker drops what a test binary does not use, it reads the source too.
package terraformtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"

	// Every package that runs the built provider has to depend on it.
	_ "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/provider"
)

const (
	// EnvPath names the executable to use; terraform-plugin-testing heeds it too.
	EnvPath = "TF_ACC_TERRAFORM_PATH"

	// Source is the provider's source in a required_providers block.
	Source = "seed-bcdb0ca7/cloudflare-pagerduty"

	module = "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty"
	binary = "terraform-provider-cloudflare-pagerduty"

	// mirrorVersion is the version that the mirror has: one that the examples ask
	// for.
	mirrorVersion = "0.1.0"

	// fetchedVersion is what is fetched where there is no terraform: the oldest
	// minor version that the provider supports.
	fetchedVersion = "1.11.4"
)

// New builds the provider with the version linked into it, and makes the mirror,
// all of it in dir. The executable at path finds the provider there, and nowhere
// else.
func New(ctx context.Context, dir, path, version string) (Terraform, error) {
	mirror := filepath.Join(dir, "mirror")
	built, err := buildProvider(ctx, mirror, version)
	if err != nil {
		return Terraform{}, fmt.Errorf("unable to build the provider: %w", err)
	}
	cliConfig := filepath.Join(dir, "terraform.rc")
	content := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(mirror))
	if err := os.WriteFile(cliConfig, []byte(content), 0o600); err != nil {
		return Terraform{}, err
	}
	return Terraform{Path: path, Provider: built, cliConfig: cliConfig}, nil
}

// RequiredProviders is a terraform block that requires the provider under a local
// name.
func RequiredProviders(localName string) string {
	return fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", localName, Source)
}

// Find returns the executable to use: the one that is given, else the one that the
// environment variable names, else terraform or tofu from PATH. Where there is none
// at all, it fetches terraform into dir.
func Find(ctx context.Context, given, dir string) (string, error) {
	for _, named := range []string{given, os.Getenv(EnvPath)} {
		if named != "" {
			path, err := exec.LookPath(named)
			if err != nil {
				return "", err
			}
			return filepath.Abs(path)
		}
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	path, err := fetch(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("neither terraform nor tofu is on PATH, and terraform %s can't be fetched: %w", fetchedVersion, err)
	}
	return path, nil
}

// fetch gets terraform from HashiCorp, whose signature hc-install checks.
func fetch(ctx context.Context, dir string) (string, error) {
	release := &releases.ExactVersion{
		Product:    product.Terraform,
		Version:    version.Must(version.NewVersion(fetchedVersion)),
		InstallDir: dir,
	}
	return release.Install(ctx)
}

// Root is the folder of this module, given that the working directory is in it.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	gomod := strings.TrimSpace(string(out))
	if filepath.Base(gomod) != "go.mod" {
		return "", errors.New("the working directory is not in the provider's module")
	}
	return filepath.Dir(gomod), nil
}

// buildProvider builds into the mirror, for the registries of both terraform and
// tofu: each has its own idea of where a provider without a host comes from.
func buildProvider(ctx context.Context, mirror, version string) (string, error) {
	if err := readInputs(ctx); err != nil {
		return "", err
	}
	name := binary + "_v" + mirrorVersion
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var built string
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, host, filepath.FromSlash(Source), mirrorVersion, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", err
		}
		path := filepath.Join(folder, name)
		if built != "" {
			if err := os.Link(built, path); err != nil {
				return "", err
			}
			continue
		}
		built = path
		// Without symbols: linking them takes longer than all else.
		build := exec.CommandContext(ctx, "go", "build", "-o", path, "-ldflags", "-s -w -X main.version="+version, module)
		// What an interrupted build leaves goes with the mirror.
		build.Env = append(os.Environ(), "GOTMPDIR="+mirror)
		interruptible(build)
		output, err := build.CombinedOutput()
		if ctx.Err() != nil {
			killGroup(build)
		}
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, output)
		}
	}
	return built, nil
}

// readInputs reads what the provider is built from. go test notes what a test
// reads, from the start of the first test on: not what TestMain reads before that.
func readInputs(ctx context.Context) error {
	root, err := Root(ctx)
	if err != nil {
		return err
	}
	inputs := []string{filepath.Join(root, "go.mod")}
	folders, err := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{if and .Module .Module.Main}}{{.Dir}}{{end}}", module).Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for folder := range strings.SplitSeq(strings.TrimSpace(string(folders)), "\n") {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(folder), "*.go"))
		if err != nil {
			return err
		}
		inputs = append(inputs, files...)
	}
	for _, path := range inputs {
		if _, err := os.ReadFile(path); err != nil {
			return err
		}
	}
	return nil
}
