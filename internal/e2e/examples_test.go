// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflaretest"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

// TestTestingExample runs the tests of examples/testing, which call nothing and
// need no credentials.
func TestTestingExample(t *testing.T) {
	t.Parallel()
	server := cloudflaretest.New(t)
	w := newWorkspace(t, server, "", "TF_DATA_DIR=.terraform", "CLOUDFLARE_API_TOKEN=", "CLOUDFLARE_ACCOUNT_ID=")
	root, err := terraformtest.Root(t.Context())
	if err == nil {
		err = os.Remove(filepath.Join(w.Dir, "main.tf"))
	}
	if err == nil {
		err = os.CopyFS(w.Dir, os.DirFS(filepath.Join(root, "examples", "testing")))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.run(0, "init")
	if output := w.run(0, "test"); !strings.Contains(output, "Success! 5 passed, 0 failed.") {
		t.Errorf("%s", output)
	}
	expectCalls(t, server, "", 0)
}
