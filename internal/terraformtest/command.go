// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"context"
	"io"
	"os"
	"os/exec"
)

// Command is terraform as Run runs it, not started yet, for a caller who has to
// know its process. What it writes goes to output. The end of the context
// interrupts it; it has a process group of its own.
func (w *Workspace) Command(ctx context.Context, output io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.Terraform.Path, args...)
	cmd.Dir = w.Dir
	cmd.Env = append(scrubbed(os.Environ()),
		"TF_CLI_CONFIG_FILE="+w.Terraform.cliConfig,
		"TF_IN_AUTOMATION=1",
		"TF_INPUT=0",
		"CHECKPOINT_DISABLE=1",
	)
	cmd.Env = append(cmd.Env, w.Env...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = patience
	interruptible(cmd)
	return cmd
}
