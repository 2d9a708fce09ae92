// Copyright (c) The terraform-provider-cloudflare-pagerduty Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty/internal/testing/terraformtest"
)

const (
	module = "github.com/seed-bcdb0ca7/terraform-provider-cloudflare-pagerduty"
	// How much larger than an empty provider this one may be, and how much slower to
	// start: a start of some 35 ms varies by a few per cent.
	sizeTolerance, startTolerance = 1.05, 1.1
	// starts is how often each provider is started at least.
	starts = 20
	// maxInitAllocs lets a package create its error values before main, and no
	// more: one regular expression takes more.
	maxInitAllocs = 10
)

// releaseFlags are those of .goreleaser.yml, which TestReleaseFlags holds them to.
var releaseFlags = []string{"-trimpath", "-tags=nethttpomithttp2,grpcnotrace", "-ldflags=-s -w -X main.version=0.0.1"}

// buildRelease builds this provider and the empty one as a release is built.
func buildRelease(b *testing.B) (provider, empty string) {
	b.Helper()
	dir := b.TempDir()
	build := func(name, pkg string) string {
		binary := filepath.Join(dir, name)
		cmd := exec.CommandContext(b.Context(), "go", append(append([]string{"build", "-o", binary}, releaseFlags...), pkg)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, output)
		}
		return binary
	}
	return build("provider", module), build("empty", "./testdata/empty")
}

// reportRatio reports what both providers take, and fails if this one takes too
// much more.
func reportRatio(b *testing.B, provider, empty float64, unit string, tolerance float64) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // The time of one iteration means nothing here.
	b.ReportMetric(provider, "provider-"+unit)
	b.ReportMetric(empty, "empty-"+unit)
	b.ReportMetric(provider/empty, "ratio")
	if provider > tolerance*empty {
		b.Errorf("the provider takes %.2f %s, an empty one %.2f", provider, unit, empty)
	}
}

func TestReleaseFlags(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("../../../.goreleaser.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"- CGO_ENABLED=0\n", "- -trimpath\n", "- nethttpomithttp2 ", "- grpcnotrace\n", "- -s -w -X main.version={{ .Version }}\n"} {
		if !strings.Contains(string(config), part) {
			t.Errorf("a release is built without %q", part)
		}
	}
}

func BenchmarkSize(b *testing.B) {
	provider, empty := buildRelease(b)
	size := func(path string) float64 {
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return float64(info.Size()) / (1 << 20)
	}
	var actual, least float64
	for b.Loop() {
		actual, least = size(provider), size(empty)
	}
	reportRatio(b, actual, least, "MiB", sizeTolerance)
}

// BenchmarkStart starts both providers in turns until they have returned their
// schemas. The fastest start of each counts: whatever else the machine does makes
// a start slower, never faster.
func BenchmarkStart(b *testing.B) {
	provider, empty := buildRelease(b)
	fastest := map[string]time.Duration{}
	for b.Loop() {
		for i := range 2 * starts {
			binary := []string{provider, empty}[i%2]
			took, err := timeSchema(b.Context(), binary)
			if err != nil {
				b.Fatal(err)
			}
			if best, ok := fastest[binary]; !ok || took < best {
				fastest[binary] = took
			}
		}
	}
	reportRatio(b, fastest[provider].Seconds()*1e3, fastest[empty].Seconds()*1e3, "ms", startTolerance)
}

// timeSchema starts a provider as terraform does and requests its schemas. The
// response is not decoded: that would be terraform's time.
func timeSchema(ctx context.Context, binary string) (time.Duration, error) {
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
		_ = cmd.Wait() // The error is that it was killed.
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
	schemas := &emptypb.Empty{} // The whole response ends up in its unknown fields.
	if err := conn.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", &emptypb.Empty{}, schemas); err != nil {
		return 0, err
	}
	if len(schemas.ProtoReflect().GetUnknown()) == 0 {
		return 0, fmt.Errorf("%s has no schemas", filepath.Base(binary))
	}
	return time.Since(started), nil
}

// TestStartsWithoutWork checks that the provider's own packages do nothing before
// main. What the runtime allocates at the same moment counts too, so the fewest of
// three starts are taken.
func TestStartsWithoutWork(t *testing.T) {
	t.Parallel()
	// init PACKAGE @19 ms, 0.004 ms clock, 504 bytes, 8 allocs
	own := regexp.MustCompile(`(?m)^init (main|` + module + `\S*) .* (\d+) allocs$`)
	fewest := map[string]int{}
	for range 3 {
		var trace bytes.Buffer
		cmd := exec.CommandContext(t.Context(), terraformtest.Provider(t))
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		cmd.Stderr = &trace
		_ = cmd.Run() // Without a terraform it says that it is a plugin, and exits.
		if !strings.Contains(trace.String(), "init ") {
			t.Fatalf("no trace:\n%s", trace.String())
		}
		for _, found := range own.FindAllStringSubmatch(trace.String(), -1) {
			allocs, err := strconv.Atoi(found[2])
			if err != nil {
				t.Fatal(err)
			}
			if before, ok := fewest[found[1]]; !ok || allocs < before {
				fewest[found[1]] = allocs
			}
		}
	}
	for name, allocs := range fewest {
		if allocs > maxInitAllocs {
			t.Errorf("%s makes %d allocations before main", name, allocs)
		}
	}
}
