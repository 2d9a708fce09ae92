// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"fmt"
	"net/http"
	"time"
)

// rateLimit is the budget of requests. A nil one is Cloudflare's, with hardly anything of it spent, ever.
type rateLimit struct {
	limit         int
	window, block time.Duration
	budgets       map[string]*budget // by credential
}

// budget is what one credential has spent.
type budget struct {
	requests int
	resets   time.Time // end of the window, or of the block
	blocked  bool
}

// take counts a request. It returns the headers that tell of the budget, and what is left of a block.
func (l *rateLimit) take(credential string, now time.Time) (http.Header, time.Duration) {
	if l == nil {
		return budgetHeader(1199, 5*time.Minute, 1200, 5*time.Minute), 0
	}
	b := l.budgets[credential]
	if b == nil || !now.Before(b.resets) {
		b = &budget{resets: now.Add(l.window)}
		l.budgets[credential] = b
	}
	if b.requests++; b.requests > l.limit && !b.blocked {
		b.blocked, b.resets = true, now.Add(l.block)
	}
	rest := b.resets.Sub(now)
	header := budgetHeader(max(l.limit-b.requests, 0), rest, l.limit, l.window)
	if !b.blocked {
		rest = 0
	}
	return header, rest
}

func budgetHeader(left int, reset time.Duration, limit int, window time.Duration) http.Header {
	h := http.Header{}
	h.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, left, seconds(reset)))
	h.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, limit, seconds(window)))
	return h
}

// seconds rounds up, since to come back a little early is to be turned away again.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
