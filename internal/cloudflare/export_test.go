// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflare

import "context"

// The requests that only flows make, for tests of each by itself.

func (c *Client) CreateIntegrationToken(ctx context.Context, accountID string) (string, error) {
	return c.createToken(ctx, accountID)
}

func (c *Client) Link(ctx context.Context, accountID, token string) (id string, messages []string, err error) {
	return c.link(ctx, accountID, token)
}

func (c *Client) DeleteServices(ctx context.Context, accountID string, check func(context.Context) error) ([]string, error) {
	return c.deleteServices(ctx, accountID, check)
}
