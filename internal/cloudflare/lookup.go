// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// maxSuggestions is how many services an error suggests.
const maxSuggestions = 3

// NoSuchServiceError is a lookup that no service matches.
type NoSuchServiceError struct {
	Wanted  string    // the name or ID that was looked for
	Closest []Service // those whose names are closest, the closest first
}

func (e *NoSuchServiceError) Error() string {
	text := fmt.Sprintf("there is no service %q", Printable(e.Wanted, maxMessage))
	if len(e.Closest) > 0 {
		text += "; the closest names are " + ServiceNames(e.Closest)
	}
	return text
}

// AmbiguousServiceError is a lookup that several services match.
type AmbiguousServiceError struct{ Services []Service }

func (e *AmbiguousServiceError) Error() string {
	return "several services have this name: " + ServiceNames(e.Services)
}

// ServiceNamed returns the one service of exactly this name. The error is a
// *NoSuchServiceError or an *AmbiguousServiceError.
func ServiceNamed(services []Service, name string) (Service, error) {
	return only(services, name, func(s Service) bool { return s.Name == name })
}

// ServiceWithID returns the service with this ID, given in either case and with
// or without dashes. The error is a *NoSuchServiceError.
func ServiceWithID(services []Service, id string) (Service, error) {
	return only(services, id, func(s Service) bool { return bareID(s.ID) == bareID(id) })
}

func bareID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

func only(services []Service, wanted string, matches func(Service) bool) (Service, error) {
	var found []Service
	for _, service := range services {
		if matches(service) {
			found = append(found, service)
		}
	}
	switch len(found) {
	case 0:
		return Service{}, &NoSuchServiceError{Wanted: wanted, Closest: closest(services, wanted)}
	case 1:
		return found[0], nil
	default:
		return Service{}, &AmbiguousServiceError{Services: found}
	}
}

// closest returns the services whose names, or IDs, are most similar.
func closest(services []Service, wanted string) []Service {
	similarity := func(s Service) float64 {
		return max(
			levenshtein.Match(strings.ToLower(s.Name), strings.ToLower(wanted), nil),
			levenshtein.Match(bareID(s.ID), bareID(wanted), nil),
		)
	}
	sorted := slices.SortedStableFunc(slices.Values(services), func(a, b Service) int {
		return cmp.Compare(similarity(b), similarity(a))
	})
	return sorted[:min(len(sorted), maxSuggestions)]
}
