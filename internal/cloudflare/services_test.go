// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare_test

import (
	"fmt"
	"testing"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

func TestSameIDs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b              string
		services, account bool
	}{
		{a: "a1", b: "a1", services: true, account: true},
		{a: "a1", b: "A1", services: true, account: true},
		{a: "a-1", b: "A1-", services: true},
		{a: someToken, b: "0A1B2C3D4E5F60718293A4B5C6D7E8F9", services: true},
		{a: "a1", b: "a2"},
		{a: "", b: "-", services: true},
	} {
		equal(t, "SameID of "+test.a+" and "+test.b, cloudflare.SameID(test.a, test.b), test.services)
		equal(t, "SameAccount of "+test.a+" and "+test.b, cloudflare.SameAccount(test.a, test.b), test.account)
	}
}

func TestDashboardURL(t *testing.T) {
	t.Parallel()
	equal(t, "URL", cloudflare.DashboardURL("0a1b"), "https://dash.cloudflare.com/0a1b/notifications")
	equal(t, "hostile URL", cloudflare.DashboardURL("a/b?c"), "https://dash.cloudflare.com/a%2Fb%3Fc/notifications")
}

func TestServiceIDs(t *testing.T) {
	t.Parallel()
	equal(t, "IDs", cloudflare.ServiceIDs([]cloudflare.Service{
		{ID: "1", Name: "Checkout"}, {ID: "2", Name: "checkout"}, {ID: "3", Name: "Twice"}, {ID: "4", Name: "Twice"},
		{ID: "5", Name: "Caf\u00e9"}, {ID: "6", Name: "Cafe\u0301"}, {ID: "7", Name: "Na\u0308he"}, {ID: "8", Name: ""},
		{ID: "9", Name: "Thrice"}, {ID: "10", Name: "Thrice"}, {ID: "11", Name: "Thrice"},
	}), map[string]string{"Checkout": "1", "checkout": "2", "N\u00e4he": "7", "": "8"})
	equal(t, "IDs of none", cloudflare.ServiceIDs(nil), map[string]string{})
}

func TestMissing(t *testing.T) {
	t.Parallel()
	all := []cloudflare.Service{{ID: "A-1", Name: "Alpha"}, {ID: "b2", Name: "Beta"}, {ID: "c3", Name: "Gamma"}}
	equal(t, "missing", cloudflare.Missing(all, []cloudflare.Service{{ID: "a1", Name: "Renamed"}, {ID: "C3"}, {ID: "d4"}}), all[1:2])
	equal(t, "missing from none", cloudflare.Missing(all, nil), all)
	equal(t, "missing of none", len(cloudflare.Missing(nil, all)), 0)
}

// A name that Terraform has in its own normal form finds the service.
func TestServiceInAnotherNormalForm(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, 200, nil, `{"success": true, "result": [{"id": "1", "name": "Zu\u0308rich"}]}`)
	services, err := client.ListServices(t.Context(), "a")
	noError(t, err)
	found, err := cloudflare.ServiceNamed(services, "Z\u00fcrich")
	noError(t, err)
	equal(t, "service", found, cloudflare.Service{ID: "1", Name: "Z\u00fcrich"})
}

func TestServiceNamesAreCounted(t *testing.T) {
	t.Parallel()
	var services []cloudflare.Service
	for i := range 1000 {
		services = append(services, cloudflare.Service{ID: fmt.Sprint(i), Name: "n"})
	}
	says(t, &cloudflare.AlreadyConnectedError{Services: services}, `"n" (ID 19), and 980 more`)
	for n, want := range map[int]string{20: `, "n" (ID 19)`, 21: `, "n" (ID 19), and 1 more`} {
		names := cloudflare.ServiceNames(services[:n])
		equal(t, "end of the names", names[len(names)-len(want):], want)
	}
}
