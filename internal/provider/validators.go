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

var _ validator.String = check{}

func valid(kind string, validate func(string) error) validator.String { return check{kind, validate} }

func validAccountID() validator.String { return valid("Account ID", cloudflare.ValidateAccountID) }

func (c check) Description(context.Context) string {
	return "must be a valid " + strings.ToLower(c.kind)
}

func (c check) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.validate(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+c.kind,
			fmt.Sprintf("The argument `%s` %s.", req.Path, advise(req.Path.String(), err)))
	}
}

// advise completes what is wrong with an argument by what it should be.
func advise(argument string, err error) string {
	if strings.HasPrefix(argument, "account_id") {
		return err.Error() + ". " + accountIDAdvice
	}
	return err.Error()
}

// accountIDAdvice says what an account ID looks like and where it is found.
const accountIDAdvice = "An account ID has 32 hexadecimal digits; it stands in the dashboard's address after dash.cloudflare.com/, and in the menu beside the account's name under \"Copy account ID\""

func validRegexp(s string) error {
	if _, err := regexp.Compile(s); err != nil {
		return errors.New("must be a regular expression in RE2 syntax: " + err.Error())
	}
	return nil
}
