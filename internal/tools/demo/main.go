// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows what the provider does, from end to end: it builds the
// provider and lets a real terraform connect an account to PagerDuty, route a
// policy to a service and disconnect again, as examples/demo says. Cloudflare, and
// the people who use its dashboard, are a fake API on a loopback port. So it needs
// no account and changes nothing.
//
// It checks the outcome of every step and fails on any surprise. Nothing stays
// behind when it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

// accountID is made up, as is all that the fake API knows.
const accountID = "0123456789abcdef0123456789abcdef"

var (
	chosen = []cloudflaretest.Service{
		{ID: "7f2c1c8e9d5b4a36a1c0e4f8b2d69730", Name: "Checkout"},
		{ID: "c3a95d0b7e8142f69b6d1f3e5a7c8024", Name: "Website"},
	}
	reconnected = []cloudflaretest.Service{
		{ID: "28e6b1f04c9a4d7583f2a6c0e1d7b594", Name: "Checkout"},
		{ID: "914fd02a6b7c4e80b5a3d8f1c26e7039", Name: "Website"},
	}
	late = cloudflaretest.Service{ID: "5d0b93c7a1e84f26b8d4f7a20c6e1395", Name: "Network on-call"}
)

// model of the link is the one that is most likely: it is refused until a person
// has chosen services.
var model = cloudflaretest.Refuses(http.StatusBadRequest, 17102)

func main() {
	if err := demo(); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}

func demo() error {
	executable := flag.String("terraform", "", "`path` of the terraform or tofu to use (default: "+terraformtest.EnvPath+", else the first of the two on PATH)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := cloudflaretest.Start(cloudflaretest.WithLinkModel(model))
	if err != nil {
		return err
	}
	return run(ctx, os.Stdout, colours(os.Stdout), *executable, server)
}

// run prepares everything, plays each scene, sums up and cleans up.
func run(ctx context.Context, out io.Writer, coloured bool, executable string, server *cloudflaretest.Server) (err error) {
	defer server.Close()
	temp, err := os.MkdirTemp("", "pagerduty-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()

	n := &narrator{out: out, coloured: coloured}
	started := time.Now()
	n.say("Building the provider, and downloading Terraform if it is not installed …")
	terraform, err := prepare(ctx, temp, executable)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	terraform.Output = out
	terraform.Env = []string{
		"CLOUDFLARE_API_TOKEN=" + cloudflaretest.APIToken,
		"TF_VAR_account_id=" + accountID,
		"CLOUDFLARE_BASE_URL=" + server.URL(),
	}
	n.say("Ready after %.1f s. Terraform is %s.", time.Since(started).Seconds(), terraform.Path)
	n.say("Terraform reads examples/demo/main.tf and creates what it describes. A fake Cloudflare API listens on %s. "+
		"It knows one account, with no PagerDuty service.", server.URL())

	started = time.Now()
	s := &stage{server: server, account: server.Account(accountID)}
	for i, scene := range script {
		n.title(fmt.Sprintf("%d of %d: %s", i+1, len(script), scene.title))
		if err := s.play(ctx, n, terraform, scene); err != nil {
			return orInterrupted(ctx, err)
		}
	}
	n.title("Done")
	n.say("Terraform made %d API requests in %.1f s: %s.", server.Count(""), time.Since(started).Seconds(), s.requests())
	n.say("The demo checked each request against the API description, and the result of each step. Nothing is left behind.")
	return nil
}

// prepare builds the provider and copies the example, so that what terraform
// writes beside it goes with the copy.
func prepare(ctx context.Context, temp, executable string) (terraform terraformtest.Terraform, err error) {
	root, err := terraformtest.Root(ctx)
	if err != nil {
		return terraform, err
	}
	path, err := terraformtest.Find(ctx, executable, temp)
	if err != nil {
		return terraform, err
	}
	if terraform, err = terraformtest.New(ctx, temp, path, "demo"); err != nil {
		return terraform, err
	}
	config, err := os.ReadFile(filepath.Join(root, "examples", "demo", "main.tf"))
	if err != nil {
		return terraform, err
	}
	terraform.Dir = filepath.Join(temp, "example")
	if err := os.Mkdir(terraform.Dir, 0o700); err != nil {
		return terraform, err
	}
	return terraform, os.WriteFile(filepath.Join(terraform.Dir, "main.tf"), config, 0o600)
}

// orInterrupted replaces the surprises that an interrupt causes.
func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
