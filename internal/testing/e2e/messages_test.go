// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

var update = flag.Bool("update", false, "write testdata/messages.txt")

const (
	messagesFile = "testdata/messages.txt"
	// messagesVersion is the Terraform that messages.txt is written with: each
	// version wraps and frames them a little differently.
	messagesVersion = "1.11.4"
)

// scene is a run of terraform whose messages are shown. What its functions do
// comes in this order.
type scene struct {
	config   string // a plain connection where it is empty
	env      []string
	imported bool // the account has a service, and the state its connection
	prepare  func(*cloudflaretest.Server, *cloudflaretest.Account)
	before   [][]string // runs that lead to the one that is shown,
	then     string     // another configuration for it,
	between  func(*cloudflaretest.Server, *cloudflaretest.Account)
	args     []string            // and the run itself: a plan where it is empty
	during   []cloudflaretest.Op // the last requests before an interrupt
	exit     int
}

// TestMessages shows each message once as a real terraform prints it, so that
// they can be read in one place and a change shows in the diff. With -update it
// writes them.
func TestMessages(t *testing.T) { //nolint:tparallel // The scenes are parallel, within a group that ends before they are compared.
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("errors of the network have other words here; the provider's own tests compare all others")
	}
	if version := newWorkspace(t, cloudflaretest.New(t), "").Run(0, "version"); !strings.Contains(version, "Terraform v"+messagesVersion+"\n") {
		if *update {
			t.Fatalf("-update needs Terraform %s, and this is %s", messagesVersion, version)
		}
		t.Skipf("messages.txt is written with Terraform %s, and this is %s", messagesVersion, version)
	}
	all := scenes(t)
	shown := make([]string, len(all))
	t.Run("scenes", func(t *testing.T) {
		for i, s := range all {
			t.Run(s.title, func(t *testing.T) {
				t.Parallel()
				shown[i] = s.play(t)
			})
		}
	})
	var text strings.Builder
	text.WriteString("Every message of the provider as Terraform " + messagesVersion + " prints it.\nWritten by: go test ./internal/testing/e2e -run TestMessages -update\n")
	for i, s := range all {
		fmt.Fprintf(&text, "\n\n=== %s\n\n%s", s.title, shown[i])
	}
	if *update {
		if err := os.WriteFile(messagesFile, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(messagesFile)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(text.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("%s differs from line %d on (want %q). Run the test with -update, and read the diff.", messagesFile, i+1, append(got, "")[min(i, len(got))])
		}
	}
}

var imported struct {
	once  sync.Once
	state string
}

// importedState is the state after an import of the account with one service,
// which is the same for all scenes.
func importedState(t *testing.T) string {
	t.Helper()
	imported.once.Do(func() {
		server := cloudflaretest.New(t)
		server.Account(accountA).SetServices(checkout)
		w := newWorkspace(t, server, plainConfig)
		w.Run(0, "import", connection, accountA)
		imported.state = w.Read(terraformtest.StateFile)
	})
	return imported.state
}

