// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// BenchmarkListServices is a list from the request to the sorted services, without a
// network: what is measured is reading, decoding and sorting.
func BenchmarkListServices(b *testing.B) {
	for _, services := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			response := listResponse(services)
			client, err := cloudflare.New(cloudflare.Config{
				Credentials: cloudflare.Credentials{APIToken: "token"},
				Transport:   canned(response),
			})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(response)))
			b.ReportAllocs()
			for b.Loop() {
				listed, err := client.ListServices(b.Context(), "account")
				if err != nil || len(listed) != services {
					b.Fatalf("%d services, %v", len(listed), err)
				}
			}
		})
	}
}

func listResponse(services int) string {
	entries := make([]string, services)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":"%032x","name":"Service %d"}`, i, services-i)
	}
	return `{"result":[` + strings.Join(entries, ",") + `],"success":true,"errors":[],"messages":[]}`
}

// canned returns the same body for every request.
type canned string

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(c))), Request: req,
	}, nil
}
