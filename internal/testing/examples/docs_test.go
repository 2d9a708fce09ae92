// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

func TestREADMEShowsTheCompleteExample(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```terraform\n(.*?)```").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(blocks) != 1 || blocks[0][1] != read(t, "examples/complete/main.tf") {
		t.Errorf("the terraform block of README.md is not examples/complete/main.tf: %d blocks", len(blocks))
	}
}

// pages are the documents that readers see, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, page := range files(t, "docs") {
		found[page] = read(t, page)
	}
	documents, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		found[filepath.Base(document)] = read(t, filepath.Base(document))
	}
	return found
}

// An example is shown in full, or linked to.
func TestEveryExampleIsShown(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "examples") {
		content, shown := strings.TrimSpace(read(t, file)), false
		for _, page := range pages(t) {
			shown = shown || strings.Contains(page, content) || strings.Contains(page, "]("+file+")")
		}
		if !shown {
			t.Errorf("%s is in no document", file)
		}
	}
}

func TestGuides(t *testing.T) {
	t.Parallel()
	front := regexp.MustCompile(`^---\npage_title: "(.+)"\nsubcategory: ".*"\ndescription: \|-\n {2}\S.*\n---\n\n# (.+)\n`)
	guides, templates := files(t, "docs/guides"), files(t, "templates/guides")
	for _, guide := range guides {
		name := strings.TrimPrefix(guide, "docs/guides/")
		if !slices.Contains(templates, "templates/guides/"+name) && !slices.Contains(templates, "templates/guides/"+name+".tmpl") {
			t.Errorf("%s has no template: make generate", guide)
		}
		found := front.FindStringSubmatch(read(t, guide))
		if found == nil || found[1] != found[2] {
			t.Errorf("%s: its front matter and its heading do not fit", guide)
		}
	}
	if len(guides) == 0 || len(guides) != len(templates) {
		t.Errorf("%d guides for %d templates: make generate", len(guides), len(templates))
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code    = regexp.MustCompile("`[^`\n]*`")
	links   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchors = regexp.MustCompile(`<a id="([^"]+)"`)
	marks   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows every link within the repository. Pages of docs/ link each
// other as the registries do: relative to the page, and without an extension.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name, page := range all {
		for _, match := range links.FindAllStringSubmatch(code.ReplaceAllString(fenced.ReplaceAllString(page, ""), ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.HasPrefix(name, "docs/") && strings.Contains(target, terraformtest.Source) {
				t.Errorf("%s: %s is not relative", name, match[1])
			}
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if target != "" && strings.HasPrefix(name, "docs/") {
				file += ".md"
			}
			if found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(file))); err != nil || len(found) != 1 {
				t.Errorf("%s: nothing at %s", name, match[1])
			} else if anchor != "" && !slices.Contains(ids(all[file]), anchor) {
				t.Errorf("%s: no heading for %s", name, match[1])
			}
		}
	}
}

// ids are what links into a page may name.
func ids(page string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		found = append(found, strings.ReplaceAll(marks.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	for _, match := range anchors.FindAllStringSubmatch(page, -1) {
		found = append(found, match[1])
	}
	return found
}

// Troubleshooting has each title of an error or a warning, without the account,
// and no other. Those of bugs are not for readers.
func TestTroubleshootingHasEveryTitle(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/guides/troubleshooting.md")
	_, page, _ = strings.Cut(page, "\n## Warnings\n")
	page, _, found := strings.Cut(page, "\n## Errors from Terraform\n")
	if !found {
		t.Fatal("the page has other sections")
	}
	var documented []string
	for _, match := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(page, -1) {
		documented = append(documented, match[1])
	}
	said := titles(t)
	for title := range said {
		if !slices.Contains(documented, title) && !strings.HasPrefix(title, "Unexpected ") {
			t.Errorf("%q is not documented", title)
		}
	}
	for _, title := range documented {
		if !said[title] {
			t.Errorf("nothing says %q", title)
		}
	}
}

// summaries are the functions whose argument at this index is a title, or a part
// of one.
var summaries = map[string]int{
	"NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0, "AddError": 0, "AddWarning": 0,
	"AddAttributeError": 1, "AddAttributeWarning": 1,
}

// titles reads the titles of errors and warnings from the source of the provider.
func titles(t *testing.T) map[string]bool {
	t.Helper()
	var summarised []ast.Expr
	assigned := map[string][]ast.Expr{}
	found := map[string]bool{}
	for _, file := range files(t, "internal/provider") {
		if strings.HasSuffix(file, "_test.go") || path.Ext(file) != ".go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CallExpr:
				if at, ok := summaries[called(node)]; ok {
					summarised = append(summarised, node.Args[at])
				} else if called(node) == "valid" {
					found["Invalid "+literal(node.Args[0])] = true
				}
			case *ast.KeyValueExpr:
				if key, ok := node.Key.(*ast.Ident); ok && key.Name == "summary" {
					summarised = append(summarised, node.Value)
				}
			case *ast.ValueSpec:
				for i, value := range node.Values {
					assigned[node.Names[i].Name] = append(assigned[node.Names[i].Name], value)
				}
			case *ast.AssignStmt:
				if name, ok := node.Lhs[0].(*ast.Ident); ok {
					assigned[name.Name] = append(assigned[name.Name], node.Rhs[0])
				}
			}
			return true
		})
	}
	for len(summarised) > 0 {
		var expr ast.Expr
		expr, summarised = summarised[0], summarised[1:]
		switch expr := expr.(type) {
		case *ast.BasicLit:
			found[literal(expr)] = true
		case *ast.Ident:
			summarised = append(summarised, assigned[expr.Name]...)
			delete(assigned, expr.Name)
		case *ast.CallExpr: // ofAccount
			summarised = append(summarised, expr.Args[0])
		case *ast.SelectorExpr, *ast.BinaryExpr: // failure.summary, and what valid is given
		default:
			t.Errorf("a title of another kind: %T", expr)
		}
	}
	return found
}

func called(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	}
	return ""
}

func literal(expr ast.Expr) string {
	if basic, ok := expr.(*ast.BasicLit); ok {
		if text, err := strconv.Unquote(basic.Value); err == nil {
			return text
		}
	}
	return ""
}
