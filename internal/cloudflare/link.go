// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// identified is the result of the two requests that link an account.
type identified struct {
	ID string `json:"id"`
}

// createToken creates an integration token to link PagerDuty with the account. The
// token is a secret.
//
//	POST /accounts/{account_id}/alerting/v3/destinations/pagerduty/connect
func (c *Client) createToken(ctx context.Context, accountID string) (string, error) {
	path := destinationPath(accountID) + "/connect"
	res, err := c.send(ctx, &request{
		Request:       Request{Op: OpToken, Method: http.MethodPost, Path: path},
		path:          path,
		retries:       c.maxRetries,
		returnsSecret: true,
	})
	if err != nil {
		return "", err
	}
	var token identified
	if err := res.decode(&token); err != nil {
		return "", err
	}
	if err := ValidateIntegrationToken(token.ID); err != nil {
		return "", res.malformed(fmt.Errorf("the integration token %w", err))
	}
	return token.ID, nil
}

const (
	// linkGracePeriod is how long a link that is on its way when the context ends
	// may still take: its outcome is worth a moment, since it can't be taken back. It is a guess.
	linkGracePeriod = time.Second
	// maxConnectionIDLength is far above the 32 characters of a connection's ID, in
	// bytes.
	maxConnectionIDLength = 128
)

// link links PagerDuty with the account and returns the connection's ID, and the
// API's messages. It changes the account, so it is retried only where it surely had
// no effect: after a 429, and where it never left. IsOutcomeUnknown tells the errors
// after which the link may have happened.
//
//	GET /accounts/{account_id}/alerting/v3/destinations/pagerduty/connect/{token_id}
func (c *Client) link(ctx context.Context, accountID, token string) (id string, messages []string, err error) {
	path := destinationPath(accountID) + "/connect/"
	defer c.gate.forget(destinationPath(accountID))
	res, err := c.send(ctx, &request{
		Request:     Request{Op: OpLink, Method: http.MethodGet, Path: path + masked},
		path:        path + url.PathEscape(token),
		secret:      token,
		retries:     c.maxRetries,
		gracePeriod: linkGracePeriod,
	})
	if err != nil {
		return "", nil, err
	}
	var connection identified
	if err := res.decode(&connection); err != nil {
		return "", nil, err
	}
	if len(connection.ID) > maxConnectionIDLength || SameID(connection.ID, token) {
		connection.ID = "" // It goes to the state, which is no place for the token.
	}
	return connection.ID, res.messages(), nil
}
