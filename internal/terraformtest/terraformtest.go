// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package terraformtest runs a real terraform, or tofu, with the real binary of
// the provider. The demo and the end-to-end tests share it.
//
// The provider is built and put into a filesystem mirror, so that a regular init
// installs it, without a network and without the warning that goes with a
// development override.
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
)

const (
	// EnvPath names the executable to use; terraform-plugin-testing heeds it too.
	EnvPath = "TF_ACC_TERRAFORM_PATH"
	// MirrorVersion is the version that the mirror offers the provider under: no
	// release has it.
	MirrorVersion = "0.0.1"

	module   = "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty"
	provider = "seed-bcdb0ca7/cloudflare-pagerduty"
	binary   = "terraform-provider-cloudflare-pagerduty"

	// fetchedVersion is what is fetched where there is no terraform: the oldest
	// minor version that the provider supports.
	fetchedVersion = "1.11.4"
)

// Terraform is an executable that finds the provider in a mirror, and nowhere
// else.
type Terraform struct {
	Path     string // terraform or tofu
	Provider string // the provider's own executable

	cliConfig string
}

// New builds the provider with the version linked into it, and makes the mirror,
// all of it in dir.
func New(ctx context.Context, dir, path, version string) (*Terraform, error) {
	mirror := filepath.Join(dir, "mirror")
	built, err := buildProvider(ctx, mirror, version)
	if err != nil {
		return nil, fmt.Errorf("unable to build the provider: %w", err)
	}
	cliConfig := filepath.Join(dir, "terraform.rc")
	content := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(mirror))
	if err := os.WriteFile(cliConfig, []byte(content), 0o600); err != nil {
		return nil, err
	}
	return &Terraform{Path: path, Provider: built, cliConfig: cliConfig}, nil
}

// Find returns the executable to use: the one that is asked for, else the one
// that the environment variable names, else terraform or tofu from PATH. Where
// there is none at all, it fetches terraform into dir.
func Find(ctx context.Context, asked, dir string) (string, error) {
	for _, named := range []string{asked, os.Getenv(EnvPath)} {
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
	name := binary + "_v" + MirrorVersion
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var built string
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, host, filepath.FromSlash(provider), MirrorVersion, runtime.GOOS+"_"+runtime.GOARCH)
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
		build := exec.CommandContext(ctx, "go", "build", "-o", path, "-ldflags", "-X main.version="+version, module)
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
