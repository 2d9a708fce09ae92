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

// route is a path of openapi.yaml.
type route struct {
	path    string // with {account_id} and other parameters
	item    *openapi3.PathItem
	matches *regexp.Regexp // matches a path as it is sent, with a group for each parameter
}

// parameter matches a parameter in a path of openapi.yaml that is quoted for a regular expression.
var parameter = regexp.MustCompile(`\\\{(\w+)\\\}`)

// routes are the paths of openapi.yaml. openapi3's own routers go by the decoded path, in which a token with a slash
// is part of another route.
var routes = sync.OnceValue(func() (all []route) {
	for path, item := range contract().Paths.Map() {
		pattern := parameter.ReplaceAllString(regexp.QuoteMeta(basePath+path), `(?P<$1>[^/]+)`)
		all = append(all, route{path: path, item: item, matches: regexp.MustCompile(`^` + pattern + `$`)})
	}
	return all
})

// match finds the operation that a request is for. The path alone may be known: then input is nil.
func match(r *http.Request) (input *openapi3filter.RequestValidationInput, known bool) {
	for _, route := range routes() {
		groups := route.matches.FindStringSubmatch(r.URL.EscapedPath())
		if groups == nil {
			continue
		}
		operation := route.item.GetOperation(r.Method)
		if operation == nil {
			return nil, true
		}
		params := map[string]string{}
		for i, name := range route.matches.SubexpNames()[1:] {
			params[name] = unescape(groups[i+1])
		}
		return &openapi3filter.RequestValidationInput{
			Request:    r,
			PathParams: params,
			Options:    filter,
			Route: &routers.Route{
				Spec: contract(), Path: route.path, PathItem: route.item, Method: r.Method, Operation: operation,
			},
		}, true
	}
	return nil, false
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
