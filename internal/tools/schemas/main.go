// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command schemas prints this provider's schemas in the format of
// `terraform providers schema -json`, from which tfplugindocs writes docs/.
// Left to itself, tfplugindocs runs a terraform that it may have to download,
// and one older than the newest leaves out the kinds of schema that it does
// not know.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/provider"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) error {
	server, err := providerserver.NewProtocol6WithError(provider.New("dev")())()
	if err != nil {
		return err
	}
	schemas, err := schemaJSON(ctx, server, "pagerduty")
	if err != nil {
		return err
	}
	_, err = w.Write(append(schemas, '\n'))
	return err
}
