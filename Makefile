# Two commands that need nothing but Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test serve lint check bench clean

demo: $(STAMP)
	@$(BIN)/reprise demo $(ARGS)

# Two processes, a file at a time: much of a test is waiting for a server.
test: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile -m "not node and not slow and not postgres" $(ARGS)

serve: $(STAMP)
	$(BIN)/reprise serve $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# constraints.txt names the exact versions that the tests ran with.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Reprise needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
