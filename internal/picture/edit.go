// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ellipsis stands for lines that are left out.
const ellipsis = "⋯"

// scene is a part of the demo that is in the picture.
type scene struct {
	title string // of the demo's script
	// cuts are pairs of how a line starts: what is between two such lines is left
	// out. They come in the order of the output.
	cuts [][2]string
}

// shown is what makes the picture: to connect, and what a plan to disconnect warns of.
var shown = []scene{
	{title: "Connect"},
	{title: "Plan to disconnect", cuts: [][2]string{
		{"$ ", "Plan: "},
		{"Plan: ", "Warning: "},
	}},
}

// varying is what differs from run to run, and what stands for it. It need not be
// in the parts that are shown.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\bRead complete after \d+s\b`), "Read complete after 0s"},
	{regexp.MustCompile(`\bCreation complete after \d+s\b`), "Creation complete after 2s"},
	{regexp.MustCompile(`\b127\.0\.0\.1:\d+`), "127.0.0.1:8080"},
	{regexp.MustCompile(`^\$ tofu\b`), "$$ terraform"},
	{regexp.MustCompile(`(connection_id\s+= )"[0-9a-f-]+"`), `$1"5d0f4a8e2c6b4917a3d1e7f09b8c2645"`},
}

var titleLine = regexp.MustCompile(`^== \d+ of \d+: (.*?) =+$`)

// edit takes the scenes out of the demo's output. A scene or a cut that is not
// there is an error: the picture has to be thought over.
func edit(output string, scenes []scene) ([]string, error) {
	parts := map[string][]string{}
	title := ""
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \r\n")
		for _, v := range varying {
			line = v.pattern.ReplaceAllString(line, v.instead)
		}
		if match := titleLine.FindStringSubmatch(line); match != nil {
			title = match[1]
		} else if strings.HasPrefix(line, "== ") {
			title = ""
		}
		parts[title] = append(parts[title], line)
	}

	var lines []string
	for _, scene := range scenes {
		part, ok := parts[scene.title]
		if !ok || scene.title == "" {
			return nil, fmt.Errorf("the demo has no scene %q", scene.title)
		}
		from := 0
		for _, cut := range scene.cuts {
			for _, start := range cut {
				i := slices.IndexFunc(part[from:], func(line string) bool { return strings.HasPrefix(line, start) })
				if i < 0 {
					return nil, fmt.Errorf("%q has no line that starts with %q here: %q", scene.title, start, part[from:])
				}
				if start == cut[1] {
					part = slices.Concat(part[:from+1], []string{ellipsis}, part[from+i:])
					from += 2
				} else {
					from += i
				}
			}
		}
		lines = append(lines, part...)
	}
	// No two empty lines in a row, and none at the end.
	lines = slices.CompactFunc(lines, func(a, b string) bool { return a == "" && b == "" })
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, nil
}
