// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// BenchmarkDecodeServices decodes a list without the bounds that an answer has.
func BenchmarkDecodeServices(b *testing.B) {
	for _, services := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			entries := make([]string, services)
			for i := range entries {
				entries[i] = fmt.Sprintf(`{"id":"%032x","name":"Service %d"}`, i, services-i)
			}
			answer := &answer{body: []byte(`{"result":[` + strings.Join(entries, ",") + `],"success":true,"errors":[],"messages":[]}`)}
			b.SetBytes(int64(len(answer.body)))
			b.ReportAllocs()
			for b.Loop() {
				listed := serviceList{most: services, size: math.MaxInt}
				if err := answer.decode(&listed); err != nil || len(listed.services) != services {
					b.Fatalf("%d services, %v", len(listed.services), err)
				}
			}
		})
	}
}
