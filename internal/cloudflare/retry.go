// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 30 * time.Second
	// retryAfterMax keeps a nonsensical wait within what a duration can hold.
	retryAfterMax = 24 * time.Hour
)

// decision is what follows an attempt.
type decision int

const (
	stop         decision = iota // a success, or a failure that a retry does not mend
	waitForLimit                 // retry once the rate limit allows it
	backOff                      // retry after a pause
)

// decide is what follows an attempt that failed with err, after so many failures
// before it. There is a response unless the attempt got none.
func decide(req *request, res *response, err error, failures int) decision {
	status := 0
	if res != nil {
		status = res.status
	}
	switch {
	case err == nil:
		return stop
	case status == http.StatusTooManyRequests:
		return waitForLimit
	case failures >= req.retries:
		return stop
	case req.Op == OpLink && IsOutcomeUnknown(err):
		// It changes the account, so it must not take effect twice.
		return stop
	case status != 0:
		if status == http.StatusRequestTimeout || status >= 500 {
			return backOff
		}
		return stop
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.Is(err, errResponseTooLarge):
		return stop
	default:
		return backOff
	}
}

func newJitter() float64 { return rand.Float64() } //nolint:gosec // Jitter is no secret.

// backoff is the pause before a retry. It grows exponentially with the failures
// so far; jitter (0 to 1) takes away up to half of it.
func backoff(failures int, jitter float64) time.Duration {
	full := backoffMax
	if failures < 16 {
		full = min(backoffMax, backoffMin<<failures)
	}
	return full - time.Duration(jitter*float64(full/2))
}

// retryAfter reads Retry-After: seconds, as Cloudflare sends it, or a date. It is
// not ok where there is none, or one that is over: this machine's clock is ahead.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return clampSeconds(seconds), true
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return min(date.Sub(now), retryAfterMax), true
	}
	return 0, false
}

func clampSeconds(seconds int64) time.Duration {
	return time.Duration(min(max(seconds, 0), int64(retryAfterMax/time.Second))) * time.Second
}
