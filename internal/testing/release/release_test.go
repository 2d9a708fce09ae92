// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build install

package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	project = "terraform-provider-cloudflare-pagerduty"
	// released is the version that is built and installed.
	released = "1.2.3"
)

// thisPlatform is the one that tests can run a provider on.
const thisPlatform = runtime.GOOS + "_" + runtime.GOARCH

// release is what a registry has of one version: its files by name. Those that
// other people rely on end in .zip, _manifest.json, _SHA256SUMS and .sig.
type release struct {
	version string
	files   map[string][]byte
}

func (r release) name(suffix string) string { return project + "_" + r.version + "_" + suffix }

func (r release) zip(platform string) string { return r.name(platform + ".zip") }

func (r release) sums() string { return r.name("SHA256SUMS") }

func (r release) signature() string { return r.sums() + ".sig" }

// platforms that there is a zip for.
func (r release) platforms() []string {
	var platforms []string
	for name := range r.files {
		if platform, ok := strings.CutSuffix(strings.TrimPrefix(name, r.name("")), ".zip"); ok {
			platforms = append(platforms, platform)
		}
	}
	slices.Sort(platforms)
	return platforms
}

// checksums reads the list of checksums: names to SHA-256 in hex.
func (r release) checksums() map[string]string {
	checksums := map[string]string{}
	for line := range strings.Lines(string(r.files[r.sums()])) {
		if fields := strings.Fields(line); len(fields) == 2 {
			checksums[fields[1]] = fields[0]
		}
	}
	return checksums
}

// with returns a copy in which a file is another one; nil takes it away.
func (r release) with(name string, content []byte) release {
	r.files = maps.Clone(r.files)
	if content == nil {
		delete(r.files, name)
	} else {
		r.files[name] = content
	}
	return r
}

// signed returns a copy with a list of the checksums that its files have, signed by a key.
func (r release) signed(k key) (release, error) {
	var sums strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, "_manifest.json") {
			fmt.Fprintf(&sums, "%s  %s\n", checksum(r.files[name]), name)
		}
	}
	signature, err := k.sign([]byte(sums.String()))
	if err != nil {
		return r, err
	}
	return r.with(r.sums(), []byte(sums.String())).with(r.signature(), signature), nil
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// source is a clone of this repository with what is in its work tree committed,
// so that a change can be tried before it is, and with a tag to release.
type source struct {
	dir string
	// goreleaser's own executable.
	goreleaser string
}

// newSource makes the clone in a folder that does not exist yet.
func newSource(ctx context.Context, dir string) (source, error) {
	root, err := terraformtest.Root(ctx)
	if err != nil {
		return source{}, err
	}
	// It is built once, and then comes from the build cache.
	goreleaser, err := output(ctx, root, nil, "go", "tool", "-modfile=tools/release/go.mod", "-n", "goreleaser")
	if err != nil {
		return source{}, err
	}
	s := source{dir: dir, goreleaser: strings.TrimSpace(goreleaser)}
	// Tags of real releases must not get in the way of the made-up one.
	if _, err := output(ctx, root, nil, "git", "clone", "--quiet", "--no-tags", root, dir); err != nil {
		return s, err
	}
	changed, err := output(ctx, root, nil, "git", "ls-files", "-z", "--modified", "--others", "--exclude-standard")
	if err != nil {
		return s, err
	}
	for name := range strings.SplitSeq(strings.TrimRight(changed, "\x00"), "\x00") {
		if name == "" {
			continue
		}
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			return s, err
		}
	}
	return s, s.git(ctx,
		[]string{"add", "--all"},
		[]string{"commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "--message=A release"},
		[]string{"tag", "--no-sign", "v" + released},
	)
}

// clone makes another clone of the same commit.
func (s source) clone(ctx context.Context, dir string) (source, error) {
	if _, err := output(ctx, s.dir, nil, "git", "clone", "--quiet", s.dir, dir); err != nil {
		return s, err
	}
	s.dir = dir
	return s, nil
}

func (s source) git(ctx context.Context, commands ...[]string) error {
	for _, command := range commands {
		args := append([]string{"-c", "user.name=Install test", "-c", "user.email=install-test@example.invalid"}, command...)
		if _, err := output(ctx, s.dir, nil, "git", args...); err != nil {
			return err
		}
	}
	return nil
}

var targets = regexp.MustCompile(`(?m)^    targets:\n(?:      - \w+\n)+`)

// build makes a release with goreleaser as .goreleaser.yml says, but of these
// platforms only unless there are none, and returns what would be published. The
// variables are added to the environment.
func (s source) build(ctx context.Context, platforms []string, env []string, args ...string) (release, error) {
	r := release{version: released, files: map[string][]byte{}}
	config, err := os.ReadFile(filepath.Join(s.dir, ".goreleaser.yml"))
	if err != nil {
		return r, err
	}
	if len(targets.FindAll(config, -1)) != 1 {
		return r, errors.New("there is no one list of targets in .goreleaser.yml")
	}
	if len(platforms) > 0 {
		config = targets.ReplaceAll(config, []byte("    targets: ["+strings.Join(platforms, ", ")+"]\n"))
	}
	// Beside the clone: a changed file in it would stop goreleaser.
	path := s.dir + ".goreleaser.yml"
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return r, err
	}
	args = append([]string{"release", "--config=" + path, "--clean"}, args...)
	if _, err := output(ctx, s.dir, env, s.goreleaser, args...); err != nil {
		return r, err
	}

	published := []string{".zip", ".cdx.json", "_SHA256SUMS", ".sig"}
	dist, err := os.ReadDir(filepath.Join(s.dir, "dist"))
	if err != nil {
		return r, err
	}
	for _, file := range dist {
		if slices.ContainsFunc(published, func(suffix string) bool { return strings.HasSuffix(file.Name(), suffix) }) {
			if r.files[file.Name()], err = os.ReadFile(filepath.Join(s.dir, "dist", file.Name())); err != nil {
				return r, err
			}
		}
	}
	// Goreleaser uploads it from where it lies.
	r.files[r.name("manifest.json")], err = os.ReadFile(filepath.Join(s.dir, "terraform-registry-manifest.json"))
	return r, err
}

// output runs a program without what would change how a release is made.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "GORELEASER_") && !strings.HasPrefix(name, "GIT_") &&
			!strings.HasPrefix(name, "GITHUB_") && !strings.HasSuffix(name, "_TOKEN") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var stdout, both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &both
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, &stdout, &both)
	}
	return stdout.String(), nil
}

// copyFile copies a file, or its absence.
func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return os.Remove(to)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}
