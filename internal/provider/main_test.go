// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// The harness imports the provider, which this package's other tests are part of:
// only the external test package can import it.
package provider_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || strings.HasPrefix(f.Name, "rapid.") })
	if !asked {
		// The random operations are the same each time, and take about five seconds,
		// unless more are asked for.
		for name, value := range map[string]string{"rapid.seed": "1", "rapid.checks": "50"} {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	terraformtest.Main(m)
}
