# Everything that is done with this repository. `make` alone lists it.

# RocksDB and librdkafka take minutes to compile; ccache, where it is there, does it once.
ifneq ($(shell command -v ccache),)
export CC := ccache gcc
export CXX := ccache g++
endif
# Right after scripts/setup has installed Rust, no shell knows of it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO := cargo
PROGRAMS := --package kleos --package kleos-test-kit --package kleos-e2e

.PHONY: help
help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: setup
setup: ## Installs what is missing to build and run Kleos
	@scripts/setup

.PHONY: setup-kafka
setup-kafka:
	@scripts/setup --kafka

.PHONY: setup-bench
setup-bench:
	@scripts/setup --kafka --bench

.PHONY: build
build: setup ## Builds the programs for use: target/release/kleos
	$(CARGO) build --release --locked $(PROGRAMS) --bins

.PHONY: demo
demo: build ## Shows everything on the embedded log (ARGS=--once ends by itself)
	$(CARGO) run --quiet --release --locked --package kleos-e2e --bin demo -- $(ARGS)

.PHONY: demo-kafka
demo-kafka: setup-kafka build ## Shows the same on a real Kafka, each service a process
	$(CARGO) run --quiet --release --locked --package kleos-e2e --bin demo -- --kafka $(ARGS)

.PHONY: test
test: setup-kafka ## Runs all tests, with a real Kafka and registry
	@scripts/test

.PHONY: prove-exactly-once
prove-exactly-once: setup-kafka ## Kills services under load and has the outcome accounted for
	@scripts/prove $(ARGS)

.PHONY: prove-gateway
prove-gateway: setup-kafka ## Kills gateway and broker under load and has the receipts accounted for
	@scripts/prove-gateway $(ARGS)

.PHONY: lint
lint: setup ## Checks formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings

.PHONY: bench
bench: setup-kafka ## Measures the rules-processor beside Kafka Streams
	@bench/run $(ARGS)

.PHONY: bench-gateway
bench-gateway: setup-bench ## Measures the gateway beside its peers, and beside HTTP alone
	@bench/gateway/run $(ARGS)

.PHONY: clean
clean: ## Removes what was built, and the data of demonstrations and tests
	$(CARGO) clean
	rm -rf var
