// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Operation is what a request does.
type Operation int

// The operations of the API.
const (
	OpList Operation = iota + 1
	OpDelete
	OpToken
	OpLink
	OpPolicies
)

var operationNames = [...]string{
	OpList:     "list the PagerDuty services",
	OpDelete:   "disconnect the PagerDuty services",
	OpToken:    "create an integration token",
	OpLink:     "link PagerDuty with the account",
	OpPolicies: "list the notification policies",
}

// String completes "Unable to …".
func (o Operation) String() string { return operationNames[o] }

// Request identifies a request in errors and logs. It holds no secret.
type Request struct {
	Op     Operation
	Method string
	Path   string // below the base URL, an integration token masked
}

// line shortens the path for errors: the account is named by whoever reports them.
func (r Request) line() string {
	_, path, _ := strings.Cut(r.Path, "/alerting/v3/")
	return r.Method + " …/" + strings.TrimPrefix(path, "destinations/")
}

// request is a request to send, and the rules for it.
type request struct {
	Request
	path          string                      // below the base URL, escaped
	secret        string                      // the integration token in the path
	returnsSecret bool                        // the response holds an integration token: it is never quoted
	status        int                         // of a success; 0 is any 2xx
	retries       int                         // after connection errors and 5xx
	noWait        bool                        // fail rather than wait for the rate limit
	shared        bool                        // may join the same request of another caller
	gracePeriod   time.Duration               // how long an attempt outlives its context
	before        func(context.Context) error // runs right before each attempt; its error ends the request
}

// send sends the request, and retries it as far as its rules allow. The response
// is a success: any other is an *APIError.
func (c *Client) send(ctx context.Context, req *request) (*response, error) {
	if path.Clean(req.path) != req.path {
		return nil, fmt.Errorf("unable to %s: an empty ID, or one of dots alone, would change the path", req.Op)
	}
	var failure error // of the attempt before
	failures := 0     // those that count towards the retries
	for number := 1; ; number++ {
		flight, joined, err := c.gate.enter(ctx, req)
		if err != nil {
			return nil, afterFailure(req, err, failure)
		}
		if req.before != nil {
			if err := req.before(ctx); err != nil {
				c.gate.leave(flight, nil)
				return nil, err
			}
		}
		result := c.attempt(ctx, req, number, flight, joined)
		if ended, ok := errors.AsType[*EndedError](result.err); ok {
			return nil, ended.after(failure)
		}
		failure = result.failure()
		switch decide(req, result.response, failure, failures) {
		case stop:
			return result.response, failure
		case waitForLimit: // The gate is closed as long as the response asks for.
		case backOff:
			pause := backoff(failures, result.jitter)
			if result.response != nil {
				wait, _ := retryAfter(result.response.header, c.clock.Now())
				pause = max(pause, wait)
			}
			if pause >= timeLeft(ctx, c.clock) {
				// A pause that outlasts the operation would only hide what went wrong.
				return nil, failure
			}
			failures++
			if err := sleep(ctx, c.clock, pause); err != nil {
				return nil, afterFailure(req, err, failure)
			}
		}
	}
}

// afterFailure is the error of a request whose waiting ended, with what went wrong
// before that, if anything. Its last attempt, if there was one, had no effect that
// the failure doesn't tell of.
func afterFailure(req *request, err, failure error) error {
	if limited, ok := errors.AsType[*RateLimitedError](err); ok {
		limited.Err = failure
		return limited
	}
	return &EndedError{Request: req.Request, Err: err, Before: failure, Unsent: !IsOutcomeUnknown(failure)}
}
