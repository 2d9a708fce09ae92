// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/terraformtest"
)

// releaseFlags build as a release is built.
var releaseFlags = []string{"build", "-trimpath", "-tags=nethttpomithttp2", "-ldflags=-s -w -X main.version=0.0.1"}

func buildRelease(ctx context.Context, dir string) (string, error) {
	root, err := terraformtest.Root(ctx)
	if err != nil {
		return "", err
	}
	return build(ctx, root, filepath.Join(dir, "provider"))
}

// emptyProvider is what a provider of the plugin framework costs that does
// nothing.
const emptyProvider = `package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

var version = "dev"

type empty struct{}

func (empty) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "empty", version
}
func (empty) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (empty) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (empty) Resources(context.Context) []func() resource.Resource                             { return nil }
func (empty) DataSources(context.Context) []func() datasource.DataSource                       { return nil }

func main() {
	debug := flag.Bool("debug", false, "")
	flag.Parse()
	err := providerserver.Serve(context.Background(), func() provider.Provider { return empty{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/example/empty", Debug: *debug})
	if err != nil {
		log.Fatal(err)
	}
}
`

// buildEmpty builds the empty provider.
func buildEmpty(ctx context.Context, dir string) (string, error) {
	root, err := terraformtest.Root(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := writeEmpty(root, dir); err != nil {
		return "", err
	}
	return build(ctx, dir, filepath.Join(dir, "empty-provider"))
}

// writeEmpty writes the empty provider as a module of its own, with the very
// versions of this one.
func writeEmpty(root, dir string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "main.go"), []byte(emptyProvider), 0o600)
}

func build(ctx context.Context, dir, binary string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", append(releaseFlags, "-o", binary, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return binary, nil
}

// timeSchema starts a provider as terraform does and asks for its schemas. The
// answer is read, and not decoded: that would be terraform's time.
func timeSchema(ctx context.Context, binary string) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	started := time.Now()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(),
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		"PLUGIN_PROTOCOL_VERSIONS=6")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // It is killed, and says so.
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, err
	}
	// Core protocol | provider protocol | network | address | gRPC | certificate.
	handshake := strings.Split(line, "|")
	if len(handshake) < 5 {
		return 0, fmt.Errorf("unexpected handshake %q", line)
	}
	conn, err := grpc.NewClient("unix:"+handshake[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var answer []byte
	if err := conn.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", []byte{}, &answer, grpc.ForceCodecV2(raw{})); err != nil {
		return 0, err
	}
	if len(answer) == 0 {
		return 0, errors.New("no schemas")
	}
	return time.Since(started), nil
}

// raw is for messages that are left as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("unable to send %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(message)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unable to receive %T", v)
	}
	var err error
	*message, err = io.ReadAll(data.Reader())
	return err
}
