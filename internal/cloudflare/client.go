// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package cloudflare is a client for the part of the Cloudflare API that
// connects an account to PagerDuty. It knows nothing of Terraform.
//
// A flow makes requests, a request makes attempts:
//
//   - connect.go has the two flows that change an account, Connect and Disconnect;
//   - services.go, policies.go and link.go have the requests, one method each, and
//     lookup.go finds one of the services that are listed;
//   - request.go sends a request: it waits for the rate limit, makes an attempt,
//     decides what follows, and waits;
//   - ratelimit.go has the rate limit, retry.go the decision and the pauses;
//   - transport.go makes an attempt, and response.go judges the response;
//   - errors.go has all error types, redact.go keeps secrets out of them,
//     validate.go checks what comes from a user, and clock.go passes the time.
package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultBaseURL is where the Cloudflare API is.
	DefaultBaseURL = "https://api.cloudflare.com/client/v4"
	// DefaultRequestTimeout limits one HTTP attempt, its response included.
	DefaultRequestTimeout = 30 * time.Second
	// DefaultMaxRetries is how often a request is retried after a connection error
	// or a 5xx, where it may be retried at all.
	DefaultMaxRetries = 4
)

// Credentials are an API token, or the legacy pair of API key and email.
type Credentials struct {
	APIToken string
	APIKey   string
	Email    string
}

// validate wants one kind, whole. The token takes precedence.
func (c Credentials) validate() error {
	if c.APIToken != "" {
		return validateNamed("API token", c.APIToken)
	}
	return errors.Join(validateNamed("API key", c.APIKey), validateNamed("email", c.Email))
}

func validateNamed(name, credential string) error {
	if err := ValidateCredential(credential); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Config is what a Client is made of. Only the credentials are required.
type Config struct {
	Credentials Credentials
	// BaseURL is DefaultBaseURL when empty; see ParseBaseURL for what it may be.
	BaseURL   string
	UserAgent string
	// MaxRetries is how often a request is retried after a connection error or a
	// 5xx; 0 is never. Waiting for a rate limit does not count towards it.
	MaxRetries int
	// RequestTimeout limits one HTTP attempt; DefaultRequestTimeout when zero.
	RequestTimeout time.Duration
	// Observe, when set, is told of each HTTP attempt once it has ended.
	Observe func(context.Context, Attempt)
	// Clock is real time when nil.
	Clock Clock
	// Transport replaces the network; the default verifies TLS and honours the
	// proxy settings of the environment.
	Transport http.RoundTripper
}

// Client makes requests with one set of credentials. It is safe for concurrent
// use.
type Client struct {
	baseURL        string
	userAgent      string
	maxRetries     int
	requestTimeout time.Duration
	observe        func(context.Context, Attempt)
	clock          Clock
	gate           *gate
	masker         masker // of the credentials

	// pooled carries every request but those that see an integration token.
	pooled, singleUse http.RoundTripper

	connectedMu sync.Mutex
	connected   map[string]bool // accounts that this client has connected or adopted
}

// New makes a client. The error names what is wrong with the base URL, the
// credentials, or the proxy that the environment asks for.
func New(config Config) (*Client, error) {
	if config.BaseURL == "" {
		config.BaseURL = DefaultBaseURL
	}
	base, err := ParseBaseURL(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if err := config.Credentials.validate(); err != nil {
		return nil, err
	}
	if config.RequestTimeout == 0 {
		config.RequestTimeout = DefaultRequestTimeout
	}
	if config.Observe == nil {
		config.Observe = func(context.Context, Attempt) {}
	}
	if config.Clock == nil {
		config.Clock = realClock{}
	}
	pooled, singleUse := config.Transport, config.Transport
	if config.Transport == nil {
		proxy, err := proxyFor(base)
		if err != nil {
			return nil, err
		}
		pooled, singleUse = newTransport(proxy), newSingleUseTransport(proxy)
	}
	return &Client{
		baseURL:        strings.TrimRight(base.String(), "/"),
		userAgent:      config.UserAgent,
		maxRetries:     config.MaxRetries,
		requestTimeout: config.RequestTimeout,
		observe:        config.Observe,
		clock:          config.Clock,
		gate:           newGate(config.Clock),
		masker:         masker{}.with(config.Credentials.APIToken, config.Credentials.APIKey),
		pooled:         authenticator{credentials: config.Credentials, next: pooled},
		singleUse:      authenticator{credentials: config.Credentials, next: singleUse},
		connected:      map[string]bool{},
	}, nil
}

// BaseURL returns where the client sends its requests.
func (c *Client) BaseURL() string { return c.baseURL }
