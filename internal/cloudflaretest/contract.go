// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package cloudflaretest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var document []byte

// contract is openapi.yaml, read once: it is the same for all servers, and nobody changes it.
var contract = sync.OnceValue(func() *openapi3.T {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document)
	if err == nil {
		err = doc.Validate(loader.Context)
	}
	if err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	return doc
})

var filter = &openapi3filter.Options{
	IncludeResponseStatus:             true,
	RejectWhenRequestBodyNotSpecified: true,
	// Wrong credentials are for the server to response; they do not break the contract.
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	SchemaValidationOptions: []openapi3.SchemaValidationOption{
		openapi3.DisableSchemaErrorDetails(),
	},
}

// destinations matches the paths of the four requests, escaped as they are sent. openapi3's own routers go by the
// decoded path, in which a token with a slash resembles another route.
var destinations = regexp.MustCompile(
	`^` + basePath + `/accounts/([^/]+)/alerting/v3/destinations/pagerduty(/connect(?:/([^/]+))?)?$`)

// match finds the operation that a request is for. The path alone may be known: then input is nil.
func match(r *http.Request) (input *openapi3filter.RequestValidationInput, known bool) {
	groups := destinations.FindStringSubmatch(r.URL.EscapedPath())
	if groups == nil {
		return nil, false
	}
	path := "/accounts/{account_id}/alerting/v3/destinations/pagerduty"
	params := map[string]string{"account_id": unescape(groups[1])}
	if groups[2] != "" {
		path += "/connect"
	}
	if groups[3] != "" {
		path += "/{token_id}"
		params["token_id"] = unescape(groups[3])
	}
	item := contract().Paths.Value(path)
	operation := item.GetOperation(r.Method)
	if operation == nil {
		return nil, true
	}
	return &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Options:    filter,
		Route: &routers.Route{
			Spec: contract(), Path: path, PathItem: item, Method: r.Method, Operation: operation,
		},
	}, true
}

// unescape decodes a part of a path that net/url has already found well-formed.
func unescape(part string) string {
	decoded, err := url.PathUnescape(part)
	if err != nil {
		return part
	}
	return decoded
}

func checkRequest(r *http.Request, input *openapi3filter.RequestValidationInput) error {
	// kin-openapi does not mind parameters that the description does not have.
	if r.URL.RawQuery != "" {
		return errors.New("query not allowed for this request")
	}
	return openapi3filter.ValidateRequest(r.Context(), input)
}

func checkResponse(input *openapi3filter.RequestValidationInput, a response) error {
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 a.status,
		Header:                 a.header,
		Body:                   io.NopCloser(bytes.NewReader(a.body)),
		Options:                filter,
	})
}
