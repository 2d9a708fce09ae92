# Needs Go alone. Tools are built from tools/go.mod; the tests and the demo get
# themselves a terraform if there is none.

.POSIX:

TOOL = go tool -modfile=tools/go.mod
GORELEASER = go tool -modfile=tools/release/go.mod goreleaser
ACTIONLINT = go tool -modfile=tools/workflows/go.mod actionlint
TERRAFORM = $$(command -v terraform || command -v tofu)

# What is in the user's own CLI configuration, an override of this provider
# say, must not change what a test sees.
HERMETIC = TF_CLI_CONFIG_FILE=/dev/null

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## Build the provider into this folder
	go build .

.PHONY: install
install: ## Build the provider into GOBIN, for a dev_overrides block to point at
	go install .

.PHONY: demo
demo: ## Connect, read and disconnect with terraform, on a stand-in for the API
	$(HERMETIC) go run ./internal/demo

.PHONY: test
test: ## Run every test, under the race detector
	$(HERMETIC) go test -race -count 1 -timeout 20m ./...

# How long each fuzz target searches. What it finds goes to testdata/fuzz, to be
# kept: test runs it from then on.
FUZZTIME = 1m

.PHONY: fuzz
fuzz: ## Search for failures with each fuzz target, for FUZZTIME each
	@for file in $$(grep -l '^func Fuzz' internal/*/*_test.go); do \
		for name in $$(sed -n 's/^func \(Fuzz[^(]*\).*/\1/p' "$$file"); do \
			echo "$$name" && $(HERMETIC) go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "./$${file%/*}" || exit; \
		done; \
	done

BENCHCOUNT = 6

.PHONY: bench
bench: ## Measure the client, the provider, its start and its size
	@results=$$(mktemp) && trap 'rm -f "$$results"' EXIT && \
	$(HERMETIC) go test -run '^$$' -bench . -benchmem -count $(BENCHCOUNT) ./internal/cloudflare ./internal/provider >"$$results" && \
	$(TOOL) benchstat "$$results"
	@$(HERMETIC) go run ./internal/bench

# How many random walks to take.
WALKS = 1000

.PHONY: walk
walk: ## Take WALKS random walks over what can happen, and check what always holds
	$(HERMETIC) go test ./internal/provider -run '^TestWalk$$' -rapid.checks $(WALKS) -timeout 0

.PHONY: vuln
vuln: ## Look for known vulnerabilities; fails without a way to their database
	@sh .ci/vuln

# The first time, goreleaser is built, which takes minutes.
TEST_INSTALL = $(HERMETIC) go test -tags install -count 1 -timeout 60m ./internal/installtest

.PHONY: test-install
test-install: ## Build a release, install it from a registry and from a mirror, run it
	$(TEST_INSTALL)

.PHONY: test-install-all
test-install-all: ## The same, with the release built for every platform
	$(TEST_INSTALL) -all

.PHONY: fmt
fmt: fmt-examples ## Format Go and Terraform code
	$(TOOL) golangci-lint fmt

.PHONY: fmt-examples
fmt-examples:
	@if [ -n "$(TERRAFORM)" ]; then \
		$(HERMETIC) "$(TERRAFORM)" fmt -recursive examples; \
	else \
		echo "examples/ not formatted: neither terraform nor tofu is on PATH"; \
	fi

.PHONY: vet
vet: ## Run go vet
	go vet ./...

.PHONY: lint
lint: ## Run the linters of .golangci.yml, and check that file itself
	$(TOOL) golangci-lint config verify
	$(TOOL) golangci-lint run

.PHONY: release-check
release-check: ## Check .goreleaser.yml, which says how releases are made
	$(GORELEASER) check

# For the release workflow: a draft, with the notes in the file NOTES.
.PHONY: release
release:
	$(GORELEASER) release --clean --draft --release-notes "$(NOTES)"

.PHONY: check-workflows
check-workflows: ## Check the workflows of .github
	$(ACTIONLINT)
	@! grep -n 'uses: [^.]' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$$' || \
		{ echo "not pinned by commit hash, with the version beside it"; exit 1; }

# Needs neither a terraform nor the network: the schemas come from docsgen. The
# tools say much when all is well, and only errors are let through.
.PHONY: generate
generate: fmt-examples ## Write docs/ from the schemas, templates/ and examples/
	@schemas=$$(mktemp) && trap 'rm -f "$$schemas"' EXIT && \
	go run ./internal/docsgen >"$$schemas" && \
	$(TOOL) tfplugindocs generate --providers-schema "$$schemas" \
		--provider-name pagerduty --rendered-provider-name "Cloudflare PagerDuty" >/dev/null && \
	log=$$($(TOOL) tfplugindocs validate --providers-schema "$$schemas" \
		--provider-name pagerduty 2>&1) || { echo "$$log"; exit 1; }

.PHONY: check-generated
check-generated: generate ## Fail if docs/ is not what generate writes and git has
	@stale=$$(git status --porcelain -- docs examples) && [ -z "$$stale" ] || { \
		echo "not fresh, or not committed (make generate):"; \
		echo "$$stale"; git --no-pager diff -- docs examples; exit 1; }

.PHONY: picture
picture: ## Draw a run of the demo, for the README
	@picture=$$(mktemp) && trap 'rm -f "$$picture"' EXIT && \
	$(HERMETIC) go run ./internal/picture >"$$picture" && \
	mkdir -p assets && cat "$$picture" >assets/demo.svg

.PHONY: check-picture
check-picture: picture ## Fail if the picture is not what picture draws and git has
	@stale=$$(git status --porcelain -- assets) && [ -z "$$stale" ] || { \
		echo "not fresh, or not committed (make picture):"; \
		git --no-pager diff -- assets; exit 1; }

.PHONY: clean
clean: ## Remove what was built
	rm -rf dist terraform-provider-cloudflare-pagerduty terraform-provider-cloudflare-pagerduty.exe
