// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package faults

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/cloudflaretest"
)

// uncut is no fault: the response is whole.
var uncut = cut{how: ends, offset: noCut, key: "whole"}

// TestToxics runs operations through connections that are slow, stall or die.
func TestToxics(t *testing.T) {
	t.Parallel()
	const (
		slow    = `{"type": "latency", "attributes": {"latency": 300, "jitter": 200}}`
		drops   = `{"type": "slicer", "attributes": {"average_size": 1, "size_variation": 0, "delay": 2000}}`
		narrow  = `{"type": "bandwidth", "attributes": {"rate": 1}}`
		narrow2 = `{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 1}}`
		mute    = `{"type": "timeout", "attributes": {"timeout": 0}}`
		dies    = `{"type": "timeout", "attributes": {"timeout": 100}}`
		resets  = `{"type": "reset_peer", "attributes": {"timeout": 0}}`
		resets2 = `{"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 50}}`
		nothing = `{"type": "limit_data", "attributes": {"bytes": 0}}`

		timedOut = "no complete response within the request timeout of 700ms"
		ended    = "EOF"
		reset    = "connection reset by peer"
	)
	patient := object{"max_retries": 0}
	impatient := object{"max_retries": 0, "request_timeout": "700ms"}
	persistent := object{"max_retries": 2}

	for name, test := range map[string]struct {
		toxic  string
		config object
		says   string // in the error, empty for a success
	}{
		"latency":                               {toxic: slow, config: patient},
		"a byte at a time":                      {toxic: drops, config: patient},
		"little bandwidth":                      {toxic: narrow, config: patient},
		"little bandwidth for the request":      {toxic: narrow2, config: patient},
		"latency past the timeout":              {toxic: strings.ReplaceAll(slow, "300", "3000"), config: impatient, says: timedOut},
		"a byte at a time, past the timeout":    {toxic: strings.ReplaceAll(drops, "2000", "9000"), config: impatient, says: timedOut},
		"bandwidth of nothing":                  {toxic: strings.ReplaceAll(narrow, "1", "0"), config: impatient, says: timedOut},
		"no response":                           {toxic: mute, config: impatient, says: timedOut},
		"no response, retried":                  {toxic: mute, config: object{"max_retries": 2, "request_timeout": "700ms"}, says: timedOut},
		"no response, then the connection ends": {toxic: dies, config: patient, says: ended},
		"connection ends at once":               {toxic: nothing, config: patient, says: ended},
		"connection ends at once, retried":      {toxic: nothing, config: persistent, says: ended},
		"reset after the request":               {toxic: resets, config: patient, says: reset},
		"reset after the request, retried":      {toxic: resets, config: persistent, says: reset},
		"reset before the request has arrived":  {toxic: resets2, config: patient}, // Or broken pipe, or EOF.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, test.config, test.toxic)
			fails := test.says != "" || strings.Contains(test.toxic, "upstream") && strings.Contains(test.toxic, "reset_peer")
			var wg sync.WaitGroup
			var mu sync.Mutex
			wanted := map[string]outcome{}
			for _, name := range []string{"create/list before", "read", "read of services that are gone", "read of a data source", "delete/list before"} {
				wg.Go(func() {
					op := operations[name]
					want := op.whole
					if fails {
						want = op.lost
					}
					result, err := s.try(t.Context(), op, uncut, 1)
					if err == nil {
						err = result.check(want)
					}
					if err == nil {
						err = s.checkWords(result)
					}
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					for _, d := range result.resp.errors() {
						// A busy machine may need the whole request timeout to tell.
						if !containsAny(d.Detail, []string{test.says, "no complete response within the request timeout"}) || !strings.Contains(d.Detail, "Check the network") {
							t.Errorf("%s: %q, or advice, is missing: %s", name, test.says, d.Detail)
						}
					}
					mu.Lock()
					defer mu.Unlock()
					wanted[result.account] = want
				})
			}
			wg.Wait()
			s.audit(t, wanted)
		})
	}
}

