// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

const output = `Building the provider
Listening on http://127.0.0.1:43210/client/v4.

== 1 of 3: Plan =======
Nothing yet.

== 2 of 3: Connect =======
A story.

$ tofu apply
first
second  

Plan: 1 to add
pagerduty_connection.this: Creation complete after 3s [id=0]
data.pagerduty_services.all: Read complete after 1s
  connection_id     = "deadbeef" -> null
listens on 127.0.0.1:43210
a < b & "c"

== Done =======
16 calls
`

func TestEdit(t *testing.T) {
	t.Parallel()
	got, err := edit(output, []scene{{title: "Connect", cuts: [][2]string{{"$ ", "Plan: "}}}, {title: "Plan"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"== 2 of 3: Connect =======",
		"A story.",
		"",
		"$ terraform apply",
		"⋯",
		"Plan: 1 to add",
		"pagerduty_connection.this: Creation complete after 2s [id=0]",
		"data.pagerduty_services.all: Read complete after 0s",
		`  connection_id     = "5d0f4a8e2c6b4917a3d1e7f09b8c2645" -> null`,
		"listens on 127.0.0.1:8080",
		`a < b & "c"`,
		"",
		"== 1 of 3: Plan =======",
		"Nothing yet.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEditAfterTheDemoHasChanged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scene scene
		want  string
	}{
		"no scene":     {scene{title: "Disconnect"}, `no scene "Disconnect"`},
		"not a scene":  {scene{title: ""}, `no scene ""`},
		"no start":     {scene{title: "Connect", cuts: [][2]string{{"% ", "Plan: "}}}, `starts with "% "`},
		"no end":       {scene{title: "Connect", cuts: [][2]string{{"$ ", "Warning: "}}}, `starts with "Warning: "`},
		"end too soon": {scene{title: "Connect", cuts: [][2]string{{"Plan: ", "$ "}}}, `starts with "$ "`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := edit(output, []scene{test.scene}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// elements parses a picture and returns the text of each element, by its name.
func elements(t *testing.T, svg string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	var open []string
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				name := open[len(open)-1]
				found[name] = append(found[name], string(token))
			}
		}
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	lines := []string{"== 1 of 1: Connect ==", "", "  a < b & \"c\"", "$ terraform apply"}
	svg := draw(lines)
	found := elements(t, svg)
	if want := []string{lines[0], lines[2], lines[3]}; !slices.Equal(found["text"], want) {
		t.Errorf("got %q, want %q", found["text"], want)
	}
	if !strings.Contains(svg, `<text class="command"`) {
		t.Error("a command does not stand out")
	}
	if draw(lines) != svg {
		t.Error("two pictures of the same lines differ")
	}
}

// TestCommittedPicture can't tell whether the picture is fresh, which takes a run
// of the demo: make check-picture does.
func TestCommittedPicture(t *testing.T) {
	t.Parallel()
	svg, err := os.ReadFile("../../assets/demo.svg")
	if err != nil {
		t.Fatal(err)
	}
	found := elements(t, string(svg))
	if len(found["title"]) != 1 || len(found["desc"]) != 1 || len(found["text"]) < 20 {
		t.Errorf("no title, no description or no text: %q", found)
	}
	for _, outside := range []string{"href", "url(", "@import", "<script", "<image"} {
		if strings.Contains(string(svg), outside) {
			t.Errorf("it has %s, and may load something", outside)
		}
	}
}
