# Every target is a few lines; `make` lists them. Needs root where the lab has to install or start something.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_HOME := $(CURDIR)/.ansible
export PYTHONPATH := $(CURDIR):$(CURDIR)/files/event_service:$(CURDIR)/.ansible/collections
PYTEST := pytest -q -p no:cacheprovider

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: environment ## build a virtual rig, deploy it, run one event, open page and report
	@python -m tests.demo

demo-down: environment ## remove the demo's machines and its disk
	@python tests/lab down --name demo

check: environment ## lint and unit tests, under 2 minutes
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint unit

lint: environment ## ruff, yamllint, ansible-lint, shellcheck
	@python -m tests.lint

unit: environment ## tests that need nothing but Python
	@$(PYTEST) -m "not real and not lab and not soak"

test: check packages ## all that CI runs, under 30 minutes
	@$(PYTEST) -m "real and not lab and not soak"
	@$(MAKE) --no-print-directory molecule
	@$(PYTEST) -m "lab and not soak"

molecule: packages ## the whole site on the lab: converge, idempotence, verify
	@molecule test --scenario-name site

soak: packages ## hours: kill, leak and load proofs at full count
	@$(PYTEST) --timeout=7200 -m soak

bench: packages ## measured beside a reference; ONLY=P1 runs one row
	@python -m tests.bench $(ONLY)

clean: environment ## remove what runs; names the cache and leaves it
	@python tests/lab clean

distclean: environment ## remove what runs and the cache
	@python tests/lab distclean

environment: ## Python, Go and the collection link in .venv (others depend on it)
	@sh tests/environment.sh

packages: environment ## Debian packages that the tests use, where missing
	@python -m tests.lab.packages

.PHONY: help demo demo-down check lint unit test molecule soak bench clean distclean environment packages
