// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

// The environment variables, named as in the official Cloudflare provider.
const (
	envAPIToken = "CLOUDFLARE_API_TOKEN" //nolint:gosec // The name of a variable.
	envAPIKey   = "CLOUDFLARE_API_KEY"   //nolint:gosec // The name of a variable.
	envEmail    = "CLOUDFLARE_EMAIL"
	envBaseURL  = "CLOUDFLARE_BASE_URL"
)

// maxMaxRetries bounds max_retries: with the longest pauses, more would outlast
// any operation.
const maxMaxRetries = 100

// settings is the provider's configuration with the environment merged in.
type settings struct {
	config  cloudflare.Config
	unknown []string // arguments that a request needs and that are not known yet
}

// resolveSettings merges the environment into the configuration, which wins
// attribute by attribute. An unknown value is not an error and never replaced
// from the environment.
func resolveSettings(model providerModel, getenv func(string) string) (settings, diag.Diagnostics) {
	r := &resolver{getenv: getenv}
	s := settings{config: cloudflare.Config{
		Credentials:    r.credentials(model),
		BaseURL:        r.text("base_url", envBaseURL, model.BaseURL, validBaseURL),
		MaxRetries:     cloudflare.DefaultMaxRetries,
		RequestTimeout: cloudflare.DefaultRequestTimeout,
	}}
	if r.known("max_retries", model.MaxRetries) {
		s.config.MaxRetries = int(model.MaxRetries.ValueInt64())
	}
	if timeout := r.text("request_timeout", "", model.RequestTimeout, validDuration); timeout != "" {
		s.config.RequestTimeout, _ = time.ParseDuration(timeout) // Just checked.
	}
	s.unknown = r.unknown
	return s, r.diags
}

// conflicts is an error for two kinds of credentials. What is not known yet may
// turn out to be null.
func (m providerModel) conflicts() (diags diag.Diagnostics) {
	given := func(value attr.Value) bool { return !value.IsNull() && !value.IsUnknown() }
	if given(m.APIToken) && (given(m.APIKey) || given(m.Email)) {
		diags.AddAttributeError(path.Root("api_token"), "Conflicting Cloudflare Credentials",
			"The arguments `api_key` and `email` conflict with `api_token`. Remove one kind of credentials.")
	}
	return diags
}

type resolver struct {
	getenv  func(string) string
	unknown []string
	diags   diag.Diagnostics
}

// credentials chooses between the two kinds: the one in the configuration, else
// the token, else the legacy pair.
func (r *resolver) credentials(model providerModel) cloudflare.Credentials {
	tokenConfigured := !model.APIToken.IsNull()
	legacyConfigured := !model.APIKey.IsNull() || !model.Email.IsNull()
	switch {
	case tokenConfigured && legacyConfigured:
		r.known("api_token", model.APIToken)
		r.known("api_key", model.APIKey)
		r.known("email", model.Email)
		r.diags.Append(model.conflicts()...)
	case tokenConfigured, !legacyConfigured && r.getenv(envAPIToken) != "":
		return cloudflare.Credentials{APIToken: r.text("api_token", envAPIToken, model.APIToken, cloudflare.ValidateCredential)}
	case legacyConfigured, r.getenv(envAPIKey) != "", r.getenv(envEmail) != "":
		return cloudflare.Credentials{
			APIKey: r.required("api_key", envAPIKey, model.APIKey, "email"),
			Email:  r.required("email", envEmail, model.Email, "api_key"),
		}
	default:
		r.diags.AddAttributeError(path.Root("api_token"), "Missing Cloudflare Credentials",
			fmt.Sprintf("No credentials are configured. Set the argument `api_token` or the environment variable %s to a Cloudflare API token, "+
				"or, for a legacy API key, the arguments `api_key` and `email` or the environment variables %s and %s.\n\n"+
				"Create API tokens in the dashboard under My Profile > API Tokens. Reading needs "+readPermission+". Connecting and disconnecting need "+writePermission+".",
				envAPIToken, envAPIKey, envEmail))
	}
	return cloudflare.Credentials{}
}

// required is a half of the legacy pair.
func (r *resolver) required(argument, variable string, configured types.String, other string) string {
	value := r.text(argument, variable, configured, cloudflare.ValidateCredential)
	if configured.IsNull() && r.getenv(variable) == "" {
		r.diags.AddAttributeError(path.Root(argument), "Missing Cloudflare Credentials",
			fmt.Sprintf("A legacy API key and its email address must be set together. `%s` is missing, but `%s` is set. Set the argument `%s` or the environment variable %s.", argument, other, argument, variable))
	}
	return value
}

// text is the configured value, or else the variable's; empty when there is none
// or it is not known yet.
func (r *resolver) text(argument, variable string, configured types.String, validate func(string) error) string {
	value, source := configured.ValueString(), fmt.Sprintf("The argument `%s`", argument)
	if configured.IsNull() && variable != "" {
		value, source = r.getenv(variable), "The environment variable "+variable
	}
	if !r.known(argument, configured) && value == "" {
		return ""
	}
	if err := validate(value); err != nil {
		r.diags.AddAttributeError(path.Root(argument), "Invalid Provider Configuration", source+" "+err.Error()+".")
		return ""
	}
	return value
}

// known tells whether an argument has a value, and notes one that is not known
// yet.
func (r *resolver) known(argument string, value attr.Value) bool {
	if value.IsUnknown() {
		r.unknown = append(r.unknown, argument)
	}
	return !value.IsNull() && !value.IsUnknown()
}

func validBaseURL(s string) error {
	_, err := cloudflare.ParseBaseURL(s)
	return err
}

func validDuration(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return errors.New("must be a duration such as `30s` or `2m30s`")
	}
	if d <= 0 {
		return errors.New("must be a duration greater than zero")
	}
	return nil
}
