// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

// Command sbom writes the software bill of materials of a release archive, in
// CycloneDX's JSON. All that it knows of the modules comes from the build info
// that Go links into a binary, so it names what is in there and nothing else. The
// same archive has the same bill: nothing in it depends on when and where it was
// written.
package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// release is what the build info does not hold, since releases are built without
// a look at git.
type release struct {
	version string
	commit  string
	time    time.Time
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "`path` of the bill")
	version := flags.String("version", "", "version of the release")
	commit := flags.String("commit", "", "commit that was built")
	seconds := flags.Int64("time", 0, "time of that commit, in `seconds` since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *out == "" || *version == "" || *commit == "" || *seconds == 0 {
		return errors.New("usage: sbom -version 1.2.3 -commit HASH -time SECONDS -out FILE ARCHIVE")
	}

	archive, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return err
	}
	bom, err := bill(filepath.Base(flags.Arg(0)), archive, release{*version, *commit, time.Unix(*seconds, 0).UTC()})
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return os.WriteFile(*out, b.Bytes(), 0o644) //nolint:gosec // A release's file, for everybody to read.
}

// bill describes the archive of this name: a zip with one Go program.
func bill(name string, archive []byte, r release) (*cdx.BOM, error) {
	binary, err := program(archive)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}

	sum := sha256.Sum256(archive)
	provider := module(info.Main.Path, "v"+r.version)
	provider.Type = cdx.ComponentTypeApplication
	provider.Name = path.Base(info.Main.Path)
	provider.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}
	provider.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "MPL-2.0"}}}
	provider.ExternalReferences = &[]cdx.ExternalReference{
		{Type: cdx.ERTypeVCS, URL: "https://" + info.Main.Path, Comment: "commit " + r.commit},
	}
	provider.Properties = properties(name, info)

	components := []cdx.Component{module("stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		component := module(dep.Path, dep.Version)
		if dep.Sum != "" {
			component.Properties = &[]cdx.Property{{Name: "go:sum", Value: dep.Sum}}
		}
		components = append(components, component)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })

	bom := cdx.NewBOM()
	bom.SerialNumber = serialNumber(sum)
	bom.Metadata = &cdx.Metadata{Timestamp: r.time.Format(time.RFC3339), Component: &provider}
	bom.Components = &components
	return bom, nil
}

// program returns the one program in an archive.
func program(archive []byte) ([]byte, error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	for _, file := range files.File {
		if !strings.HasPrefix(file.Name, "terraform-provider-") {
			continue
		}
		content, err := file.Open()
		if err != nil {
			return nil, err
		}
		defer content.Close()
		return io.ReadAll(content)
	}
	return nil, errors.New("there is no terraform-provider-… in it")
}

// module describes a Go module; the standard library passes for one called stdlib,
// as it does in the Go vulnerability database.
func module(modulePath, version string) cdx.Component {
	purl := "pkg:golang/" + modulePath + "@" + url.QueryEscape(version)
	return cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: modulePath, Version: version, PackageURL: purl}
}

// properties tell how the program was built.
func properties(archive string, info *debug.BuildInfo) *[]cdx.Property {
	list := []cdx.Property{{Name: "archive", Value: archive}, {Name: "go:version", Value: info.GoVersion}}
	for _, setting := range info.Settings {
		list = append(list, cdx.Property{Name: "go:build:" + strings.TrimPrefix(setting.Key, "-"), Value: setting.Value})
	}
	return &list
}

// serialNumber makes a UUID, version 8, of an archive's hash.
func serialNumber(sum [sha256.Size]byte) string {
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return "urn:uuid:" + strings.Join([]string{
		hex.EncodeToString(id[:4]), hex.EncodeToString(id[4:6]), hex.EncodeToString(id[6:8]),
		hex.EncodeToString(id[8:10]), hex.EncodeToString(id[10:]),
	}, "-")
}
