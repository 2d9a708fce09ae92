// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command changelog prints what CHANGELOG.md says of a version, which becomes the
// notes of its release. It fails for a version that has no section there, or one
// that is empty or not dated yet, so that nothing is released without.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
)

const (
	unreleased = "Unreleased"
	dateFormat = "January 2, 2006"
)

func main() {
	if err := run(os.Args[1:], "CHANGELOG.md", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "changelog:", err)
		os.Exit(1)
	}
}

func run(args []string, path string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: changelog VERSION")
	}
	content, err := os.ReadFile(path) //nolint:gosec // Its own file, or a test's.
	if err != nil {
		return err
	}
	sections, err := parse(string(content))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	wanted := strings.TrimPrefix(args[0], "v")
	for _, s := range sections {
		if s.version != wanted {
			continue
		}
		switch {
		case s.date == unreleased:
			return fmt.Errorf("%s: %s is still %s: put the date there, as in %q",
				path, wanted, unreleased, heading(wanted, time.Now().Format(dateFormat)))
		case s.text == "":
			return fmt.Errorf("%s: nothing is said of %s", path, wanted)
		}
		_, err := fmt.Fprintln(out, s.text)
		return err
	}
	return fmt.Errorf("%s: no section %q", path, heading(wanted, time.Now().Format(dateFormat)))
}

// section is what is said of one version.
type section struct {
	version string
	date    string // or unreleased
	text    string
}

func heading(version, date string) string { return fmt.Sprintf("## %s (%s)", version, date) }

var headingForm = regexp.MustCompile(`^## (\S+) \((.+)\)$`)

// parse returns the sections, newest first. They must come in that order, and only
// the first of them may have no date.
func parse(content string) ([]section, error) {
	var sections []section
	var newer *version.Version
	for line := range strings.Lines(content) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "## ") {
			if len(sections) > 0 {
				sections[len(sections)-1].text += line + "\n"
			}
			continue
		}
		match := headingForm.FindStringSubmatch(line)
		if match == nil {
			return nil, fmt.Errorf("%q is not of the form %q", line, heading("1.2.3", dateFormat))
		}
		v, err := version.NewSemver(match[1])
		if err != nil || v.String() != match[1] {
			return nil, fmt.Errorf("%q: %s is not a version", line, match[1])
		}
		if newer != nil && !v.LessThan(newer) {
			return nil, fmt.Errorf("%q comes after %s", line, newer)
		}
		newer = v
		if match[2] != unreleased {
			if _, err := time.Parse(dateFormat, match[2]); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		} else if len(sections) > 0 {
			return nil, fmt.Errorf("%q is not the first", line)
		}
		sections = append(sections, section{version: match[1], date: match[2]})
	}
	for i := range sections {
		sections[i].text = strings.TrimSpace(sections[i].text)
	}
	return sections, nil
}
