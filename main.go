// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-cloudflare-pagerduty is a Terraform provider that
// connects Cloudflare accounts to PagerDuty.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/provider"
)

// version is set when a release is linked.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run as a server that a debugger can be attached to")
	flag.Parse()

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/seed-bcdb0ca7/cloudflare-pagerduty",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
