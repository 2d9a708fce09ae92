// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// gracePeriod is how long terraform may take to end after an interrupt before it
// is killed.
const gracePeriod = 20 * time.Second

// Terraform is an executable and how to run it.
type Terraform struct {
	Path     string // terraform or tofu
	Provider string // the provider's own executable
	Dir      string // where it runs
	// Env is added to the caller's environment, of which nothing remains that
	// configures terraform or the provider.
	Env []string
	// Output, unless nil, is shown what terraform writes while it runs.
	Output io.Writer

	cliConfig string
}

// Result is the outcome of a run of terraform.
type Result struct {
	Output   string // on stdout and stderr, in order
	ExitCode int    // -1 when it was killed
}

// Exec runs terraform to its end. The error says that it could not be run, not
// that it failed. When the context ends, terraform is interrupted, as by Ctrl-C,
// and may finish in an orderly way.
func (tf Terraform) Exec(ctx context.Context, args ...string) (Result, error) {
	var output bytes.Buffer
	shown := io.Writer(&output)
	if tf.Output != nil {
		shown = io.MultiWriter(&output, tf.Output)
	}
	cmd := tf.Command(ctx, shown, args...)
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return Result{}, fmt.Errorf("unable to run %s: %w", tf.Path, err)
	}
	if ctx.Err() != nil {
		killGroup(cmd)
	}
	result := Result{Output: output.String(), ExitCode: cmd.ProcessState.ExitCode()}
	if errors.As(err, new(*exec.ExitError)) || ctx.Err() != nil {
		err = nil
	}
	return result, err
}

// Command is terraform as Exec runs it, not started yet, for a caller who has to
// know its process. What it writes goes to output. The end of the context
// interrupts it; it has a process group of its own.
func (tf Terraform) Command(ctx context.Context, output io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, tf.Path, args...)
	cmd.Dir = tf.Dir
	cmd.Env = append(scrubbed(os.Environ()),
		"TF_CLI_CONFIG_FILE="+tf.cliConfig,
		"TF_IN_AUTOMATION=1",
		"TF_INPUT=0",
		"CHECKPOINT_DISABLE=1",
	)
	cmd.Env = append(cmd.Env, tf.Env...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = gracePeriod
	interruptible(cmd)
	return cmd
}

// scrubbed leaves out what the caller's shell has set for terraform, tofu and the
// provider.
func scrubbed(env []string) []string {
	var kept []string
	for _, variable := range env {
		if !configures(variable) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// configures reports whether a variable configures terraform, tofu or the
// provider: with arguments, logs, a data folder, credentials.
func configures(variable string) bool {
	name := strings.ToUpper(variable)
	return strings.HasPrefix(name, "TF_") || strings.HasPrefix(name, "TOFU_") || strings.HasPrefix(name, "CLOUDFLARE_")
}
