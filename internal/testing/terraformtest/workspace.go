// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

const (
	// StateFile is the name of the file with the state.
	StateFile = "terraform.tfstate"

	lockFile = ".terraform.lock.hcl"

	// withoutTLS leaves the connection between terraform and the provider on this
	// machine unencrypted. Keys and certificates for each process that terraform
	// starts are a fifth of what a test costs, and none of the provider's code.
	withoutTLS = "TF_DISABLE_PLUGIN_TLS=1"
)

// Workspace is a folder that a test runs terraform in. What goes wrong fails the
// test.
type Workspace struct {
	Terraform
	T testing.TB
}

// NewWorkspace returns a folder in which terraform init has installed the
// provider. The provider sends its requests to baseURL, with the fake API's token,
// unless env, which comes after these, says otherwise.
//
// A configuration that needs more than the provider, other providers or modules,
// takes TF_DATA_DIR=.terraform and an init of its own.
func NewWorkspace(t testing.TB, baseURL string, env ...string) *Workspace {
	t.Helper()
	installed := mustShared(t)
	w := &Workspace{Terraform: installed.terraform, T: t}
	w.Dir = t.TempDir()
	w.Env = append([]string{
		"TF_DATA_DIR=" + installed.dataDir,
		withoutTLS,
		"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
		"CLOUDFLARE_BASE_URL=" + baseURL,
	}, env...)
	w.Write(lockFile, string(installed.lock))
	return w
}

// Write writes a file, in a folder that need not exist yet.
func (w *Workspace) Write(name, content string) {
	w.T.Helper()
	path := filepath.Join(w.Dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		w.T.Fatal(err)
	}
}

// Read returns a file's content, and nothing for one that does not exist.
func (w *Workspace) Read(name string) string {
	w.T.Helper()
	content, err := os.ReadFile(filepath.Join(w.Dir, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.T.Fatal(err)
	}
	return string(content)
}

// Run runs terraform, which has to exit with a status, and returns what it wrote.
// It neither asks for approval nor colours anything.
func (w *Workspace) Run(status int, args ...string) string {
	w.T.Helper()
	result := w.Try(args...)
	if result.ExitCode != status {
		w.T.Fatalf("terraform %s: exit status %d, want %d\n%s", strings.Join(args, " "), result.ExitCode, status, result.Output)
	}
	return result.Output
}

// Try is Run, with whatever status.
func (w *Workspace) Try(args ...string) Result {
	w.T.Helper()
	result, err := w.Exec(w.T.Context(), Unattended(args)...)
	if err != nil {
		w.T.Fatal(err)
	}
	return result
}

// Unattended adds the flags that Run adds.
func Unattended(args []string) []string {
	if args[0] == "apply" || args[0] == "destroy" {
		args = slices.Insert(slices.Clone(args), 1, "-auto-approve")
	}
	return append(slices.Clip(args), "-no-color")
}

var frames = regexp.MustCompile("\x1b\\[[0-9;]*m|[│╷╵]")

// Flat returns what terraform wrote as one line, without frames and colours:
// terraform breaks lines where it likes.
func Flat(output string) string {
	return strings.Join(strings.Fields(frames.ReplaceAllString(output, " ")), " ")
}

// ExpectText fails the test for each text that terraform did not write.
func ExpectText(t testing.TB, output string, texts ...string) {
	t.Helper()
	flat := Flat(output)
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			t.Errorf("%q is missing:\n%s", text, output)
		}
	}
}

// Diagnostic is an error or a warning that terraform shows.
type Diagnostic struct {
	Severity, Summary, Detail string
}

// Plan runs plan and returns its errors and warnings, each once, ordered by their
// text: terraform promises neither an order nor how often it shows one.
func (w *Workspace) Plan(args ...string) []Diagnostic {
	w.T.Helper()
	return w.diagnostics("plan", args)
}

// Apply is Plan for apply. Warnings of its plan are among its own.
func (w *Workspace) Apply(args ...string) []Diagnostic {
	w.T.Helper()
	return w.diagnostics("apply", args)
}

func (w *Workspace) diagnostics(command string, args []string) []Diagnostic {
	w.T.Helper()
	result := w.Try(append([]string{command, "-json"}, args...)...)
	var found []Diagnostic
	failed := false
	for line := range strings.Lines(result.Output) {
		var message struct{ Diagnostic *Diagnostic }
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			w.T.Fatalf("terraform %s: %v: %s", command, err, line)
		}
		if message.Diagnostic != nil {
			found = append(found, *message.Diagnostic)
			failed = failed || message.Diagnostic.Severity == "error"
		}
	}
	if failed != (result.ExitCode == 1) {
		w.T.Fatalf("terraform %s: exit status %d\n%s", command, result.ExitCode, result.Output)
	}
	slices.SortFunc(found, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(found)
}

// ExpectEmptyPlan fails the test unless a plan has no changes.
func (w *Workspace) ExpectEmptyPlan() {
	w.T.Helper()
	w.Run(0, "plan", "-detailed-exitcode")
}

// Needs skips the test where terraform, or tofu, has no such command.
func (w *Workspace) Needs(command string) {
	w.T.Helper()
	if !strings.Contains(w.Try("-help").Output, "\n  "+command+" ") {
		w.T.Skipf("%s has no command %s", w.Path, command)
	}
}

// Instance is a resource in the state.
type Instance struct {
	Status     string // "tainted", or empty
	Attributes json.RawMessage
}

// Connection is what tests compare of a pagerduty_connection.
type Connection struct {
	AccountID    string                   `json:"account_id"`
	ConnectionID *string                  `json:"connection_id"`
	Services     []cloudflaretest.Service `json:"services"`
}

// State reads the managed resources of the state file, by type, name and key.
func (w *Workspace) State() map[string]Instance {
	w.T.Helper()
	instances := map[string]Instance{}
	content := w.Read(StateFile)
	if content == "" {
		return instances // A terraform that was killed may leave an empty file.
	}
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Instance
				Key string `json:"index_key"`
			}
		}
	}
	if err := json.Unmarshal([]byte(content), &state); err != nil {
		w.T.Fatalf("%v\n%s", err, content)
	}
	for _, resource := range state.Resources {
		for _, found := range resource.Instances {
			if resource.Mode == "managed" {
				instances[strings.TrimSuffix(resource.Type+"."+resource.Name+"."+found.Key, ".")] = found.Instance
			}
		}
	}
	return instances
}

// Connection reads pagerduty_connection.this from the state, nil where there is
// none. A tainted one fails the test: nothing that the provider does is undone by
// deleting services.
func (w *Workspace) Connection() *Connection {
	w.T.Helper()
	found, ok := w.State()["pagerduty_connection.this"]
	if !ok {
		return nil
	}
	if found.Status != "" {
		w.T.Errorf("the connection is %s", found.Status)
	}
	connection := &Connection{}
	if err := json.Unmarshal(found.Attributes, connection); err != nil {
		w.T.Fatalf("%v\n%s", err, found.Attributes)
	}
	return connection
}
