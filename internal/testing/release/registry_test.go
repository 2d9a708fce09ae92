// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build install

package release

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	providersPath = "/v1/providers/"
	filesPath     = "/files/"
	address       = "seed-bcdb0ca7/cloudflare-pagerduty"
)

// registry speaks the provider registry protocol for one provider:
// https://developer.hashicorp.com/terraform/internals/provider-registry-protocol
// As at the real ones, what it tells of a release comes from the release's files.
type registry struct {
	url      string
	releases []release
	keys     []key
	// shasum, unless empty, is told of every zip in place of what is in the list of checksums.
	shasum string
}

// serve starts the registry for the time of a test.
func (r *registry) serve(t *testing.T) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+providersPath+address+"/versions", r.versions)
	mux.HandleFunc("GET "+providersPath+address+"/{version}/download/{os}/{arch}", r.download)
	mux.HandleFunc("GET "+filesPath+"{version}/{name}", r.file)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.url = server.URL
}

// host makes terraform and tofu use this registry in place of their own.
func (r *registry) host() string {
	var config strings.Builder
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		fmt.Fprintf(&config, "host %q {\n  services = {\n    \"providers.v1\" = %q\n  }\n}\n", host, r.url+providersPath)
	}
	return config.String()
}

type object = map[string]any

func (r *registry) versions(w http.ResponseWriter, _ *http.Request) {
	var versions []object
	for _, release := range r.releases {
		var platforms []object
		for _, platform := range release.platforms() {
			system, arch, _ := strings.Cut(platform, "_")
			platforms = append(platforms, object{"os": system, "arch": arch})
		}
		versions = append(versions, object{"version": release.version, "protocols": release.protocols(), "platforms": platforms})
	}
	respond(w, object{"versions": versions})
}

func (r *registry) download(w http.ResponseWriter, request *http.Request) {
	release, ok := r.release(request.PathValue("version"))
	name := release.zip(request.PathValue("os") + "_" + request.PathValue("arch"))
	if _, found := release.files[name]; !ok || !found {
		http.NotFound(w, request)
		return
	}
	var keys []object
	for _, key := range r.keys {
		public, err := key.public()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		keys = append(keys, object{"key_id": key.id(), "ascii_armor": public})
	}
	shasum := r.shasum
	if shasum == "" {
		shasum = release.checksums()[name]
	}
	files := r.url + filesPath + release.version + "/"
	respond(w, object{
		"protocols":             release.protocols(),
		"os":                    request.PathValue("os"),
		"arch":                  request.PathValue("arch"),
		"filename":              name,
		"download_url":          files + name,
		"shasum":                shasum,
		"shasums_url":           files + release.sums(),
		"shasums_signature_url": files + release.signature(),
		"signing_keys":          object{"gpg_public_keys": keys},
	})
}

func (r *registry) file(w http.ResponseWriter, request *http.Request) {
	release, _ := r.release(request.PathValue("version"))
	content, ok := release.files[request.PathValue("name")]
	if !ok {
		http.NotFound(w, request)
		return
	}
	_, _ = w.Write(content) // A client that has gone needs no response.
}

func (r *registry) release(version string) (release, bool) {
	for _, release := range r.releases {
		if release.version == version {
			return release, true
		}
	}
	return release{}, false
}

// protocols are in the manifest, which is why there is one.
func (r release) protocols() []string {
	var manifest struct {
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		} `json:"metadata"`
	}
	if json.Unmarshal(r.files[r.name("manifest.json")], &manifest) != nil {
		return nil
	}
	return manifest.Metadata.ProtocolVersions
}

func respond(w http.ResponseWriter, body object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // A client that has gone needs no response.
}
