// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// check is a validator of what a function accepts. The function's error
// completes a sentence about the value, and does not quote a secret.
type check struct {
	kind     string // in title case
	validate func(string) error
}

var (
	_ validator.String = check{}
	_ validator.String = validAccountID{}
)

func valid(kind string, validate func(string) error) validator.String {
	return check{kind: kind, validate: validate}
}

func (c check) Description(context.Context) string {
	return "must be a valid " + strings.ToLower(c.kind)
}

func (c check) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.validate(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+c.kind, fmt.Sprintf("The argument `%s` %s.", req.Path, err))
	}
}

// validAccountID refuses what can't be an account ID, and warns of what the API
// is not expected to know.
type validAccountID struct{}

func (validAccountID) Description(context.Context) string { return "must be a valid account ID" }

func (v validAccountID) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (validAccountID) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	accountID := req.ConfigValue.ValueString()
	if err := cloudflare.ValidateAccountID(accountID); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Account ID", fmt.Sprintf("The argument `%s` is invalid: %s", req.Path, notAnAccountID(err)))
	} else if !cloudflare.IsUsualAccountID(accountID) {
		resp.Diagnostics.AddAttributeWarning(req.Path, "Unusual Account ID", cloudflare.Quote(accountID)+" does not look like the ID of a Cloudflare account. "+accountIDAdvice+".")
	}
}

func validRegexp(s string) error {
	if _, err := regexp.Compile(s); err != nil {
		return errors.New("must be a regular expression in RE2 syntax: " + err.Error())
	}
	return nil
}
