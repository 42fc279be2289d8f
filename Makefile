# The two commands a newcomer needs are `make demo` and `make test`.
# Every target makes the virtual environment when it is missing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SEEDS  ?= 1000
ROUNDS ?= 9

.DEFAULT_GOAL := help
.PHONY: help demo test check format cover soak mutate sabotage simulate bench bench-guard clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once, about a minute)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev]
	@touch $@

demo: $(READY) ## the main job on the local venue: break the connection eight ways, prove each recovery
	@$(BIN)/bistoury demo

check: $(READY) ## format, lint, types, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

format: $(READY) ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: check cover ## everything that must pass
	$(BIN)/python -m pytest --ignore=tests/session

cover: $(READY) ## the session's tests alone must reach every branch of session/
	$(BIN)/python -m coverage run --branch --source=src/bistoury/session --data-file=.coverage -m pytest tests/session -q
	$(BIN)/python -m coverage report --include='src/bistoury/session/*' --fail-under=100 --skip-covered --show-missing

soak: $(READY) ## the laws over SEEDS seeds, hundreds of kills, ten million messages (half an hour)
	SOAK_SEEDS=$(SEEDS) $(BIN)/python -m pytest -q -s tests/recovery/test_law.py tests/recovery/test_kills.py --timeout 36000
	$(BIN)/python tools/soak.py --write

mutate: $(READY) ## break session/ in every small way; its tests must notice (half an hour)
	$(BIN)/python tools/mutate.py

sabotage: $(READY) ## put six bugs into copies of the client; the suite must find each in a minute
	$(BIN)/python tools/sabotage.py

bench: $(READY) ## what a message costs, beside other clients; PEERS=1 installs them, WRITE=1 updates the docs
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[bench]
	PYTHONPATH=src $(BIN)/python -m bench --rounds $(ROUNDS) $(if $(PEERS),--peers) $(if $(WRITE),--write)

bench-guard: $(READY) ## instructions for each message, beside those recorded (needs valgrind)
	PYTHONPATH=src $(BIN)/python -m bench.instructions $(if $(RECORD),--record)

simulate: $(READY) ## the local venue alone
	@$(BIN)/bistoury sim

clean: ## remove the virtual environment and what tools left behind
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants
