// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"crypto/tls"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEnvironments runs the provider where it has no home, where it may only use
// certified cryptography, and where it may open few files.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for name, test := range map[string]struct {
		env   string
		files uint64 // how many may be open; 0 for as many as here
	}{
		"no home":   {env: "HOME="},
		"FIPS 140":  {env: "GODEBUG=fips140=on"},
		"FIPS only": {env: "GODEBUG=fips140=only"},
		"few files": {env: "GODEBUG=", files: 32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixtureWith(t, nil, "SSL_CERT_FILE="+a.file, test.env)
			if test.files > 0 {
				limit := &unix.Rlimit{Cur: test.files, Max: test.files}
				if err := unix.Prlimit(s.plugin.client.ReattachConfig().Pid, unix.RLIMIT_NOFILE, limit, nil); err != nil {
					t.Fatal(err)
				}
			}
			s.plugin.configure(t, object{"base_url": "https://" + serveTLS(t, s.server, &tls.Config{Certificates: []tls.Certificate{a.issue(valid())}}) + "/client/v4"})
			s.expectWhole(t)
		})
	}
}
