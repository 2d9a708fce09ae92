// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build install

// Package release installs a release as users do. Goreleaser builds and signs
// it from a clone of this repository, with a key that is made for it; a registry
// on a loopback port offers it; and a real terraform, or tofu, finds it by its
// version, checks it, locks it and runs it. Cloudflare is a fake API.
//
// It takes the build tag install, since it needs goreleaser, which takes minutes
// to build: `make test-install`.
package release

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const accountID = "0123456789abcdef0123456789abcdef"

var all = flag.Bool("all", false, "build for every platform, not just for this one")

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "gpg" {
		if err := asGPG(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "gpg:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	terraformtest.Main(m)
}

// built is the release, made when the first test needs it.
var built = sync.OnceValues(func() (*build, error) {
	ctx := context.Background()
	temp, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	signer, err := newKey()
	if err != nil {
		return nil, err
	}
	env, end, err := signer.forGPG(ctx, temp)
	if err != nil {
		return nil, err
	}
	defer end()
	s, err := newSource(ctx, filepath.Join(temp, "source"))
	if err != nil {
		return nil, err
	}
	var platforms []string
	if !*all {
		platforms = []string{thisPlatform}
	}
	r, err := s.build(ctx, platforms, env, "--skip=publish")
	return &build{source: s, release: r, key: signer}, err
})

type build struct {
	source  source
	release release
	key     key
}

func theBuild(t *testing.T) *build {
	t.Helper()
	b, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everywhere returns the release with a zip for each of three platforms at
// least: those that were not built hold no more than a name, which suffices for
// what does not run them.
func (b *build) everywhere(t *testing.T) release {
	t.Helper()
	r := b.release
	for _, platform := range []string{"linux_amd64", "darwin_arm64", "windows_amd64"} {
		if _, ok := r.files[r.zip(platform)]; !ok {
			r = r.with(r.zip(platform), zipped(t, project+"_v"+r.version, platform))
		}
	}
	r, err := r.signed(b.key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func zipped(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	files := zip.NewWriter(&b)
	file, err := files.Create(name)
	if err == nil {
		_, err = io.WriteString(file, content)
	}
	if err := errors.Join(err, files.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// executables are the one that the environment variable names, else terraform and
// tofu, as far as they are on PATH.
func executables(t *testing.T) []string {
	t.Helper()
	var paths []string
	if os.Getenv(terraformtest.EnvPath) == "" {
		for _, name := range []string{"terraform", "tofu"} {
			if path, err := exec.LookPath(name); err == nil {
				paths = append(paths, path)
			}
		}
	}
	if len(paths) == 0 {
		path, err := terraformtest.Find(t.Context(), "", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// workspace is a folder with a configuration that asks for the provider.
type workspace struct{ terraformtest.Workspace }

const configuration = `
terraform {
  required_providers {
    pagerduty = {
      source  = "seed-bcdb0ca7/cloudflare-pagerduty"
      version = "~> 1.2.0"
    }
  }
}

resource "pagerduty_connection" "this" {
  account_id = "` + accountID + `"
}

data "pagerduty_services" "all" {
  account_id = pagerduty_connection.this.account_id
  depends_on = [pagerduty_connection.this]
}

output "services" {
  value = { for service in data.pagerduty_services.all.services : service.name => service.id }
}
`

// newWorkspace makes one that finds providers as the CLI configuration says.
func newWorkspace(t *testing.T, path, cliConfig string, env ...string) workspace {
	t.Helper()
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	if err := os.WriteFile(rc, []byte(cliConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	w := workspace{Workspace: terraformtest.Workspace{T: t, Terraform: terraformtest.Terraform{
		Path: path,
		Dir:  t.TempDir(),
		Env: append([]string{
			"TF_CLI_CONFIG_FILE=" + rc,
			// OpenTofu takes what is not signed at all from its own registry, unless it is told otherwise.
			"OPENTOFU_ENFORCE_GPG_VALIDATION=true",
		}, env...),
	}}}
	w.Write("main.tf", configuration)
	return w
}

// must runs terraform, which must exit with 0, and returns what it wrote on one
// line.
func (w workspace) must(args ...string) string {
	w.T.Helper()
	return terraformtest.Flat(w.Run(0, args...))
}

var (
	lockedVersion = regexp.MustCompile(`\sversion\s*= "(.*)"`)
	lockedHash    = regexp.MustCompile(`"((?:h1|zh):[^"]*)"`)
)

// locked reads the one provider in the lock file.
func (w workspace) locked() (version string, hashes []string) {
	w.T.Helper()
	lock := w.Read(".terraform.lock.hcl")
	if found := lockedVersion.FindStringSubmatch(lock); found != nil {
		version = found[1]
	}
	for _, found := range lockedHash.FindAllStringSubmatch(lock, -1) {
		hashes = append(hashes, found[1])
	}
	slices.Sort(hashes)
	return version, hashes
}

// hashes are what belongs in a lock file: the h1: of the zips for these
// platforms, as computed here, and the zh: of all that the list of checksums names.
func hashes(t *testing.T, r release, platforms ...string) []string {
	t.Helper()
	var hashes []string
	for _, platform := range platforms {
		path := filepath.Join(t.TempDir(), "provider.zip")
		if err := os.WriteFile(path, r.files[r.zip(platform)], 0o600); err != nil {
			t.Fatal(err)
		}
		hash, err := dirhash.HashZip(path, dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	for _, checksum := range r.checksums() {
		hashes = append(hashes, "zh:"+checksum)
	}
	slices.Sort(hashes)
	return hashes
}

func (w workspace) checkLock(want []string) {
	w.T.Helper()
	version, got := w.locked()
	if version != released || !slices.Equal(got, want) {
		w.T.Errorf("locked %s with %q, want %s with %q", version, got, released, want)
	}
}

// fakeAPI starts a fake API and returns the variables that make the provider use it.
func fakeAPI(t *testing.T) (*cloudflaretest.Server, []string) {
	t.Helper()
	server := cloudflaretest.New(t)
	server.Account(accountID)
	return server, []string{
		"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
		"CLOUDFLARE_BASE_URL=" + server.URL(),
	}
}

// checkWorks plans, applies and destroys with the provider that init installed.
func (w workspace) checkWorks(server *cloudflaretest.Server) {
	w.T.Helper()
	account := server.Account(accountID)
	w.must("plan", "-out=plan")
	if len(account.Services()) != 0 {
		w.T.Errorf("the plan has connected %v", account.Services())
	}
	w.must("apply", "plan")
	var outputs map[string]struct{ Value map[string]string }
	if err := json.Unmarshal([]byte(w.must("output", "-json")), &outputs); err != nil {
		w.T.Fatal(err)
	}
	want := map[string]string{}
	for _, service := range account.Services() {
		want[service.Name] = service.ID
	}
	if got := outputs["services"].Value; len(got) != 1 || !maps.Equal(got, want) {
		w.T.Errorf("got the services %v, want %v", got, want)
	}
	w.must("plan", "-detailed-exitcode")
	w.must("apply", "-destroy")
	if left := account.Services(); len(left) > 0 {
		w.T.Errorf("left after destroy: %v", left)
	}
	for _, request := range server.Requests() {
		if agent := request.Header.Get("User-Agent"); !strings.HasPrefix(agent, project+"/"+released+" ") {
			w.T.Errorf("request of %q, which is not version %s", agent, released)
		}
	}
}

// TestRelease checks what registries require of a release:
// https://developer.hashicorp.com/terraform/registry/providers/publishing
func TestRelease(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	r := b.release

	want := []string{r.name("manifest.json"), r.sums(), r.signature()}
	for _, platform := range r.platforms() {
		want = append(want, r.zip(platform), r.name(platform+".cdx.json"))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(r.files)); !slices.Equal(got, want) || !slices.Contains(r.platforms(), thisPlatform) {
		t.Errorf("got %q, want %q", got, want)
	}

	checksums := r.checksums()
	for name, content := range r.files {
		if !strings.HasSuffix(name, ".zip") && !strings.HasSuffix(name, "_manifest.json") {
			continue
		}
		if got := checksums[name]; got != checksum(content) {
			t.Errorf("checksum of %s: got %q, want %s", name, got, checksum(content))
		}
		delete(checksums, name)
	}
	if len(checksums) > 0 {
		t.Errorf("needless in users' lock files: %q", checksums)
	}

	signature := r.files[r.signature()]
	if err := b.key.verify(r.files[r.sums()], signature); err != nil {
		t.Error(err)
	}
	if bytes.HasPrefix(signature, []byte("-----")) {
		t.Error("the signature is armoured")
	}
	if got := r.protocols(); !slices.Equal(got, []string{"6.0"}) {
		t.Errorf("protocols in the manifest: %q", got)
	}

	for _, platform := range r.platforms() {
		archive := r.files[r.zip(platform)]
		files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		binary := project + "_v" + released
		if strings.HasPrefix(platform, "windows_") {
			binary += ".exe"
		}
		var names []string
		for _, file := range files.File {
			names = append(names, file.Name)
			if executable := file.Mode()&0o111 != 0; executable != (file.Name == binary) {
				t.Errorf("%s: %s has mode %s", platform, file.Name, file.Mode())
			}
		}
		if want := []string{"LICENSE", binary}; !slices.Equal(names, want) {
			t.Errorf("%s: got %q, want %q", platform, names, want)
		}
		program, err := fs.ReadFile(files, binary)
		if err != nil {
			t.Fatal(err)
		}
		checkSBOM(t, r.files[r.name(platform+".cdx.json")], program)
	}
}

// checkSBOM compares an SBOM with the program that it describes.
func checkSBOM(t *testing.T, content, program []byte) {
	t.Helper()
	var sbom struct {
		Metadata struct {
			Component struct{ Name, Version string }
			// Properties occur more than once, one for each build tag for example.
			Properties []struct{ Name, Value string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(content, &sbom); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if got := sbom.Metadata.Component; got.Name != info.Main.Path || got.Version != "v"+released {
		t.Errorf("SBOM of %s %s", got.Name, got.Version)
	}
	hash := "no hash"
	for _, property := range sbom.Metadata.Properties {
		if property.Name == "cdx:gomod:binary:hash:SHA-256" {
			hash = property.Value
		}
	}
	if hash != checksum(program) {
		t.Errorf("SBOM of a program with %s, not %s", hash, checksum(program))
	}
	want := []string{"std " + info.GoVersion}
	for _, module := range info.Deps {
		want = append(want, module.Path+" "+module.Version)
	}
	var got []string
	for _, component := range sbom.Components {
		got = append(got, component.Name+" "+component.Version)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("SBOM with %q, want %q", got, want)
	}
}

// TestReproducible builds the same commit once more, where nothing else is the
// same: not the folder, the home, the time zone, the build cache nor the files'
// permissions.
func TestReproducible(t *testing.T) {
	t.Parallel()
	first := theBuild(t)
	dir := t.TempDir()
	again, err := first.source.clone(t.Context(), filepath.Join(dir, "a folder of another name"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(again.dir, "LICENSE"), 0o600); err != nil {
		t.Fatal(err)
	}
	modules, err := output(t.Context(), again.dir, nil, "go", "env", "GOMODCACHE")
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.build(t.Context(), first.release.platforms(), []string{
		"GOCACHE=" + filepath.Join(dir, "cache"),
		"GOMODCACHE=" + strings.TrimSpace(modules),
		"GOFLAGS=-buildvcs=auto",
		"HOME=" + dir,
		"LC_ALL=C",
		"TZ=Asia/Kathmandu",
	}, "--skip=publish,sign")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range first.release.with(first.release.signature(), nil).files {
		if !bytes.Equal(content, second.files[name]) {
			t.Errorf("%s: %s, then %s", name, checksum(content), checksum(second.files[name]))
		}
	}
}

func TestInstallFromRegistry(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	for _, path := range executables(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r := &registry{keys: []key{b.key}, releases: []release{b.release}}
			// Neither of these fits the constraint: one has to be named, one is too new.
			for _, version := range []string{"1.2.4-beta1", "2.0.0"} {
				other := release{version: version, files: map[string][]byte{}}
				other.files[other.zip(thisPlatform)] = nil
				other.files[other.name("manifest.json")] = b.release.files[b.release.name("manifest.json")]
				r.releases = append(r.releases, other)
			}
			r.serve(t)
			server, env := fakeAPI(t)
			w := newWorkspace(t, path, r.host(), env...)

			said := w.must("init")
			for _, want := range []string{"v" + released, b.key.id()} {
				if !strings.Contains(said, want) {
					t.Errorf("init does not say %q: %s", want, said)
				}
			}
			want := hashes(t, b.release, thisPlatform)
			w.checkLock(want)
			w.checkWorks(server)

			// A colleague's checkout: the lock file is there, and is enough.
			colleague := newWorkspace(t, path, r.host())
			colleague.Write(".terraform.lock.hcl", w.Read(".terraform.lock.hcl"))
			colleague.must("init", "-lockfile=readonly")
			colleague.checkLock(want)
		})
	}
}

func TestInstallFromMirror(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	for _, path := range executables(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			complete := b.everywhere(t)
			r := &registry{keys: []key{b.key}, releases: []release{complete}}
			r.serve(t)
			mirror := t.TempDir()
			args := []string{"providers", "mirror"}
			for _, platform := range complete.platforms() {
				args = append(args, "-platform="+platform)
			}
			newWorkspace(t, path, r.host()).must(append(args, mirror)...)

			folders, err := filepath.Glob(filepath.Join(mirror, "registry.*", filepath.FromSlash(address)))
			if err != nil || len(folders) != 1 {
				t.Fatalf("got %q, %v", folders, err)
			}
			want := []string{released + ".json", "index.json"}
			for _, platform := range complete.platforms() {
				want = append(want, complete.zip(platform))
			}
			slices.Sort(want)
			entries, err := os.ReadDir(folders[0])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, entry := range entries {
				got = append(got, entry.Name())
			}
			if !slices.Equal(got, want) {
				t.Errorf("in the mirror: got %q, want %q", got, want)
			}

			server, env := fakeAPI(t)
			w := newWorkspace(t, path, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(mirror)), env...)
			w.must("init")
			// A mirror has no signed list, so that the lock file has this platform's hash alone.
			version, locked := w.locked()
			if version != released || len(locked) != 1 || !strings.HasPrefix(locked[0], "h1:") || !slices.Contains(hashes(t, complete, thisPlatform), locked[0]) {
				t.Errorf("locked %s with %q", version, locked)
			}
			w.checkWorks(server)
		})
	}
}

func TestLockForSeveralPlatforms(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	for _, path := range executables(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			complete := b.everywhere(t)
			r := &registry{keys: []key{b.key}, releases: []release{complete}}
			r.serve(t)
			w := newWorkspace(t, path, r.host())
			args := []string{"providers", "lock"}
			for _, platform := range complete.platforms() {
				args = append(args, "-platform="+platform)
			}
			w.must(args...)
			want := hashes(t, complete, complete.platforms()...)
			w.checkLock(want)

			w.must("init", "-lockfile=readonly")
			w.checkLock(want)
		})
	}
}

// TestRefused serves releases that someone has tampered with.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	genuine := b.release
	name := genuine.zip(thisPlatform)
	tampered := bytes.Clone(genuine.files[name])
	tampered[len(tampered)/2] ^= 1
	stranger, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	byStranger, err := stranger.sign(genuine.files[genuine.sums()])
	if err != nil {
		t.Fatal(err)
	}
	listed := bytes.ReplaceAll(genuine.files[genuine.sums()], []byte(checksum(genuine.files[name])), []byte(checksum(tampered)))
	unlisted, err := genuine.with(name, nil).signed(b.key)
	if err != nil {
		t.Fatal(err)
	}

	for reason, test := range map[string]struct {
		registry registry
		says     string
	}{
		"tampered zip": {
			registry: registry{releases: []release{genuine.with(name, tampered)}},
			says:     "archive has incorrect checksum zh:" + checksum(tampered) + " (expected zh:" + checksum(genuine.files[name]) + ")",
		},
		"wrong checksum": {
			registry: registry{releases: []release{genuine}, shasum: checksum(tampered)},
			says:     "checksum list has unexpected SHA-256 hash " + checksum(genuine.files[name]) + " (expected " + checksum(tampered) + ")",
		},
		"no checksum": {
			registry: registry{releases: []release{unlisted.with(name, genuine.files[name])}, shasum: checksum(genuine.files[name])},
			says:     "checksum list has no SHA-256 hash for \"" + name + "\"",
		},
		"tampered zip and list of checksums": {
			registry: registry{releases: []release{genuine.with(name, tampered).with(genuine.sums(), listed)}},
			says:     "error checking signature: openpgp: invalid signature",
		},
		"unsigned": {
			registry: registry{releases: []release{genuine.with(genuine.signature(), nil)}},
			says:     "failed to retrieve cryptographic signature for provider: 404 Not Found",
		},
		"signed by a stranger": {
			registry: registry{releases: []release{genuine.with(genuine.signature(), byStranger)}},
			says:     "authentication signature from unknown issuer",
		},
		"without a key": {
			registry: registry{releases: []release{genuine}, keys: []key{}},
			says:     "authentication signature from unknown issuer",
		},
	} {
		t.Run(strings.ReplaceAll(reason, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for _, path := range executables(t) {
				t.Run(filepath.Base(path), func(t *testing.T) {
					t.Parallel()
					r := test.registry
					if r.keys == nil {
						r.keys = []key{b.key}
					}
					r.serve(t)
					newWorkspace(t, path, r.host()).refuses(test.says)
				})
			}
		})
	}
}

// TestRefusedForItsLock serves another release under the version that is locked,
// with everything in order but that.
func TestRefusedForItsLock(t *testing.T) {
	t.Parallel()
	b := theBuild(t)
	other, err := b.release.with(b.release.zip(thisPlatform), zipped(t, project+"_v"+released, "another")).signed(b.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range executables(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			honest := &registry{keys: []key{b.key}, releases: []release{b.release}}
			honest.serve(t)
			first := newWorkspace(t, path, honest.host())
			first.must("init")

			r := &registry{keys: []key{b.key}, releases: []release{other}}
			r.serve(t)
			w := newWorkspace(t, path, r.host())
			w.Write(".terraform.lock.hcl", first.Read(".terraform.lock.hcl"))
			w.refuses("doesn't match any of the checksums previously recorded in the dependency lock file")
		})
	}
}

// refuses checks that init fails with these words, and has installed nothing.
func (w workspace) refuses(says string) {
	w.T.Helper()
	result := w.Try("init")
	if said := terraformtest.Flat(result.Output); result.ExitCode != 1 || !strings.Contains(said, says) {
		w.T.Errorf("exit status %d, want 1 and %q:\n%s", result.ExitCode, says, said)
	}
	err := filepath.WalkDir(filepath.Join(w.Dir, ".terraform"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), project) {
			w.T.Errorf("installed: %s", path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		w.T.Fatal(err)
	}
}
