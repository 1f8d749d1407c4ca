# The commands: `make check`, `make lab` and `make test`. Each does its own set-up. `make help` lists the rest.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(if $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))
VENV ?= .venv
BIN := $(VENV)/bin
RUST := Cargo.toml Cargo.lock
CORE := $(RUST) pyproject.toml $(shell find rust_core -name '*.rs' -o -name Cargo.toml)
ENGINE := $(RUST) hotlap/pyproject.toml $(shell find hotlap/src -name '*.rs') hotlap/Cargo.toml
LADDER := $(CORE) ladder/pyproject.toml $(shell find ladder -name '*.rs' -o -name Cargo.toml)
ARGS ?=
# Tests that run side by side; those that measure run alone.
WORKERS ?= 2
# The engine as `make check` tests it: a debug build in a folder of its own, so that what is measured stays as it was built.
DEBUG_ENGINE := target/check/debug/libhotlap_engine.so

# Without make's own flags: cargo would look for the job server that they name.
CARGO := env -u MAKEFLAGS -u MFLAGS cargo

export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.DEFAULT_GOAL := help
.PHONY: help tools build lab serve check test test-rust test-unit test-python test-versions lint format bench bench-load bench-core bench-boundary bench-where bench-memory bench-rsgi bench-stacks callgrind abuse fuzz loom miri docs planted wheels pin clean

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools:
	@scripts/check-tools "$(PYTHON)"

$(VENV)/.deps: requirements/dev.txt | tools
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

$(VENV)/.rsgi: $(VENV)/.deps falcon_rsgi/pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable ./falcon_rsgi
	@touch $@

$(VENV)/.core: $(VENV)/.rsgi $(CORE)
	$(BIN)/maturin develop --quiet --locked
	@touch $@

$(VENV)/.engine: $(VENV)/.deps $(ENGINE)
	$(BIN)/maturin develop --quiet --locked --manifest-path hotlap/Cargo.toml
	@touch $@

$(VENV)/.ladder: $(VENV)/.core $(LADDER)
	$(BIN)/maturin develop --quiet --locked --manifest-path ladder/Cargo.toml
	@touch $@

build: $(VENV)/.core $(VENV)/.engine $(VENV)/.ladder ## Make .venv with all packages in it, as they ship

lab: build ## Serve, verify, load and profile every lane of the service; write the report
	$(BIN)/hotlap run $(ARGS)

serve: build ## Serve the service on 127.0.0.1:8080
	$(BIN)/python -m pyapp $(ARGS)

check: $(VENV)/.deps ## The inner loop: lints, types, Rust tests and unit tests, on debug builds
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target lint test-rust test-unit

test: build lint test-rust test-versions test-python ## Every check, on what ships

lint: $(VENV)/.deps ## Formatting, lints, layers and types of Python and Rust
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy hotlap/python pyapp falcon_rsgi/src ladder/python scripts/abusing
	PYTHONPATH=hotlap/python $(BIN)/lint-imports
	$(CARGO) fmt --all --check
	scripts/third-party --check
	$(CARGO) clippy --quiet --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --quiet --locked --workspace --all-targets --all-features -- -D warnings

test-rust: ## The Rust of all crates, without Python
	$(CARGO) test --quiet --locked --workspace

test-unit: $(VENV)/.deps ## The lab's unit tests on a debug build of the engine, but for the slow ones
	PYO3_PYTHON=$(CURDIR)/$(BIN)/python PYO3_BUILD_EXTENSION_MODULE=1 $(CARGO) build --quiet --locked --target-dir target/check \
		--package hotlap_engine --features python
	PYTHONPATH=hotlap/python HOTLAP_TESTS_ENGINE=$(DEBUG_ENGINE) $(BIN)/pytest --quiet -m "not slow" hotlap/tests/unit

test-python: build ## pytest: the service, Falcon over RSGI, the ladder, the lab, the lab on the service (ARGS="-k name": those alone)
ifeq ($(ARGS),)
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile -m "not measures"
	$(BIN)/pytest -m measures
else
	$(BIN)/pytest $(ARGS)
endif

test-versions: build ## The parts that depend on the interpreter, on each other Python at hand
	$(BIN)/python scripts/test-versions

callgrind: ## Instructions that an iteration of the core's loops executes (valgrind)
	@$(PYTHON) scripts/callgrind

bench: build ## The service against its peers, by the lab; writes docs/benchmarks.md (ARGS=--quick for a look)
	test -d benchmarks/.venv || $(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	cargo build --quiet --release --locked --manifest-path benchmarks/rust/Cargo.toml
	$(BIN)/python benchmarks/bench.py $(ARGS)

bench-core: ## Criterion on the service's core and the ladder: loops, maps, locks, histogram
	cargo bench --quiet --locked --package rust_core --package ladder

bench-load: build ## The load engine beside wrk and Locust's own users, paired in one run
	$(BIN)/python benchmarks/load.py $(ARGS)

bench-boundary: build ## The cost of crossing between Python and Rust; attached and detached (pyperf)
	$(BIN)/python benchmarks/boundary.py --quiet

bench-where: build ## How long /healthz takes while a computing lane is busy, by where it computes
	$(BIN)/python benchmarks/where.py $(ARGS)

bench-memory: build ## Bytes a client, and the map after a million PUTs and DELETEs
	$(BIN)/python benchmarks/memory.py $(ARGS)

bench-rsgi: build ## Falcon over RSGI beside Falcon over ASGI and a bare callable, paired
	$(BIN)/python benchmarks/rsgi.py $(ARGS)

bench-stacks: ## The reading and cleaning of stacks beside the inferno command line
	hotlap/benches/compare_inferno.sh

abuse: build ## Malformed requests, runs and swarms cut off at random moments; writes docs/reliability.md (ARGS=--quick)
	@$(BIN)/python scripts/abuse $(ARGS)

fuzz: ## Each reader of the engine with broken input, a minute each (needs cargo-fuzz)
	hotlap/fuzz/run.sh

loom: ## Every order of threads at the service's histogram (loom)
	RUSTFLAGS="--cfg loom" $(CARGO) test --quiet --locked --target-dir target/loom --package rust_core --lib loom

miri: ## The service's core under Miri (needs a nightly toolchain with it); docs/reliability.md says what is left out
	MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --quiet --locked --target-dir target/miri --package rust_core --lib -- \
		--skip the_article_answers --skip too_many_iterations --skip both_agree --skip readers_see_whole_writes_only

format: build ## Format Python and Rust
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .
	cargo fmt --all

docs: build ## The reference from the code, and the docs as a site in site/
	$(BIN)/python -m hotlap.docgen docs/reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

planted: build ## How often a comparison is wrong here: an A/A series and a planted slowdown (ARGS=--short: 15 min)
	$(BIN)/python benchmarks/planted/series.py --out runs/planted $(ARGS)

wheels: build ## Wheels and sdists of all packages, in dist/
	scripts/release-wheels --sdists
	for crate in rust_core hotlap ladder; do \
		maturin build --quiet --locked --out dist --manifest-path $$crate/Cargo.toml || exit 1; \
	done

pin: build ## Pin the versions anew, in a file that names no address
	$(BIN)/uv pip compile --quiet --upgrade --no-emit-index-url --universal --python-version 3.11 requirements/dev.in -o requirements/dev.txt

clean: ## Remove what was built; runs/ stays
	rm -rf $(VENV) .venv-* target dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f pyapp/*.so hotlap/python/hotlap/*.so ladder/python/ladder/*.so
