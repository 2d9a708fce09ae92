// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkReadServices reads a list from its body to the sorted services.
func BenchmarkReadServices(b *testing.B) {
	for _, services := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			entries := make([]string, services)
			for i := range entries {
				entries[i] = fmt.Sprintf(`{"id":"%032x","name":"Service %d"}`, i, services-i)
			}
			body := []byte(`{"success":true,"result":[` + strings.Join(entries, ",") + "]}")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				listed, err := readServices(newResponse(&request{}, http.StatusOK, nil, body, masker{}))
				if err != nil || len(listed) != services {
					b.Fatalf("%d services, %v", len(listed), err)
				}
			}
		})
	}
}
