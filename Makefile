# Two commands matter: `make run` and `make test`. README.md has the lines behind them for a machine without make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests at once; each process has a database of its own. One more than cores: a quarter of their time is waiting.
JOBS ?= 3

# $(1) file, $(2) what for, $(3) options. Hashes of all files: it holds on Linux and macOS, Python 3.11 to 3.14.
define compile
	@echo '# Made by `make lock` from pyproject.toml, for $(2).' > $(1).new
	@uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links $(3) >> $(1).new
	@mv $(1).new $(1)
endef

# Python that is told to keep no bytecode would compile the product anew in each of its processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test coverage lint check format bench lock servers chromium clean

##@ Use it

run: $(VENV)/ok ## Run everything with demonstration data; PORT (8000) and DATA_DIR (./var) are honored
	@$(BIN)/python -m app.embedded run

test: $(VENV)/ok chromium ## Run all tests on embedded servers of their own
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

##@ Work on it

check: lint coverage test ## Everything a change has to pass

lint: $(VENV)/ok ## Style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet . || { echo "Not formatted as the rest: run make format"; exit 1; }
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(VENV)/ok ## How much of the rules their own tests reach, branches too; below 90 % it fails
	@$(BIN)/coverage run --source=app/domain -m pytest -q -p no:cacheprovider -m "not hypothesis" tests/domain
	@$(BIN)/coverage report --skip-covered --fail-under=90

format: $(VENV)/ok ## Bring the code into the common form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

servers: $(VENV)/ok ## PostgreSQL and Valkey alone; prints their addresses
	@$(BIN)/python -m app.embedded servers

bench: $(VENV)/ok ## Fill a database with a million sessions and measure it against hand-written SQL
	$(BIN)/python -m bench

##@ Keep it

lock: $(VENV)/ok ## Renew the lock files after a change of the dependencies (needs uv)
	$(call compile,requirements.lock,development and tests,--all-extras)
	$(call compile,requirements-production.lock,the image,--constraint requirements.lock)

clean: ## Remove the environment and all caches; the data in DATA_DIR stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find app tests migrations bench -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment is made anew when the lock file changes, so that nothing stays in it that the lock does not name.
$(VENV)/ok: requirements.lock
	@$(PYTHON) scripts/check-python
	@echo "Making the environment in $(VENV) (once, about half a minute) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

chromium:
	@scripts/install-chromium
