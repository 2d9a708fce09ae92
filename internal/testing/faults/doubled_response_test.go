// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"strings"
	"testing"
)

// TestDoubledResponse sends the response that holds the integration token twice, as a
// broken proxy may. Of what comes unasked on an idle connection, net/http writes
// all to the standard log, which is terraform's log.
func TestDoubledResponse(t *testing.T) {
	t.Parallel()
	s := newFixture(t, nil, cutting)
	op := operations["create/token"]
	for range 5 {
		result, err := s.try(t.Context(), op, cut{how: doubled, offset: noCut, key: t.Name()}, 1)
		if err == nil {
			err = result.check(op.whole)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range s.server.Account(result.account).Tokens() {
			if strings.Contains(s.plugin.stderr.String(), secret) {
				t.Fatalf("the integration token is in the log:\n%s", s.plugin.stderr)
			}
		}
	}
}
