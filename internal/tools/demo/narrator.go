// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	bold   = "\x1b[1m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"

	lineWidth = 80
)

// narrator tells what happens between the runs of terraform.
type narrator struct {
	out      io.Writer
	coloured bool
}

// colours tells whether a file is a terminal that wants them.
func colours(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (n *narrator) title(text string) {
	n.print(bold, "\n== "+text+" "+strings.Repeat("=", max(lineWidth-len(text)-4, 0)))
}

func (n *narrator) say(format string, args ...any) {
	n.print("", wrap(fmt.Sprintf(format, args...)))
}

// meanwhile tells what someone did elsewhere.
func (n *narrator) meanwhile(what string) {
	n.print(yellow, wrap("Meanwhile: "+what+" (For the demo, the fake API does that.)")+"\n")
}

func (n *narrator) command(name string, args []string) {
	n.print(cyan, "\n$ "+name+" "+strings.Join(args, " "))
}

func (n *narrator) tick(what string) { n.print(green, "ok  "+what+".") }

func (n *narrator) print(colour, text string) {
	if n.coloured && colour != "" {
		text = colour + text + reset
	}
	fmt.Fprintln(n.out, text)
}

// wrap breaks text into lines.
func wrap(text string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		length := len([]rune(word))
		switch {
		case width == 0:
		case width+1+length > lineWidth:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += length
	}
	return b.String()
}
