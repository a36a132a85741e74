# The verbs. Each sets up what it needs; nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Without compiled files each of the thousand short processes would compile all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help packages demo test check fix bench lock clean

help: ## Show the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements.lock bootstrap.sh
	@PYTHON="$(PYTHON)" ./bootstrap.sh $(VENV)
	@touch $@

packages: ## Install the Debian packages that the lab's devices and hosts need (root)
	@./host-packages.sh

demo: $(READY) packages ## Provision the reference city on the lab, end to end
	@PATH="$(CURDIR)/$(BIN):$$PATH" ./demo.sh

test: $(READY) packages ## Run everything: check, then the contract and lab tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n 2 --dist loadscope tests/contract tests/lab

check: $(READY) ## Format, lint, types, import contracts, unit tests, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -n 2 --dist worksteal --ignore tests/contract --ignore tests/lab

fix: $(READY) ## Format, and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## Measure; prints figures, judges nothing
	@$(BIN)/python -m tests.bench

lock: $(READY) ## Pin the newest versions that fit, ours and the lab's
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra dev --no-header \
	  -o requirements.lock pyproject.toml requirements.in --upgrade
	@cd orchestrator/lab && "$(CURDIR)/$(BIN)/uv" pip compile -q --universal --generate-hashes \
	  --python-version 3.11 --no-header -o requirements.lock requirements.in --upgrade

clean: ## Stop the lab and remove what was made here
	@if [ -x $(BIN)/orchestrator ]; then $(BIN)/orchestrator lab down || true; fi
	rm -rf $(VENV) .lab .lab-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