// TestRandomResets connects and disconnects accounts while every fourth
// connection is reset.
func TestRandomResets(t *testing.T) {
	t.Parallel()
	s := newFixture(t, object{"max_retries": 12}, `{"type": "reset_peer", "toxicity": 0.25, "attributes": {"timeout": 0}}`)
	create, read, remove := operations["create/list before"], operations["read"], operations["delete/delete"]
	var wg sync.WaitGroup
	var mu sync.Mutex
	wanted := map[string]outcome{}
	lost := 0
	for range 25 {
		wg.Go(func() {
			for _, op := range []operation{create, read, remove} {
				want := op.whole
				result, err := s.try(t.Context(), op, uncut, 1)
				if err == nil && result.state != nil && result.state.ConnectionID == nil {
					want.connectionID = false // The link's response was lost.
				}
				if err == nil {
					err = result.check(want)
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				wanted[result.account] = want
				if want.connectionID != op.whole.connectionID {
					lost++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%d requests for %d operations; the response of %d links was lost", s.server.Count(""), len(wanted), lost)
	s.audit(t, wanted)
}

// TestLinkIsNotResent sends requests over connections that die when they are used
// again, after the request has arrived. There net/http sends a GET once more by
// itself, as the reads show, and must not do so to a link.
func TestLinkIsNotResent(t *testing.T) {
	t.Parallel()
	for name, toxics := range map[string][]string{
		"reset": {abrupt, `{"type": "no_reuse", "attributes": {}}`},
		"end":   {`{"type": "no_reuse", "attributes": {}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, object{"max_retries": 0}, toxics...)
			reads := 6
			for range reads {
				result, err := s.try(t.Context(), operations["read"], uncut, 1)
				if err == nil {
					err = result.check(operations["read"].whole)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if lists := s.server.Count(list); lists <= reads {
				t.Fatalf("%d lists for %d reads: net/http has sent none again, so this test shows nothing", lists, reads)
			}

			// The token is a POST, which net/http leaves alone.
			s = newFixture(t, object{"max_retries": 1}, toxics...)
			wanted := map[string]outcome{}
			for range 6 {
				op := operations["create/list before"]
				result, err := s.try(t.Context(), op, uncut, 1)
				if err == nil {
					err = result.check(op.whole)
				}
				if err != nil {
					t.Error(err)
				}
				wanted[result.account] = op.whole
			}
			if lists, tokens := s.server.Count(list), s.server.Count(token); lists+tokens <= 3*len(wanted) {
				t.Errorf("%d lists and %d tokens for %d creates: no connection has died", lists, tokens, len(wanted))
			}
			s.audit(t, wanted)
		})
	}
}

// TestHalfClose ends one direction of a connection while the other one is open.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	s := newFixture(t, nil)
	toClient := newForwarder(t, hostPort(t, s.server), func(to *net.TCPConn, from io.Reader) {
		var received []byte
		buffer := make([]byte, 4096)
		for {
			n, err := from.Read(buffer)
			received = append(received, buffer[:n]...)
			if response, rest := nextResponse(received); response != nil {
				received = rest
				response, passes, _ := obey(response)
				_, _ = to.Write(response[:passes])
				if passes < len(response) {
					_ = to.CloseWrite()
					return // The other direction goes on.
				}
			}
			if err != nil {
				_ = to.CloseWrite()
				return
			}
		}
	}, pass)
	toServer := newForwarder(t, hostPort(t, s.server), pass, func(to *net.TCPConn, from io.Reader) {
		buffer := make([]byte, 4096)
		n, _ := from.Read(buffer)
		_, _ = to.Write(buffer[:n])
		_ = to.CloseWrite()
		_, _ = io.Copy(io.Discard, from)
	})

	wanted := map[string]outcome{}
	try := func(name string, offset int, want outcome) {
		t.Helper()
		result, err := s.try(t.Context(), operations[name], cut{how: ends, offset: offset, key: "half"}, 1)
		if err == nil {
			err = result.check(want)
		}
		if err != nil {
			t.Errorf("%s, cut at byte %d: %v", name, offset, err)
		}
		wanted[result.account] = want
	}
	s.plugin.configure(t, object{"base_url": baseURL(toClient.address), "max_retries": 0})
	for _, offset := range []int{1, 50, 300} {
		for _, name := range []string{"create/list before", "create/token", "create/link", "read of services that are gone", "delete/list before", "delete/delete"} {
			try(name, offset, operations[name].lost)
		}
	}
	// A server that has read to the end of the requests still responses, once.
	s.plugin.configure(t, object{"base_url": baseURL(toServer.address), "max_retries": 8})
	for _, name := range []string{"create/list before", "read", "delete/delete"} {
		try(name, uncut.offset, operations[name].whole)
	}
	s.audit(t, wanted)
}

// TestRefusedLink makes the link, alone, meet a refused connection: it surely has
// not arrived, so the same token is tried again.
func TestRefusedLink(t *testing.T) {
	t.Parallel()
	s := newFixture(t, nil)
	f := newForwarder(t, hostPort(t, s.server), pass, pass)
	op := operations["create/link"]
	op.request = token

	forAMoment := func() {
		s.plugin.configure(t, object{"base_url": baseURL(f.address), "max_retries": 8})
		s.server.Fail(cloudflaretest.Fault{Op: token, Times: 1, Hook: func() {
			f.refuse()
			time.AfterFunc(600*time.Millisecond, f.listen)
		}})
		result, err := s.try(t.Context(), op, uncut, 1)
		if err == nil {
			err = result.check(op.whole)
		}
		if err != nil {
			t.Error(err)
		}
		if tokens := s.server.Count(token); tokens != 1 {
			t.Errorf("%d tokens, want 1", tokens)
		}
		s.audit(t, map[string]outcome{result.account: op.whole})
	}
	forGood := func() {
		s.plugin.configure(t, object{"base_url": baseURL(f.address), "max_retries": 1})
		s.server.ResetRequests()
		s.server.Fail(cloudflaretest.Fault{Op: token, Times: 1, Hook: f.refuse})
		result, err := s.try(t.Context(), op, uncut, 1)
		want := outcome{fails: connectFails}
		if err == nil {
			err = result.check(want)
		}
		if err != nil {
			t.Error(err)
		}
		// There is nothing to wait for: the one list is that before the link.
		if lists := s.server.Count(list); lists != 1 {
			t.Errorf("%d lists, want 1", lists)
		}
		s.audit(t, map[string]outcome{result.account: want})
	}
	forAMoment()
	forGood()
}

// TestUnreachable has no server at the other end.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for name, test := range map[string]struct {
		url     string
		retries int
		says    []string // one of these
	}{
		"refused":               {url: baseURL(listener.Addr().String()), retries: 0, says: []string{"connection refused"}},
		"refused, retried":      {url: baseURL(listener.Addr().String()), retries: 2, says: []string{"connection refused"}},
		"no such name":          {url: "https://api.cloudflare.invalid/client/v4", retries: 0, says: unresolved},
		"no such name, retried": {url: "https://api.cloudflare.invalid/client/v4", retries: 2, says: unresolved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, nil)
			s.plugin.configure(t, object{"base_url": test.url, "max_retries": test.retries, "request_timeout": "3s"})
			s.expectUnsent(t, "Check the network", test.says...)
		})
	}
}

// unresolved is what is said of a name that does not exist. A resolver may also
// take too long to say so.
var unresolved = []string{"lookup api.cloudflare.invalid", "no complete response within the request timeout of 3s"}

// expectUnsent runs operations that have to fail, with an error that says one of
// these, and the advice, before any request has arrived. It returns how many.
func (s *fixture) expectUnsent(t *testing.T, advice string, says ...string) int {
	t.Helper()
	names := []string{"create/list before", "read", "read of services that are gone", "read of a data source", "delete/list before"}
	for _, name := range names {
		result, err := s.try(t.Context(), operations[name], uncut, 1)
		if err == nil {
			err = result.check(operations[name].lost)
		}
		if err == nil {
			err = s.checkWords(result)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, d := range result.resp.errors() {
			if !containsAny(d.Detail, says) || !strings.Contains(d.Detail, advice) {
				t.Errorf("%s: %q, or %q, is missing: %s", name, says, advice, d.Detail)
			}
		}
	}
	if requests := s.server.Count(""); requests > 0 {
		t.Errorf("%d requests have arrived", requests)
	}
	return len(names)
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
