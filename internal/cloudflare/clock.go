// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"time"
)

// Clock tells and passes the time, so that a test of a five-minute wait takes
// milliseconds.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with the context's error as soon as it is done.
	Sleep(ctx context.Context, d time.Duration) error
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// forever is the time that is left where there is no deadline.
const forever time.Duration = 1<<63 - 1

// timeLeft returns the time until the context's deadline, by the clock.
func timeLeft(ctx context.Context, clock Clock) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return deadline.Sub(clock.Now())
	}
	return forever
}

// expired returns the error of a context that is done, be it by the clock only.
func expired(ctx context.Context, clock Clock) error {
	if err := ctx.Err(); err != nil || timeLeft(ctx, clock) > 0 {
		return err
	}
	return context.DeadlineExceeded
}

// sleep waits for d, or until the context's deadline by the clock.
func sleep(ctx context.Context, clock Clock, d time.Duration) error {
	if err := clock.Sleep(ctx, min(d, timeLeft(ctx, clock))); err != nil {
		return err
	}
	return expired(ctx, clock)
}
