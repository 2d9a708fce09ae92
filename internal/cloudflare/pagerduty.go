// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Service is a PagerDuty service that an account is connected to. Its ID is what
// a notification policy routes to, kept exactly as the API gives it.
type Service struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ListServices returns the connected PagerDuty services, sorted by name, then
// ID. Callers that list an account at the same time share one request.
//
//	GET /accounts/{account_id}/alerting/v3/destinations/pagerduty
func (c *Client) ListServices(ctx context.Context, accountID string) ([]Service, error) {
	return c.list(ctx, accountID, listOptions{shared: true})
}

// PeekServices is ListServices for a look that is merely helpful: it makes one
// attempt and waits for nothing, a rate limit included.
func (c *Client) PeekServices(ctx context.Context, accountID string) ([]Service, error) {
	return c.list(ctx, accountID, listOptions{once: true})
}

type listOptions struct {
	shared bool // join a request that is already on its way
	once   bool // make one attempt, wait for nothing
}

func (c *Client) list(ctx context.Context, accountID string, options listOptions) ([]Service, error) {
	path := destinationPath(accountID)
	answer, err := c.send(ctx, call{
		name: "list the PagerDuty services", method: http.MethodGet, path: path, logPath: path,
		repeat: repeatAlways, once: options.once, shared: options.shared, status: []int{http.StatusOK},
	})
	if err != nil {
		return nil, err
	}
	listed := serviceList{most: maxServices, size: maxServicesSize}
	if err := answer.decode(&listed); err != nil {
		return nil, err
	}
	services := listed.services
	for _, service := range services {
		if service.ID == "" {
			return nil, answer.malformed("a service has no ID")
		}
	}
	slices.SortFunc(services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return services, nil
}

// What a list may hold, in services and in bytes: far more than anybody has, and
// little enough to be kept in memory in all the forms that Terraform needs.
const (
	maxServices     = 10_000
	maxServicesSize = 2 << 20
)

var errTooManyServices = fmt.Errorf("there are more than %d services, or more than %d MiB of them", maxServices, maxServicesSize>>20)

// serviceList reads services one by one, to stop where there are too many.
type serviceList struct {
	services []Service
	most     int // services
	size     int // of their JSON, in bytes
}

// UnmarshalJSON reads a list, or null.
func (l *serviceList) UnmarshalJSON(data []byte) error {
	if len(data) > l.size {
		return errTooManyServices
	}
	services := json.NewDecoder(bytes.NewReader(data))
	if token, err := services.Token(); token == nil {
		return err
	} else if token != json.Delim('[') {
		return errors.New("not a list")
	}
	for services.More() {
		var service Service
		if err := services.Decode(&service); err != nil {
			return err
		}
		if l.services = append(l.services, service); len(l.services) > l.most {
			return errTooManyServices
		}
	}
	return nil
}

// DeleteServices deletes all PagerDuty services of the account: notification
// policies that route to them stop paging. Right before each attempt, and after
// every wait, guard is asked whether it may be made, since another party can have
// added services meanwhile; its error ends the call.
//
//	DELETE /accounts/{account_id}/alerting/v3/destinations/pagerduty
func (c *Client) DeleteServices(ctx context.Context, accountID string, guard func(context.Context) error) error {
	path := destinationPath(accountID)
	defer c.lists.Forget(path)
	_, err := c.send(ctx, call{
		name: "delete the PagerDuty services", method: http.MethodDelete, path: path, logPath: path,
		repeat: repeatAlways, guard: guard,
	})
	return err
}

// CreateIntegrationToken makes a token to link PagerDuty with the account. The
// token is a secret.
//
//	POST /accounts/{account_id}/alerting/v3/destinations/pagerduty/connect
func (c *Client) CreateIntegrationToken(ctx context.Context, accountID string) (string, error) {
	path := destinationPath(accountID) + "/connect"
	answer, err := c.send(ctx, call{
		name: "create an integration token", method: http.MethodPost, path: path, logPath: path,
		repeat: repeatAlways, answersSecret: true,
		// What comes on a connection that is kept after its answer, the standard
		// library logs word for word: an answer sent twice would show the token.
		singleUse: true,
	})
	if err != nil {
		return "", err
	}
	var token struct {
		ID string `json:"id"`
	}
	if err := answer.decode(&token); err != nil {
		return "", err
	}
	if err := ValidateIntegrationToken(token.ID); err != nil {
		return "", answer.malformed("the integration token " + err.Error())
	}
	return token.ID, nil
}

// ValidateIntegrationToken checks that a token can stand in the path of a URL as
// one segment. The error never quotes the token.
func ValidateIntegrationToken(token string) error {
	switch token {
	case "":
		return errors.New("is empty")
	case ".", "..":
		// Escaping leaves these as they are, and they change the path.
		return errors.New("is no token")
	}
	if len(token) > maxTokenLength {
		return errors.New("is too long")
	}
	return ValidateCredential(token)
}

// maxTokenLength is far above the 36 characters that a token has, in bytes.
const maxTokenLength = 512

// LinkCall names the link in its errors.
const LinkCall = "link PagerDuty with the account"

// linkGrace is how long a link that is on its way when the context ends may
// still take: its outcome is worth a moment, since it can't be taken back.
const linkGrace = time.Second

// Link links PagerDuty with the account and returns the connection's ID. It
// changes the account, so it is repeated only where the API surely never saw it
// (a 429, a refused connection); IsOutcomeOpen tells the errors after which the
// link may have happened.
//
//	GET /accounts/{account_id}/alerting/v3/destinations/pagerduty/connect/{token_id}
func (c *Client) Link(ctx context.Context, accountID, token string) (string, error) {
	path := destinationPath(accountID) + "/connect/"
	defer c.lists.Forget(destinationPath(accountID))
	answer, err := c.send(ctx, call{
		name: LinkCall, method: http.MethodGet,
		path: path + url.PathEscape(token), logPath: path + masked, secret: token,
		repeat: repeatUnsent, grace: linkGrace, singleUse: true,
	})
	if err != nil {
		return "", err
	}
	var connection struct {
		ID string `json:"id"`
	}
	err = answer.decode(&connection)
	return connection.ID, err
}

func destinationPath(accountID string) string {
	return "/accounts/" + url.PathEscape(accountID) + "/alerting/v3/destinations/pagerduty"
}