// play runs the scene and returns what it shows.
func (s scene) play(t *testing.T) string {
	t.Helper()
	server := cloudflaretest.New(t, cloudflaretest.WithLinkModel(cloudflaretest.Refuses(http.StatusBadRequest, 17102)))
	account := server.Account(accountA)
	if s.config == "" {
		s.config = plainConfig
	}
	w := newWorkspace(t, server, s.config)
	if s.imported {
		account.SetServices(checkout)
		w.Write(terraformtest.StateFile, importedState(t))
	}
	w.Env = append(w.Env, s.env...)
	if !strings.Contains(s.config, "provider \"pagerduty\"") {
		w.Write("provider.tf", "provider \"pagerduty\" {\n  max_retries = 0\n}\n")
	}
	if s.prepare != nil {
		s.prepare(server, account)
	}
	for _, args := range s.before {
		w.Run(0, args...)
	}
	if s.then != "" {
		w.Write("main.tf", providers+s.then)
	}
	if s.between != nil {
		s.between(server, account)
	}
	if s.args == nil {
		s.args = []string{"plan"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if s.during != nil {
		go interruptDuring(ctx, cancel, server, s.during)
	}
	// In colour: only then does terraform show where a message ends.
	args := terraformtest.Unattended(s.args)
	result, err := w.Exec(ctx, args[:len(args)-1]...)
	if err != nil || result.ExitCode != s.exit {
		t.Errorf("exit status %d, want %d, %v\n%s", result.ExitCode, s.exit, err, result.Output)
	}
	messages := messagesIn(result.Output)
	if messages == "" {
		t.Errorf("no message:\n%s", result.Output)
	}
	return messages
}

var (
	colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
	framed  = regexp.MustCompile("(?s)╷\n(.*?)╵")
	where   = regexp.MustCompile(`(?m)^  (with|on) (.+\n)+\n`)
	// volatile are what differs from run to run, and what is shown for it, equally
	// long: terraform breaks lines.
	volatile = map[*regexp.Regexp]string{
		regexp.MustCompile(`[0-9a-f]{16}-TST`):                               "0123456789abcdef-TST",
		regexp.MustCompile(`127\.0\.0\.1:\d{5}`):                             "127.0.0.1:12345",
		regexp.MustCompile(`localhost:\d{5}`):                                "localhost:12345",
		regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|\+00:00)`): "2006-01-02T15:04:05Z",
	}
)

// messagesIn are the provider's errors and warnings in what terraform has written,
// each once, without the place in the configuration, ordered by their text:
// terraform promises no order.
func messagesIn(output string) string {
	var messages []string
	for _, frame := range framed.FindAllStringSubmatch(colours.ReplaceAllString(output, ""), -1) {
		var lines []string
		for line := range strings.Lines(frame[1]) {
			lines = append(lines, strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(line, "│"), " "), " \n"))
		}
		message := where.ReplaceAllString(strings.Join(lines, "\n"), "")
		for changing, fixed := range volatile {
			message = changing.ReplaceAllString(message, fixed)
		}
		if message = strings.TrimSpace(message) + "\n"; message != "Error: execution halted\n" {
			messages = append(messages, message)
		}
	}
	slices.Sort(messages)
	return strings.Join(slices.Compact(messages), "\n")
}

// inProcess are summaries that no scene can show: the tests of the provider
// have them.
var inProcess = map[string]string{
	"Unable to List PagerDuty Connections": "terraform query is newer than " + messagesVersion,
	"Unexpected Private Data":              "a bug",
	"Unexpected Provider Data":             "a bug",
}

// Every summary of the provider is in messages.txt, and has an entry in the guide
// Troubleshooting.
func TestEveryMessageIsShownAndExplained(t *testing.T) {
	t.Parallel()
	messages, err := os.ReadFile(messagesFile)
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../../templates/guides/troubleshooting.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	summaries := summariesOf(t, "../../provider")
	if len(summaries) < 30 {
		t.Fatalf("found %q only", summaries)
	}
	for _, summary := range summaries {
		bug := inProcess[summary] == "a bug"
		if !bug && !strings.Contains(string(guide), "\n### "+summary+"\n") {
			t.Errorf("the guide has no entry for %q", summary)
		}
		shown := regexp.MustCompile(`(?m)^(Error|Warning): ` + regexp.QuoteMeta(summary) + `( \(account [0-9a-f]+\))?$`).Match(messages)
		if _, ok := inProcess[summary]; shown == ok {
			t.Errorf("%q is in messages.txt: %t", summary, shown)
		}
	}
}

// summariesOf are the summaries of a package's errors and warnings.
func summariesOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	add := func(prefix string, e ast.Expr) {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if summary := prefix + text; !strings.HasSuffix(summary, " ") && !slices.Contains(found, summary) {
			found = append(found, summary)
		}
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec: // A constant title….
				if len(n.Values) == 1 && strings.HasPrefix(n.Names[0].Name, "title") {
					add("", n.Values[0])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "summary" {
					add("", n.Value)
				}
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				switch name {
				case "AddError", "AddWarning", "NewErrorDiagnostic", "NewWarningDiagnostic":
					add("", n.Args[0])
				case "AddAttributeError", "AddAttributeWarning":
					add("", n.Args[1])
				case "valid":
					add("Invalid ", n.Args[0])
				}
			}
			return true
		})
	}
	return found
}
