// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

var catalogue = []cloudflare.Service{
	{ID: "aaaaaaaa-0000-4000-8000-000000000001", Name: "Checkout"},
	{ID: "BBBBBBBB000040008000000000000002", Name: "Checkout (staging)"},
	{ID: "cccccccc000040008000000000000003", Name: "Network"},
	{ID: "dddddddd000040008000000000000004", Name: "Network"},
	{ID: "eeeeeeee000040008000000000000005", Name: ""},
	{ID: "ffffffff000040008000000000000006", Name: "Database"},
}

func TestServiceNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]cloudflare.Service{"Checkout": catalogue[0], "Checkout (staging)": catalogue[1], "": catalogue[4]} {
		if got, err := cloudflare.ServiceNamed(catalogue, name); err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

func TestServiceWithID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]cloudflare.Service{
		"aaaaaaaa-0000-4000-8000-000000000001": catalogue[0],
		"aaaaaaaa000040008000000000000001":     catalogue[0],
		"AAAAAAAA-0000-4000-8000-000000000001": catalogue[0],
		"bbbbbbbb000040008000000000000002":     catalogue[1],
		"bbbbbbbb-0000-4000-8000-000000000002": catalogue[1],
	} {
		if got, err := cloudflare.ServiceWithID(catalogue, id); err != nil || got != want {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
}

func TestNoSuchService(t *testing.T) {
	t.Parallel()
	named, withID := cloudflare.ServiceNamed, cloudflare.ServiceWithID
	for name, test := range map[string]struct {
		find   func([]cloudflare.Service, string) (cloudflare.Service, error)
		wanted string
		first  cloudflare.Service // of the closest
	}{
		"typing error":    {find: named, wanted: "Chekout", first: catalogue[0]},
		"other case":      {find: named, wanted: "DATABASE", first: catalogue[5]},
		"part of a name":  {find: named, wanted: "Checkout (stag", first: catalogue[1]},
		"pattern":         {find: named, wanted: "Data.*", first: catalogue[5]},
		"ID as a name":    {find: named, wanted: "ffffffff-0000-4000-8000-000000000006", first: catalogue[5]},
		"name as an ID":   {find: withID, wanted: "Database", first: catalogue[5]},
		"digit of an ID":  {find: withID, wanted: "aaaaaaaa-0000-4000-8000-000000000009", first: catalogue[0]},
		"nothing as ID":   {find: withID, first: catalogue[4]},
		"dashes as an ID": {find: withID, wanted: "--", first: catalogue[4]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := test.find(catalogue, test.wanted)
			none, ok := errors.AsType[*cloudflare.NoSuchServiceError](err)
			if !ok || len(none.Closest) != 3 || none.Wanted != test.wanted {
				t.Fatalf("%v", err)
			}
			if none.Closest[0] != test.first && test.wanted != "" && test.wanted != "--" {
				t.Errorf("closest is %v", none.Closest)
			}
			if want := fmt.Sprintf("no PagerDuty service %q; closest are %q (ID %s)", test.wanted, none.Closest[0].Name, none.Closest[0].ID); !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		})
	}
	_, err := named(nil, "x\x1b[2J\u202e")
	if want := `there is no PagerDuty service "x\x1b[2J\u202e", nor any other`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A name that differs in white space alone looks different.
func TestNoSuchServiceShowsSpaces(t *testing.T) {
	t.Parallel()
	_, err := cloudflare.ServiceNamed([]cloudflare.Service{{ID: "1", Name: "On  call\u00a0"}}, "On call ")
	if want := `no PagerDuty service "On call "; closest are "On  call\u00a0" (ID 1)`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// A name is cut after 500 characters, whatever their length.
func TestQuoteCutsLongNames(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("é", 500)
	equal(t, "longest name", cloudflare.Quote(longest), strconv.Quote(longest))
	equal(t, "too long", cloudflare.Quote(longest+"e"), strconv.Quote(longest+"…"))
}

func TestAmbiguousService(t *testing.T) {
	t.Parallel()
	_, err := cloudflare.ServiceNamed(catalogue, "Network")
	several, ok := errors.AsType[*cloudflare.AmbiguousServiceError](err)
	if !ok || !slices.Equal(several.Services, catalogue[2:4]) {
		t.Fatalf("%v", err)
	}
	for _, service := range several.Services {
		if !strings.Contains(err.Error(), service.ID) {
			t.Errorf("%q does not name %s", err, service.ID)
		}
	}
	twins := []cloudflare.Service{{ID: "aa-aa", Name: "One"}, {ID: "AAAA", Name: "Two"}}
	if _, err := cloudflare.ServiceWithID(twins, "aaaa"); !errors.As(err, &several) {
		t.Errorf("%v", err)
	}
}

// Finding what is closest compares each service once.
func TestNoSuchServiceAmongMany(t *testing.T) {
	t.Parallel()
	services := make([]cloudflare.Service, 20_000)
	for i := range services {
		services[i] = cloudflare.Service{ID: fmt.Sprintf("%032x", i), Name: fmt.Sprintf("Service %d", i)}
	}
	started := time.Now()
	_, err := cloudflare.ServiceNamed(services, "Service 20000")
	none, ok := errors.AsType[*cloudflare.NoSuchServiceError](err)
	if !ok || none.Closest[0].Name != "Service 2000" {
		t.Errorf("%v", err)
	}
	if d := time.Since(started); d > 10*time.Second {
		t.Errorf("took %s", d)
	}
}
