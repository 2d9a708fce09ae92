// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package examples

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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

// TestLinks follows every link within the repository. The registries link pages of
// docs/ without an extension.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name, page := range all {
		for _, match := range links.FindAllStringSubmatch(code.ReplaceAllString(fenced.ReplaceAllString(page, ""), ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
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
