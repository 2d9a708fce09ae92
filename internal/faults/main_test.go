// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package faults searches for faults of the network and of the operator that
// break the provider's promises: the real binary, between toxiproxy and signals,
// alone and under a real terraform.
package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	// go test keeps results until what they were linked from changes: the provider
	// that these tests build must be part of that.
	_ "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/provider"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

var (
	terraform *terraformtest.Terraform
	// initialised is a folder that terraform init has run in.
	initialised string
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		// Most of the time is spent waiting.
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
	}
	os.Exit(func() int {
		temp, err := os.MkdirTemp("", "faults")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(temp)
		if err := prepare(context.Background(), temp); err != nil {
			fmt.Println("FAIL:", err)
			return 1
		}
		return m.Run()
	}())
}

// prepare builds the provider and runs init, once for all tests.
func prepare(ctx context.Context, temp string) error {
	path, err := terraformtest.Find(ctx, "", temp)
	if err != nil {
		return err
	}
	if terraform, err = terraformtest.New(ctx, temp, path, "1.2.3-faults"); err != nil {
		return err
	}
	initialised = filepath.Join(temp, "init")
	if err := errors.Join(os.Mkdir(initialised, 0o700), os.WriteFile(filepath.Join(initialised, "main.tf"), []byte(providers), 0o600)); err != nil {
		return err
	}
	w := &terraformtest.Workspace{Terraform: terraform, Dir: initialised}
	result, err := w.Run(ctx, "init", "-no-color")
	if err == nil && result.ExitCode != 0 {
		err = errors.New("terraform init:\n" + result.Output)
	}
	return err
}
