// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command picture runs the demo and draws what it shows, as an SVG for the top of
// the README. The picture is of a real run, less what differs from one run to the
// next, so that it changes only when what users see changes: `make check-picture`
// fails then.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	output, err := record(ctx)
	if err != nil {
		return err
	}
	lines, err := edit(output, shown)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, draw(lines))
	return err
}

// record returns what the demo says.
func record(ctx context.Context) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", "./internal/demo")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the demo: %w\n%s%s", err, &stdout, &stderr)
	}
	return stdout.String(), nil
}
