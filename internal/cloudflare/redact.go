// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// masked replaces a secret in logs and errors.
const masked = "[redacted]"

// masker masks secrets in text. It takes time linear in the text, whatever a
// secret is made of.
type masker struct {
	secrets [][]rune // in the form to compare, without dashes
	longest int      // how many bytes a secret takes in a text, however it is written
}

// with returns a masker of more secrets; empty ones do not count.
func (m masker) with(secrets ...string) masker {
	m.secrets = slices.Clone(m.secrets)
	for _, secret := range secrets {
		for _, form := range []string{secret, url.PathEscape(secret), url.QueryEscape(secret)} {
			if runes, _ := toCompare(strings.ReplaceAll(form, "-", "")); len(runes) > 0 {
				m.secrets = append(m.secrets, runes)
			}
		}
		// Escaping takes three bytes for one, and there may be dashes between.
		m.longest = max(m.longest, 4*len(secret))
	}
	return m
}

// userInfo is the user name and password of a URL: the standard library quotes a
// proxy's URL that it can't use.
var userInfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\s/@:"]*:[^\s/@"]+@`) })

// mask masks the secrets in a text, whatever their case, with or without the
// dashes that the API may add or drop, and escaped as in a URL.
func (m masker) mask(text string) string {
	text = userInfo().ReplaceAllLiteralString(text, masked)
	runes, at := toCompare(text)
	var b strings.Builder
	for i := 0; i < len(runes); {
		n := 0
		for _, secret := range m.secrets {
			n = max(n, beginsWith(runes[i:], secret))
		}
		if n == 0 {
			b.WriteString(text[at[i]:at[i+1]])
			n = 1
		} else {
			b.WriteString(masked)
		}
		i += n
	}
	return b.String()
}

// beginsWith returns how many runes at the beginning of a text spell a secret,
// dashes within it included; 0 for none.
func beginsWith(text, secret []rune) int {
	n := 0
	for i := 0; i < len(secret); {
		rest := text[n:]
		switch {
		case len(rest) > 0 && rest[0] == secret[i]:
			n++
			i++
		case i > 0 && len(rest) > 0 && rest[0] == '-':
			n++
		case i > 0 && len(rest) > 2 && rest[0] == '%' && rest[1] == '2' && rest[2] == 'D':
			n += 3
		default:
			return 0
		}
	}
	return n
}

// toCompare returns the characters of a text without regard to case, and the offset
// of each, and of the text's end, in bytes.
func toCompare(text string) (runes []rune, at []int) {
	for i, r := range text {
		runes, at = append(runes, lowest(r)), append(at, i)
	}
	return runes, append(at, len(text))
}

// lowest returns the same character for all that differ from r by case alone.
func lowest(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// readFactor is how many bytes, white space collapsed, are read for each rune
// that is shown.
const readFactor = 16

// safeText makes text from outside safe to show: it masks secrets, escapes what
// could drive a terminal, and cuts the text to limit runes. Long text is cut
// before it is masked, and what may be the beginning of a secret goes with the
// rest.
func safeText[T string | []byte](s T, limit int, m masker) string {
	text, cut := collapseSpace(s, readFactor*limit+m.longest)
	text = m.mask(text)
	if cut {
		text = text[:max(strings.LastIndex(text, masked)+len(masked), len(text)-m.longest)]
	}
	return EscapeTerminal(text, limit)
}

// collapseSpace returns the first bytes of s, in which a run of white space
// counts as one.
func collapseSpace[T string | []byte](s T, most int) (collapsed string, cut bool) {
	var b []byte
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte(" \t\n\v\f\r", c) >= 0 {
			if len(b) == 0 || b[len(b)-1] == ' ' {
				continue
			}
			c = ' '
		}
		if len(b) == most {
			return string(b), true
		}
		b = append(b, c)
	}
	return string(b), false
}

// EscapeTerminal makes text from outside safe for a terminal: it escapes what is
// not graphic (control characters, escape sequences, text direction), collapses
// white space, and cuts what is longer than limit runes.
func EscapeTerminal(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if n++; n > limit {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
