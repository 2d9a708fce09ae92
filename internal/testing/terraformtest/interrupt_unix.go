// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package terraformtest

import (
	"os"
	"os/exec"
	"syscall"
)

// interruptible makes the end of the context an interrupt. The process gets a
// group of its own, since a terminal sends Ctrl-C to the whole group and a second
// interrupt makes terraform drop everything.
func interruptible(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
}

// killGroup ends what an interrupted terraform has left behind.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
