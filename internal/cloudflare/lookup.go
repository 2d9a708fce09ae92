// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"slices"
	"sort"
	"strings"

	"github.com/agext/levenshtein"
)

// maxSuggestions is how many services an error suggests.
const maxSuggestions = 3

// ServiceNamed returns the one service of exactly this name. The error is a
// *NoSuchServiceError or an *AmbiguousServiceError.
func ServiceNamed(services []Service, name string) (Service, error) {
	return findOne(services, name, func(s Service) bool { return s.Name == name })
}

// ServiceWithID returns the one service with this ID, given in either case and
// with or without dashes. The error is as that of ServiceNamed.
func ServiceWithID(services []Service, id string) (Service, error) {
	return findOne(services, id, func(s Service) bool { return normalizeID(s.ID) == normalizeID(id) })
}

func findOne(services []Service, wanted string, matches func(Service) bool) (Service, error) {
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
		return Service{}, &AmbiguousServiceError{Wanted: wanted, Services: found}
	}
}

// closest returns the services whose names, or IDs, are most similar: people also
// take one for the other.
func closest(services []Service, wanted string) []Service {
	name, id := strings.ToLower(wanted), normalizeID(wanted)
	similarity := make(map[Service]float64, len(services))
	for _, s := range services {
		similarity[s] = max(levenshtein.Match(strings.ToLower(s.Name), name, nil), levenshtein.Match(normalizeID(s.ID), id, nil))
	}
	sorted := slices.Clone(services)
	sort.SliceStable(sorted, func(i, j int) bool { return similarity[sorted[i]] > similarity[sorted[j]] })
	return sorted[:min(len(sorted), maxSuggestions)]
}
