# What a person does with this checkout. Each target calls a script, which does the work and can be run by itself.

.DEFAULT_GOAL := help
.PHONY: help setup build image dist test test-compose test-istio test-envoy-gateway test-kubernetes demo observe up bench bench-cache compare scale throughput failover-report soak clients conformance site test-all fmt lint fuzz mutants examples clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## get the pinned tools (Rust, Envoy, registries); a second run changes nothing
	@scripts/setup

build: ## dist/portolan.wasm, dist/libportolan.so and dist/portolan
	@scripts/setup build
	@scripts/build

image: ## dist/portolan-image.tar and dist/portolan-cache-image.tar, for docker load and skopeo; the same commit gives the same bytes
	@scripts/setup build envoy image
	@scripts/build
	@scripts/image

dist: ## dist/release: everything that a release delivers, with checksums; the same commit gives the same bytes
	@scripts/setup build envoy image arm64 macos
	@scripts/build
	@scripts/build-for linux-arm64
	@scripts/build-for macos-arm64
	@scripts/dist

test: ## every check that a change must pass, with how long each took
	@scripts/test

test-compose: ## the compose stacks and the image with a real Docker (as root; minutes)
	@scripts/setup build envoy registries clients image compose
	@scripts/build
	@scripts/test-compose

test-istio: ## a gateway of Istio (as root; minutes, and ten more for the first build of it)
	@scripts/setup build envoy registries istio
	@scripts/build
	@scripts/test-istio

test-envoy-gateway: ## a gateway of Envoy Gateway (as root; minutes, and ten more for the first build of it)
	@scripts/setup build envoy registries envoy-gateway
	@scripts/build
	@scripts/test-envoy-gateway

test-kubernetes: ## the Helm chart on a real Kubernetes node (as root; minutes, and ten more for the first build of it)
	@scripts/setup build envoy registries clients image chart kubernetes
	@scripts/build
	@scripts/test-kubernetes

demo: ## see it work on this machine: make demo FILTER=module has the native module
	@scripts/setup build envoy registries
	@scripts/build
	@PORTOLAN_FILTER=$(or $(FILTER),wasm) scripts/demo

observe: ## watch it run: traffic, faults, Prometheus, alerts, portolan status
	@scripts/setup build envoy clients
	@scripts/build
	@scripts/observe

up: ## run Envoy with a policy: make up POLICY=path/to/portolan.yaml
	@scripts/setup build envoy
	@scripts/build
	@exec scripts/up "$(POLICY)"

bench: ## what the filter costs
	@scripts/setup build envoy registries bench
	@scripts/build
	@.tools/venv/bin/python integration/bench/bench.py

bench-cache: ## a cache tier beside other caches and without one; writes docs/cache-measured.md (a quarter of an hour)
	@scripts/setup build envoy registries cache compare
	@scripts/build
	@scripts/bench-cache

compare: ## Portolan beside nginx, HAProxy, Caddy, Traefik, Varnish, Envoy by hand and a cache; writes docs/comparison.md (a quarter of an hour)
	@scripts/setup build envoy registries compare
	@scripts/build
	@scripts/compare

throughput: ## how many requests one Envoy carries, and how long they take; writes docs/throughput.md (six minutes)
	@scripts/setup build envoy registries bench
	@scripts/build
	@scripts/throughput

scale: ## what many replicas do to registries, computed and checked; writes docs/scale.md
	@scripts/setup build envoy
	@scripts/build
	@scripts/scale

failover-report: ## what clients notice of a failing registry; writes docs/failover-report.md
	@scripts/setup build envoy registries clients
	@scripts/build
	@scripts/failover-report

soak: ## an hour of load, faults and changes of the policy; writes docs/soak.md, with FILTER=module docs/soak-module.md
	@scripts/setup build envoy registries clients
	@scripts/build
	@PORTOLAN_FILTER=$(or $(FILTER),wasm) scripts/soak

clients: ## what works with which client; writes docs/clients.md
	@scripts/setup build envoy registries clients go-clients nerdctl buildx cosign chart
	@scripts/build
	@scripts/client-table

conformance: ## the conformance suite of the distribution spec at a registry and through fronts; writes docs/conformance.md
	@scripts/setup build envoy registries clients cache conformance
	@scripts/build
	@scripts/conformance

site: ## the pages of docs/ as a site with search, in target/site
	@scripts/setup site
	@scripts/site

test-all: ## test, every client, conformance, compose stacks, a gateway of Istio, a Kubernetes node, release, the site, cargo-deny, bench, failover report, mutants and long fuzzing (hours); results in target/test-all
	@scripts/test-all

fmt: ## format the Rust code
	@cargo fmt --all

lint: ## the quick checks alone: format, clippy, shellcheck, licences
	@scripts/setup build envoy shell
	@scripts/test format lint shell deny

fuzz: ## fuzz every target, each for 60 s, and write docs/fuzzing.md: make fuzz SECONDS=60
	@scripts/setup build fuzz
	@scripts/fuzz "$(or $(SECONDS),60)"

mutants: ## change the state machines one place at a time: does a test fail each time? (half an hour; docs/development.md)
	@scripts/setup build mutants
	@scripts/mutants

examples: ## render the example configurations again
	@scripts/setup build chart
	@scripts/build-cli
	@scripts/examples

clean: ## remove what was built; the tools in .tools stay
	@rm -rf target dist
