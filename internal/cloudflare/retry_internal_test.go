// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// What follows an attempt, by the kind of request and of failure.
func TestDecide(t *testing.T) {
	t.Parallel()
	api := func(status int) error { return &APIError{StatusCode: status} }
	type testCase struct {
		name   string
		status int // 0 where there is no response
		err    error
		want   decision // of requests that may be sent again
		link   decision
	}
	tests := []testCase{
		{name: "success", status: 200},
		{name: "dropped", err: &TransportError{Err: io.EOF}, want: backOff},
		{name: "never left", err: &TransportError{Err: io.EOF, Unsent: true}, want: backOff, link: backOff},
		{name: "certificate", err: &TransportError{Err: &tls.CertificateVerificationError{Err: io.EOF}, Unsent: true}},
		{name: "too large", err: &TransportError{Err: errResponseTooLarge}},
		{name: "429", status: 429, err: api(429), want: waitForLimit, link: waitForLimit},
		{name: "HTML 429", status: 429, err: &APIError{NotAPI: true, StatusCode: 429}, want: waitForLimit, link: waitForLimit},
		{name: "408", status: 408, err: api(408), want: backOff},
		{name: "HTML 502", status: 502, err: &APIError{NotAPI: true, StatusCode: 502}, want: backOff},
		{name: "redirect", status: 302, err: &APIError{NotAPI: true, StatusCode: 302}},
		{name: "no success", status: 200, err: api(200)},
		{name: "HTML 200", status: 200, err: &APIError{NotAPI: true, StatusCode: 200}},
	}
	for _, status := range []int{500, 501, 503, 504, 520, 599} {
		tests = append(tests, testCase{name: fmt.Sprint(status), status: status, err: api(status), want: backOff})
	}
	for _, status := range []int{400, 401, 403, 404, 407, 409, 410, 422, 425, 451, 499} {
		tests = append(tests, testCase{name: fmt.Sprint(status), status: status, err: api(status)})
	}
	for _, test := range tests {
		var res *response
		if test.status != 0 {
			res = &response{status: test.status}
		}
		for op := range operationNames {
			want := test.want
			if Operation(op) == OpLink {
				want = test.link
			}
			for failures := range 4 {
				if failures == 2 && want == backOff {
					want = stop
				}
				req := &request{Request: Request{Op: Operation(op)}, retries: 2}
				same(t, fmt.Sprintf("%s of %v after %d failures", test.name, req.Op, failures), decide(req, res, test.err, failures), want)
			}
		}
	}
}

func TestBackoffGrowsWithinBounds(t *testing.T) {
	t.Parallel()
	for failures, full := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 4: 8 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second,
		15: 30 * time.Second, 16: 30 * time.Second, 40: 30 * time.Second, 64: 30 * time.Second, 1 << 40: 30 * time.Second,
	} {
		same(t, "longest", backoff(failures, 0), full)
		same(t, "middle", backoff(failures, 0.5), full*3/4)
		same(t, "shortest", backoff(failures, 1), full/2)
	}
}

func TestLimitWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		retryAfter, limit string
		want              time.Duration
	}{
		{retryAfter: "123", want: 123 * time.Second},
		{retryAfter: "3", limit: `"default";r=50;t=42`, want: 3 * time.Second},
		{retryAfter: "0", want: time.Second},
		{retryAfter: "-5", want: time.Second},
		{retryAfter: "9999999999", want: 24 * time.Hour},
		{retryAfter: "Sat, 01 Jan 2000 00:01:30 GMT", want: 90 * time.Second},
		{retryAfter: "Sat, 01 Jan 2020 00:01:30 GMT", want: 24 * time.Hour},
		{retryAfter: "Fri, 31 Dec 1999 23:59:59 GMT", want: 30 * time.Second},
		{retryAfter: "Fri, 31 Dec 1999 23:59:59 GMT", limit: `"default";r=0;t=42`, want: 42 * time.Second},
		{limit: `"default";r=0;t=42`, want: 42 * time.Second},
		{limit: `"default";r=0;t=0`, want: time.Second},
		{retryAfter: "soon", limit: `"default";r=0;t=42`, want: 42 * time.Second},
		{retryAfter: "99999999999999999999999", want: 30 * time.Second},
		{want: 30 * time.Second},
	} {
		header := http.Header{"Retry-After": {test.retryAfter}, "Ratelimit": {test.limit}}
		same(t, fmt.Sprintf("wait of %+v", test), limitWait(header, now), test.want)
	}
}
