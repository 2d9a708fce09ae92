// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package terraformtest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Reattach serves providers from this process for the time of the test. It returns
// the environment variable that tells terraform, or tofu, of them. The key of a
// provider is its source.
func Reattach(t *testing.T, providers map[string]func() tfprotov6.ProviderServer) string {
	t.Helper()
	addresses := map[string]any{}
	for source, provider := range providers {
		config := serve(t, source, provider, tf6server.WithDebug)
		for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
			addresses[host+"/"+strings.ToLower(source)] = map[string]any{
				"Protocol": "grpc", "ProtocolVersion": 6, "Pid": config.Pid, "Test": true,
				"Addr": map[string]any{"Network": config.Addr.Network(), "String": config.Addr.String()},
			}
		}
	}
	content, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	return "TF_REATTACH_PROVIDERS=" + string(content)
}

// serve serves a provider. C is go-plugin's configuration, which nothing here
// needs to import.
func serve[C any](t *testing.T, source string, provider func() tfprotov6.ProviderServer, debug func(context.Context, chan C, chan struct{}) tf6server.ServeOpt) C {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	configs, closed := make(chan C), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- tf6server.Serve("registry.terraform.io/"+source, provider, debug(ctx, configs, closed), tf6server.WithLoggingSink(t))
	}()
	t.Cleanup(func() {
		cancel()
		<-closed
	})
	select {
	case config := <-configs:
		return config
	case err := <-failed:
		close(closed)
		t.Fatalf("unable to serve %s: %v", source, err)
		panic("unreachable")
	}
}
