// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels. A character of a monospaced font is about 0.6 as wide as high.
const (
	fontSize   = 13
	charWidth  = 7.9
	lineHeight = 19
	margin     = 20
	barHeight  = 34
	minColumns = 80
)

const (
	title       = "A run of make demo"
	description = "A terminal in which Terraform applies a plan that connects a Cloudflare account to PagerDuty, " +
		"prints the ID of each connected PagerDuty service, " +
		"and then plans to disconnect with a warning that names the services that would stop paging. The text: "
)

// The colours keep a contrast of 7:1 to the panel, which is dark on light and on dark pages.
const style = `
  .panel { fill: #161b22; stroke: #6e7681; }
  .dot { fill: #6e7681; }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #e6edf3; white-space: pre; }
  .dim { fill: #b1bac4; }
  .title { fill: #ffffff; font-weight: bold; }
  .command { fill: #7ee2ee; font-weight: bold; }
  .good { fill: #7ee787; }
  .warning { fill: #f2cc60; font-weight: bold; }
`

// kinds of lines, by how they look; the first that fits is it.
var kinds = []struct {
	pattern *regexp.Regexp
	class   string
}{
	{regexp.MustCompile(`^== `), "title"},
	{regexp.MustCompile(`^\$ `), "command"},
	{regexp.MustCompile(`^(ok  |Apply complete!)`), "good"},
	{regexp.MustCompile(`^Warning: `), "warning"},
	{regexp.MustCompile(`^` + ellipsis + `$`), "dim"},
}

// draw shows the lines in a terminal. The same lines have the same picture.
func draw(lines []string) string {
	columns := minColumns
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	width := int(float64(columns)*charWidth) + 2*margin
	height := barHeight + len(lines)*lineHeight + margin

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title desc">`, width, height)
	fmt.Fprintf(&b, "\n<title id=\"title\">%s</title>\n", title)
	fmt.Fprintf(&b, "<desc id=\"desc\">%s%s</desc>\n", description, escape(strings.Join(strings.Fields(strings.Join(lines, " ")), " ")))
	fmt.Fprintf(&b, "<style>%s</style>\n", style)
	fmt.Fprintf(&b, "<rect class=\"panel\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", width-1, height-1)
	for i := range 3 {
		fmt.Fprintf(&b, "<circle class=\"dot\" cx=\"%d\" cy=\"17\" r=\"5\"/>\n", margin+5+i*18)
	}
	for i, line := range lines {
		if line == "" {
			continue
		}
		class := ""
		for _, kind := range kinds {
			if kind.pattern.MatchString(line) {
				class = fmt.Sprintf(" class=%q", kind.class)
				break
			}
		}
		fmt.Fprintf(&b, "<text%s x=\"%d\" y=\"%d\" xml:space=\"preserve\">%s</text>\n",
			class, margin, barHeight+i*lineHeight+fontSize, escape(line))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // A builder takes everything.
	return b.String()
}
