// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package cloudflare is a client for the part of the Cloudflare API that
// connects an account to PagerDuty. It knows nothing of Terraform.
//
// The four calls of the API stand in pagerduty.go, one method each. Connect and
// Disconnect in connect.go put them together to the two flows that change an
// account. What is repeated after a failure, and when, is in retry.go.
package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/sync/singleflight"
)

const (
	// DefaultBaseURL is where the Cloudflare API is.
	DefaultBaseURL = "https://api.cloudflare.com/client/v4"
	// DefaultRequestTimeout bounds one HTTP attempt, its answer included.
	DefaultRequestTimeout = 30 * time.Second
	// DefaultMaxRetries is how often a call is repeated after a connection
	// error or a 5xx, where the call may be repeated at all.
	DefaultMaxRetries = 4
	// MaxAccountIDLength is the bound that the API itself sets on an account ID.
	MaxAccountIDLength = 32
)

// Credentials are an API token, or the legacy pair of API key and e-mail.
type Credentials struct {
	APIToken string
	APIKey   string
	Email    string
}

// validate asks for one kind, whole. The token wins, as in authorize.
func (c Credentials) validate() error {
	parts := map[string]string{"API key": c.APIKey, "e-mail": c.Email}
	if c.APIToken != "" {
		parts = map[string]string{"API token": c.APIToken}
	}
	for name, part := range parts {
		if err := ValidateCredential(part); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Config is what a Client is made of. Only the credentials are required.
type Config struct {
	Credentials Credentials
	// BaseURL is DefaultBaseURL when empty; see ParseBaseURL for what it may be.
	BaseURL   string
	UserAgent string
	// MaxRetries is how often a call is repeated after a connection error or a
	// 5xx; 0 is never. Waiting for a rate limit does not count towards it.
	MaxRetries int
	// RequestTimeout bounds one HTTP attempt; DefaultRequestTimeout when zero.
	RequestTimeout time.Duration
	// Observe, when set, is told of each HTTP attempt once it has ended.
	Observe func(context.Context, Attempt)
	// Clock is real time when nil.
	Clock Clock
	// Transport replaces the network; the default verifies TLS and honours the
	// proxy settings of the environment.
	Transport http.RoundTripper
}

// Client calls the API with one set of credentials. It is safe for concurrent
// use.
type Client struct {
	baseURL        string
	userAgent      string
	credentials    Credentials
	maxRetries     int
	requestTimeout time.Duration
	observe        func(context.Context, Attempt)
	clock          Clock
	pacer          *pacer
	lists          singleflight.Group

	// pooled carries every call but the link, which goes over singleUse.
	pooled, singleUse http.RoundTripper

	redactOnce sync.Once
	secrets    *regexp.Regexp // finds the credentials in a text; see redact

	claimsMu sync.Mutex
	claims   map[string]bool
}

// New makes a client. The error names what is wrong with the base URL or the
// credentials.
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
		pooled, singleUse = newTransport(), newSingleUseTransport()
	}
	return &Client{
		baseURL:        strings.TrimRight(base.String(), "/"),
		userAgent:      config.UserAgent,
		credentials:    config.Credentials,
		maxRetries:     config.MaxRetries,
		requestTimeout: config.RequestTimeout,
		observe:        config.Observe,
		clock:          config.Clock,
		pacer:          &pacer{clock: config.Clock},
		pooled:         pooled,
		singleUse:      singleUse,
		claims:         map[string]bool{},
	}, nil
}

// ParseBaseURL accepts https to anywhere and plain http to a loopback address,
// so that credentials never cross a network in the clear.
func ParseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The parser's own error quotes the input, which may hold a password.
		return nil, errors.New("is not a URL")
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("must be absolute, such as " + DefaultBaseURL)
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not have a query or a fragment")
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, errors.New("must use https: plain http would send the credentials in the clear, and is accepted for a loopback address only")
	default:
		return nil, errors.New("must use https")
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// ValidateCredential checks what holds for every credential, whatever its kind:
// that it is not empty and can stand in an HTTP header. Formats change, so no
// more than that is asked. The error never quotes the credential.
func ValidateCredential(s string) error {
	switch {
	case s == "":
		return errors.New("must not be empty")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return errors.New("must not contain white space or control characters; look for a line break at its end")
	default:
		return nil
	}
}

// ValidateAccountID checks the API's own bound: 1 to 32 letters, digits, hyphens
// and underscores. An ID really has 32 hexadecimal digits; the API is left to
// refuse what is merely unlikely.
func ValidateAccountID(s string) error {
	ok := len(s) >= 1 && len(s) <= MaxAccountIDLength
	for _, r := range s {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}
	if !ok {
		return errors.New("is not an account ID")
	}
	return nil
}

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
