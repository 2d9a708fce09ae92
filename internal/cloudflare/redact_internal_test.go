// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMask(t *testing.T) {
	t.Parallel()
	const dashed, odd = "0a1b-2c3d", "k/y+1%2Fé"
	m := masker{}.with(dashed, "", odd)
	for text, want := range map[string]string{
		"":                        "",
		"plain é \xff":            "plain é \xff",
		"<0a1b-2c3d>":             "<[redacted]>",
		"0A1B-2C3D":               masked,
		"0a1b2c3d":                masked,
		"0-a1--b2c3-d":            masked,
		"-0a1b2c3d-":              "-[redacted]-",
		"0a1b%2D2c3d":             masked,
		"0a%2d1b%2D%2d-2c3d":      masked,
		"0a1b%2C2c3d":             "0a1b%2C2c3d",
		"0a1b%22c3d":              "0a1b%22c3d",
		"0a1b%2":                  "0a1b%2",
		"%0a1b2c3d":               "%[redacted]",
		"0a1b2c3":                 "0a1b2c3",
		"0a1b2c30a1b2c3d":         "0a1b2c3[redacted]",
		"0a1b2c3d0a1b2c3d":        masked + masked,
		"k/y+1%2Fé":               masked,
		"K/Y+1%2fÉ":               masked,
		"k%2Fy+1%252F%C3%A9":      masked, // In a path.
		"k%2Fy%2B1%252F%C3%A9":    masked, // In a query.
		"k%2fy%2b1%252f%c3%a9":    masked,
		"k/y+1/é":                 "k/y+1/é",
		"http://user:pw@proxy:1":  "http://" + masked + "proxy:1",
		"http://user:p:w@proxy:1": "http://" + masked + "proxy:1",
		"at 10:30 me@example.com": "at 10:30 me@example.com",
	} {
		same(t, "mask of "+text, m.mask(text), want)
	}
	// A masker is not changed by what is made of it.
	more := m.with("other")
	same(t, "mask of another secret", m.mask("other")+more.mask("other 0a1b2c3d"), "other[redacted] [redacted]")
	same(t, "longest secret", m.longest, 40)
}

// A token of the length that is still taken for one is masked in its own response.
func TestLongestTokenIsMasked(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("z", maxTokenLength)
	resp := newResponse(&request{returnsSecret: true}, http.StatusBadRequest, nil, []byte(`{"success":false,"result":{"id":"`+token+`"}}`), masker{})
	same(t, "mask", resp.masker.mask("it is "+token), "it is "+masked)
}

// A token and a text that are made to take time take no more than others. Masking
// takes less than a second here, and minutes if it looks ahead at each dash.
func TestMaskOfHostileTokenIsLinear(t *testing.T) {
	t.Parallel()
	m := masker{}.with(strings.Repeat("a", maxTokenLength-1) + "b")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for unit, size := range map[string]int{"a": 64 << 10, "a-": 64 << 10, "a%2D": 64 << 10, "-": 512 << 10, "%2D": 512 << 10, "%": 512 << 10} {
			text := strings.Repeat(unit, size/len(unit))
			same(t, "mask of many "+unit, m.mask(text) == text, true)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("not done after a minute")
	}
}

// What may be the beginning of a secret goes with the rest of a text that is cut.
func TestSafeTextIsCutBeforeSecrets(t *testing.T) {
	t.Parallel()
	// Long ones, which leave room for a part of the last one.
	secret := strings.Repeat("0123456789", 200)
	m := masker{}.with(secret)
	for before := range 10 {
		got := safeText(strings.Repeat("x", before)+strings.Repeat(secret, 6), 60, m)
		same(t, "text of secrets", got, strings.Repeat("x", before)+strings.Repeat(masked, 4))
	}
	same(t, "text that fits", safeText("a "+secret+" b", 100, m), "a [redacted] b")
	same(t, "text that is cut", safeText(strings.Repeat("ab", 20), 10, m), "ababababab…")
}

// A run of white space counts as one space, and none is left at the beginning.
func TestCollapseSpace(t *testing.T) {
	t.Parallel()
	collapsed, cut := collapseSpace("  a  b \t\n c", 10)
	same(t, "collapsed", collapsed, "a b c")
	same(t, "cut", cut, false)
	collapsed, cut = collapseSpace("a   bc", 3)
	same(t, "first bytes", collapsed, "a b")
	same(t, "cut", cut, true)
}
