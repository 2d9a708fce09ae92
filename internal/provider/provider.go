// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is what Terraform sees: it decodes, calls
// internal/cloudflare, and encodes.
package provider

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/cloudflare"
)

const (
	name     = "terraform-provider-cloudflare-pagerduty"
	homePage = "https://github.com/seed-bcdb0ca7/" + name
)

var (
	_ provider.ProviderWithListResources  = (*pagerdutyProvider)(nil)
	_ provider.ProviderWithValidateConfig = (*pagerdutyProvider)(nil)
)

// New returns the factory that a provider server needs. The version is part
// of the user agent.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &pagerdutyProvider{version: version} }
}

type pagerdutyProvider struct {
	version string
	// adjust changes the client's configuration, for tests.
	adjust func(*cloudflare.Config)
}

func (p *pagerdutyProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "pagerduty"
	resp.Version = p.version
}

func (p *pagerdutyProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Connects Cloudflare accounts to PagerDuty, and looks up the IDs of the connected PagerDuty services, for Cloudflare notification policies.",
		Attributes: map[string]schema.Attribute{
			"api_token": schema.StringAttribute{
				MarkdownDescription: "Cloudflare API token. To read, it needs *Notifications Read* or *Account Settings Read*. To connect and disconnect, it needs *Notifications Write* or *Account Settings Write* (*Edit* in the dashboard). " + fromEnvironment(envAPIToken) + " Conflicts with `api_key` and `email`.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{valid("Credential", cloudflare.ValidateCredential)},
			},
			"api_key": schema.StringAttribute{
				MarkdownDescription: "Legacy Global API Key. Requires `email`. Prefer an API token, because you can limit its permissions. " + fromEnvironment(envAPIKey),
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{valid("Credential", cloudflare.ValidateCredential)},
			},
			"email": schema.StringAttribute{
				MarkdownDescription: "Email address of the API key's owner. " + fromEnvironment(envEmail),
				Optional:            true,
				Validators:          []validator.String{valid("Email Address", cloudflare.ValidateCredential)},
			},
			"base_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of the Cloudflare API. Defaults to `" + cloudflare.DefaultBaseURL + "`. Must use https, or http to a loopback address. " + fromEnvironment(envBaseURL),
				Optional:            true,
				Validators:          []validator.String{valid("Base URL", validBaseURL)},
			},
			"max_retries": schema.Int64Attribute{
				MarkdownDescription: fmt.Sprintf("Maximum retries after connection errors and 5xx responses. Defaults to %d, at most %d; 0 disables them. Waits for the rate limit don't count. The request that connects PagerDuty is retried only if it certainly had no effect.", cloudflare.DefaultMaxRetries, maxMaxRetries),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, maxMaxRetries)},
			},
			"request_timeout": schema.StringAttribute{
				MarkdownDescription: fmt.Sprintf("Timeout of one HTTP attempt, as a [Go duration](https://pkg.go.dev/time#ParseDuration) such as `45s`. Defaults to `%s`.", cloudflare.DefaultRequestTimeout),
				Optional:            true,
				Validators:          []validator.String{valid("Duration", validDuration)},
			},
		},
	}
}

func fromEnvironment(variable string) string {
	return "Can also be set with the `" + variable + "` environment variable."
}

func (p *pagerdutyProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.conflicts()...)
}

func (p *pagerdutyProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	settings, diags := resolveSettings(model, os.Getenv)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	var client *cloudflare.Client
	if len(settings.unknown) == 0 {
		config := settings.config
		config.UserAgent = userAgent(p.version, req.TerraformVersion, os.Getenv("TF_APPEND_USER_AGENT"))
		config.Observe = logAttempt
		if p.adjust != nil {
			p.adjust(&config)
		}
		made, err := cloudflare.New(config)
		if err != nil {
			// All but the proxy's URL has been checked before.
			resp.Diagnostics.AddError("Unable to Configure Cloudflare PagerDuty Provider", failure{err: err}.detail())
			return
		}
		client = made
	}
	data := newProviderData(client, settings.unknown)
	resp.ResourceData, resp.DataSourceData, resp.ListResourceData = data, data, data
}

func (p *pagerdutyProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{NewConnectionResource}
}

func (p *pagerdutyProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{NewConnectedServiceDataSource, NewServicesDataSource}
}

func (p *pagerdutyProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{NewConnectionListResource}
}

// userAgent tells the API who calls. What the user appends is kept to what a
// header can hold.
func userAgent(version, terraformVersion, appended string) string {
	agent := fmt.Sprintf("%s/%s (+%s) Terraform/%s", name, version, homePage, terraformVersion)
	appended = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, appended)
	if appended = strings.TrimSpace(appended); appended != "" {
		agent += " " + appended
	}
	return agent
}

// logAttempt writes one line for each HTTP attempt.
func logAttempt(ctx context.Context, attempt cloudflare.Attempt) {
	fields := map[string]any{
		"method":      attempt.Method,
		"path":        attempt.Path,
		"attempt":     attempt.Number,
		"duration_ms": attempt.Duration.Milliseconds(),
	}
	if attempt.Err != nil {
		fields["error"] = attempt.Err.Error()
		tflog.Warn(ctx, "Cloudflare API request got no response", fields)
		return
	}
	fields["status"], fields["cf_ray"] = attempt.Status, attempt.Ray
	if len(attempt.Messages) > 0 {
		fields["messages"] = attempt.Messages
	}
	tflog.Debug(ctx, "Cloudflare API request", fields)
}
