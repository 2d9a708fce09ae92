// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package terraformtest

import "os/exec"

// interruptible leaves Ctrl-C to the console, which sends it to every process; no
// other interrupt can be sent here. What does not end is killed.
func interruptible(cmd *exec.Cmd) { cmd.Cancel = func() error { return nil } }

func killGroup(*exec.Cmd) {}
