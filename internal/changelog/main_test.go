// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const changelog = `# Changelog

## 0.3.0 (Unreleased)

FEATURES:

* Something new.

## 0.2.0 (November 22, 2026)

BUG FIXES:

* Something old ([#1](https://example.com/1)).

## 0.2.0-beta1 (November 2, 2026)

## 0.1.0 (October 1, 2026)

* The first.
`

func section020() string {
	return "BUG FIXES:\n\n* Something old ([#1](https://example.com/1)).\n"
}

func TestChangelog(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args    []string
		content string
		want    string // or what the error says
		fails   bool
	}{
		"a version":           {args: []string{"0.2.0"}, content: changelog, want: section020()},
		"a tag":               {args: []string{"v0.2.0"}, content: changelog, want: section020()},
		"the last":            {args: []string{"0.1.0"}, content: changelog, want: "* The first.\n"},
		"line ends of DOS":    {args: []string{"0.1.0"}, content: strings.ReplaceAll(changelog, "\n", "\r\n"), want: "* The first.\n"},
		"no section":          {args: []string{"v0.4.0"}, content: changelog, want: `no section "## 0.4.0 (`, fails: true},
		"part of a version":   {args: []string{"0.2"}, content: changelog, want: `no section "## 0.2 (`, fails: true},
		"no date":             {args: []string{"0.3.0"}, content: changelog, want: "0.3.0 is still Unreleased", fails: true},
		"nothing said":        {args: []string{"0.2.0-beta1"}, content: changelog, want: "nothing is said of 0.2.0-beta1", fails: true},
		"no version":          {content: changelog, want: "usage", fails: true},
		"another form":        {args: []string{"0.1.0"}, content: "## v0.1.0\n", want: "is not of the form", fails: true},
		"not a version":       {args: []string{"0.1.0"}, content: "## v0.1.0 (Unreleased)\n", want: "v0.1.0 is not a version", fails: true},
		"not a date":          {args: []string{"0.1.0"}, content: "## 0.1.0 (2026-10-01)\n", want: "cannot parse", fails: true},
		"the wrong order":     {args: []string{"0.1.0"}, content: "## 0.1.0 (October 1, 2026)\n## 0.2.0 (October 2, 2026)\n", want: "comes after 0.1.0", fails: true},
		"twice":               {args: []string{"0.1.0"}, content: "## 0.1.0 (October 1, 2026)\n## 0.1.0 (October 1, 2026)\n", want: "comes after 0.1.0", fails: true},
		"an old one, undated": {args: []string{"0.2.0"}, content: "## 0.2.0 (October 1, 2026)\n## 0.1.0 (Unreleased)\n", want: "is not the first", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "CHANGELOG.md")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run(test.args, path, &out)
			switch {
			case test.fails && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case !test.fails && (err != nil || out.String() != test.want):
				t.Errorf("got %v and %q, want %q", err, out.String(), test.want)
			}
		})
	}
}

// TestOwnChangelog holds this repository's own file to the form.
func TestOwnChangelog(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	sections, err := parse(string(content))
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) == 0 || sections[0].text == "" {
		t.Error("it says nothing of the newest version")
	}
}
