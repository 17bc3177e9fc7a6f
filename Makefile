# Two commands are all that a newcomer needs: `make demo` and `make test`. Both set themselves up.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.upshift-ready
PROTOS := $(wildcard protos/upshift/v1/*.proto)

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt .ci/setup
	@.ci/setup

setup: $(READY) ## Install everything into .venv (done by the others too)

demo: $(READY) ## Route 300 fresh requests over three real tiers and draw what it saves
	@$(BIN)/upshift demo $(ARGS)

test: $(READY) ## Run the tests, a process a core (one after the other with ARGS="-n 0")
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

coverage: $(READY) ## Count the branches that the tests take, by file, as in ARGS="tests/router"
	@$(BIN)/python -m pytest -q --cov=router --cov=policies --cov-branch --cov-report=term-missing:skip-covered $(ARGS)

fuzz: $(READY) ## Look for inputs that break parsers, as in ARGS="--minutes 5 --target sse"
	@$(BIN)/python -m tests.fuzz $(ARGS)

check: $(READY) ## Lint, types, protos, and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy router backends policies examples tests
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code
	@$(BIN)/python -m pytest -q tests/architecture

format: $(READY) ## Put the code into its one layout
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@$(BIN)/buf format --write

protos: $(READY) ## Generate the stubs from protos/
	@$(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos --grpc_python_out=protos \
		--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --mypy_out=quiet:protos \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:protos $(PROTOS)

bench-overhead: $(READY) ## Measure what routing adds to a bare gRPC echo
	@$(BIN)/python -m tests.bench.overhead $(ARGS)

bench-core: $(READY) ## Measure what a request costs beside gRPC itself, in CPU time
	@$(BIN)/python -m tests.bench.core $(ARGS)

bench-pages: $(READY) ## Measure what the pages at /ui add to a request, and what a look at them takes
	@$(BIN)/python -m tests.bench.pages $(ARGS)

bench-load: $(READY) ## Overload, stop, leave, soak and kill a server, and count what is lost
	@$(BIN)/python -m tests.bench.overload $(ARGS)

bench-gateway: $(READY) ## Measure a request over gRPC and HTTP beside LiteLLM's proxy and a bare echo
	@tests/bench/gateway/install_litellm.sh
	@$(BIN)/python -m tests.bench.gateway $(ARGS)

bench-edge: $(READY) ## Measure the edge tier against llama.cpp's own servers
	@$(BIN)/python -m tests.bench.edge $(ARGS)

bench-quantize: $(READY) ## Measure size, speed and quality of the pocket model's quantisations
	@$(BIN)/python -m tests.bench.quantize $(ARGS)

bench-probes: $(READY) ## Measure what probes tell of the pocket family's answers, and what they cost
	@$(BIN)/python -m tests.bench.probes $(ARGS)

bench-arms: $(READY) ## Measure whether asking a tier several times pays
	@$(BIN)/python -m tests.bench.arms $(ARGS)

bench-routing: $(READY) ## Compare policies on recorded outcomes of real models
	@$(BIN)/python -m tests.bench.routing $(ARGS)

bench-transport: $(READY) ## Measure what a request to a provider costs over each HTTP transport
	@$(BIN)/python -m tests.bench.transport $(ARGS)

bench-budget: $(READY) ## Measure what limits and budgets of tenants add to a request
	@$(BIN)/python -m tests.bench.budget $(ARGS)

bench-local: $(READY) ## Measure the local tier with 1, 4 and 8 callers against transformers' generate()
	@$(BIN)/python -m tests.bench.local $(ARGS)

bench-certify: $(READY) ## Count how often certificates break their word
	@$(BIN)/python -m tests.bench.certify $(ARGS)

bench-pocket: $(READY) ## Certify the pocket tiers, serve 2,000 requests over gRPC, and check the promise
	@$(BIN)/python -m tests.bench.pocket $(ARGS)

bench-abort: $(READY) ## Measure what stopping doubtful answers early saves and loses
	@$(BIN)/python -m tests.bench.abort $(ARGS)

bench-moe: $(READY) ## Measure experts offloaded beside resident ones and accelerate's offload
	@$(BIN)/python -m tests.bench.moe $(ARGS)

bench-moe-gpu: $(READY) ## Measure experts offloaded from an NVIDIA GPU at the shapes of real models
	@$(BIN)/python -m tests.bench.moe_gpu $(ARGS)

bench-drafts: $(READY) ## Measure whether showing rejected answers to the next tier pays
	@$(BIN)/python -m tests.bench.drafts $(ARGS)

bench-reload: $(READY) ## Reload the configuration 1,000 times under load and count what is lost
	@$(BIN)/python -m tests.bench.reload $(ARGS)

bench-observing: $(READY) ## Measure what metrics, traces and log lines cost a request
	@$(BIN)/python -m tests.bench.observing $(ARGS)
bench-documents: $(READY) ## Measure documents on public samples: make bench-documents ARGS="--data DIR"
	@$(BIN)/python -m tests.bench.documents $(ARGS)

clean: ## Remove .venv and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis out
