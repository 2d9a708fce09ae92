// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// archive zips this test's own executable, a Go program with dependencies.
func archive(t *testing.T, name string) string {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	files := zip.NewWriter(&b)
	for file, content := range map[string][]byte{"LICENSE": []byte("free"), name: content} {
		w, err := files.CreateHeader(&zip.FileHeader{Name: file, Method: zip.Store})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "terraform-provider-x_1.2.3_linux_amd64.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, archive string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bom.cdx.json")
	if err := run([]string{"-version", "1.2.3", "-commit", "0123abc", "-time", "1700000000", "-out", out, archive}, io.Discard); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestBillFitsTheSchema(t *testing.T) {
	t.Parallel()
	// The library brings the schemas along.
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{
		"bom-1.6.schema.json":  "bom-1.6.schema.json",
		"spdx.schema.json":     "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	bom, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, archive(t, "terraform-provider-x_v1.2.3"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(bom); err != nil {
		t.Error(err)
	}
}

func TestBillNamesEveryModule(t *testing.T) {
	t.Parallel()
	path := archive(t, "terraform-provider-x_v1.2.3")
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(write(t, path)), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, component := range *bom.Components {
		found[component.Name] = component.Version
	}
	if len(found) != len(info.Deps)+1 {
		t.Errorf("%d components for %d dependencies and the standard library", len(found), len(info.Deps))
	}
	for _, dep := range info.Deps {
		if found[dep.Path] != dep.Version {
			t.Errorf("%s: got %q, want %s", dep.Path, found[dep.Path], dep.Version)
		}
	}
	if got := "go" + found["stdlib"]; got != info.GoVersion {
		t.Errorf("standard library: got %s, want %s", got, info.GoVersion)
	}
	if got := bom.Metadata.Timestamp; got != "2023-11-14T22:13:20Z" {
		t.Errorf("time: %s", got)
	}
}

func TestBillIsReproducible(t *testing.T) {
	t.Parallel()
	path := archive(t, "terraform-provider-x_v1.2.3")
	if !bytes.Equal(write(t, path), write(t, path)) {
		t.Error("two bills of one archive differ")
	}
}

func TestNoBill(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"usage":                  {"x.zip"},
		"no such file":           {"-version=1", "-commit=1", "-time=1", "-out=x", filepath.Join(t.TempDir(), "none.zip")},
		"there is no terraform-": {"-version=1", "-commit=1", "-time=1", "-out=x", archive(t, "something-else")},
	} {
		if err := run(args, io.Discard); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
