// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// BenchmarkSchema is from the start of a provider to the response with its schemas.
func BenchmarkSchema(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		server, err := providerserver.NewProtocol6WithError(New("bench")())()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstList is from the start of a provider over its configuration to its
// first response.
func BenchmarkFirstList(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readMany(b, &counted{}, 1, 1)
	}
}

// BenchmarkPlan reads 1,000 data sources, as many at once as terraform does,
// without a network.
func BenchmarkPlan(b *testing.B) {
	for _, accounts := range []int{1, 10, 1_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			wire := &counted{}
			b.ReportAllocs()
			for b.Loop() {
				readMany(b, wire, 1_000, accounts)
			}
			b.ReportMetric(float64(wire.requests.Load())/float64(b.N), "requests/op")
		})
	}
}

// Objects on one account cost no more requests than their concurrency forces.
func TestRequestsOfManyDataSources(t *testing.T) {
	t.Parallel()
	const sources = 1_000
	synctest.Test(t, func(t *testing.T) {
		wire := &counted{latency: 50 * time.Millisecond}
		readMany(t, wire, sources, 1)
		if requests := wire.requests.Load(); requests > sources/parallelism+5 {
			t.Errorf("%d requests for %d data sources on one account", requests, sources)
		}
	})
}

// readMany starts a provider and reads data sources, spread evenly over accounts.
func readMany(t tester, wire *counted, sources, accounts int) {
	t.Helper()
	offline := &fakeAPI{Server: cloudflaretest.NewOffline(), url: "http://127.0.0.1/client/v4"}
	core := newCore(t, offline, nil, func(config *cloudflare.Config) { config.Transport = wire })
	typ := core.schemas.DataSourceSchemas["pagerduty_services"].ValueType()
	configs := make([]*tfprotov6.DynamicValue, accounts)
	for i := range configs {
		configs[i] = core.encode(typ, object{"account_id": fmt.Sprintf("%032x", i+1)})
	}
	var next, failed atomic.Int64
	var group sync.WaitGroup
	for range min(sources, parallelism) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(sources); i = next.Add(1) - 1 {
				resp, err := core.wire.ReadDataSource(context.Background(), &tfprotov6.ReadDataSourceRequest{
					TypeName: "pagerduty_services", Config: configs[i%int64(accounts)],
				})
				if err != nil || len(resp.Diagnostics) > 0 {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := failed.Load(); n > 0 {
		t.Fatalf("%d reads failed", n)
	}
}

// counted responds to each list after some latency, and counts them.
type counted struct {
	latency  time.Duration
	requests atomic.Int64
}

func (c *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	time.Sleep(c.latency)
	const list = `{"result":[{"id":"11111111111111111111111111111111","name":"Primary"}],"success":true,"errors":[],"messages":[]}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(list)), Request: req,
	}, nil
}
