// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

const (
	// MaxAccountIDLength is the API's own limit on an account ID.
	MaxAccountIDLength = 32
	// maxCredentialLength is far above any credential of Cloudflare's, in bytes.
	maxCredentialLength = 8 << 10
	// maxTokenLength is far above the 36 characters of an integration token, in
	// bytes.
	maxTokenLength = 128
)

// ParseBaseURL accepts https to anywhere and plain http to a loopback address,
// so that credentials never cross a network in the clear. The error never quotes
// the URL, which may hold a password.
func ParseBaseURL(s string) (*url.URL, error) {
	if strings.ContainsFunc(s, isInvisible) {
		return nil, errors.New("must not contain white space, control characters or invisible characters")
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("must be absolute, such as " + DefaultBaseURL)
	case u.User != nil:
		return nil, errors.New("must not contain a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not have a query or a fragment")
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, errors.New("must use https. Plain http would send the credentials unencrypted, and is accepted only for a loopback address")
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

// isInvisible reports whether r is white space, a control character, or an
// invisible one such as a byte order mark, a zero-width space or a soft hyphen.
func isInvisible(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) }

// ValidateCredential checks what holds for every credential: that it is not empty
// and can be in an HTTP header. Formats change, so it checks no more than that.
// The error never quotes the credential.
func ValidateCredential(s string) error {
	switch {
	case s == "":
		return errors.New("must not be empty")
	case len(s) > maxCredentialLength:
		return fmt.Errorf("must not be longer than %d bytes", maxCredentialLength)
	case strings.ContainsFunc(s, isInvisible):
		return errors.New("must not contain white space, control characters or invisible characters. Look for a line break at its end")
	default:
		return nil
	}
}

// ValidateIntegrationToken checks that a token can be one segment of a URL's
// path. The error never quotes the token.
func ValidateIntegrationToken(token string) error {
	switch {
	case token == "":
		return errors.New("is empty")
	case len(token) > maxTokenLength:
		return errors.New("is too long")
	case strings.Trim(token, ".-") == "":
		// Escaping leaves "." and ".." as they are, and they change the path.
		return errors.New("is no token")
	}
	return ValidateCredential(token)
}

// ValidateAccountID checks the API's own limit: 1 to 32 letters, digits, hyphens
// and underscores. The error is an *AccountIDError, which knows what was meant.
func ValidateAccountID(s string) error {
	if isAccountID(s) {
		return nil
	}
	if trimmed := strings.TrimFunc(s, isInvisible); isAccountID(trimmed) {
		return &AccountIDError{Value: s, ID: trimmed}
	}
	return &AccountIDError{Value: s, ID: usualAccountID().FindString(s)}
}

// usualAccountID finds what an account ID is like. It is compiled when it is first
// needed rather than at each start of the provider.
var usualAccountID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b[0-9a-f]{32}\b`) })

// IsUsualAccountID reports whether an ID is what account IDs are like: 32
// hexadecimal digits.
func IsUsualAccountID(s string) bool { return isAccountID(s) && usualAccountID().MatchString(s) }

func isAccountID(s string) bool {
	isForeign := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return s != "" && len(s) <= MaxAccountIDLength && !strings.ContainsFunc(s, isForeign)
}
