# As root or not, again and again: what is done already is not done twice.

PYTHON := .venv/bin/python
# caches are each user's own: one's run never meets files of another's
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/isobuild
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
# over the cores, a file's tests on one; each worker has servers and a build user of its own
SPREAD := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis

.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test check install lock bench dist clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s%s\n", $$1, $$2 }' Makefile

setup: ## install what running needs: Debian's packages, and Python's into .venv; nothing is started
	@scripts/setup run

setup-test:
	@scripts/setup test

run: setup ## start isobuild and build a first ISO; with UNTIL_EMPTY=1 end when nothing is left to build
	@.venv/bin/isobuild up --first tiny $(if $(UNTIL_EMPTY),--until-empty)

test: setup-test ## run every test; TESTS="..." narrows it down, as pytest takes it
	$(PYTHON) -m pytest -o cache_dir=$(CACHE)/pytest $(SPREAD) $(TESTS)

check: setup-test ## look at the source without running it: style, types, shell scripts, rules
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q -p no:cacheprovider tests/test_layers.py tests/test_repository.py

install: ## make this machine a server of isobuild, as docs/install.md tells
	@scripts/install

lock: setup-test ## make uv.lock anew after a change of the dependencies
	scripts/lock

bench: setup-test ## measure
	$(PYTHON) -m bench

dist: setup ## build the wheel into dist/
	.venv/bin/uv build --quiet --wheel --no-build-isolation --python $(PYTHON) --out-dir dist
	@ls dist/*.whl

clean: ## remove what these made here
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
