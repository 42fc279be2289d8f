# The two commands a newcomer needs are `make demo` and `make test`.
# Every target makes the virtual environment when it is missing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SEEDS  ?= 1000
FUZZ   ?= 60
ROUNDS ?= 9
KILLS  ?= 200

.DEFAULT_GOAL := help
.PHONY: help demo test check format cover soak paper-kills mutate sabotage fuzz \
        conformance faults networks sbom reliability docs measure-view simulate \
        bench bench-guard clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once, about a minute)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev]
	@touch $@

$(VENV)/.system: tools/system_packages.sh $(READY)
	@tools/system_packages.sh
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

test: $(VENV)/.system check cover ## everything that must pass
	$(BIN)/python -m pytest --ignore=tests/session

cover: $(READY) ## the session's tests alone must reach every branch of session/
	$(BIN)/python -m coverage run --branch --source=src/bistoury/session --data-file=.coverage -m pytest tests/session -q
	$(BIN)/python -m coverage report --include='src/bistoury/session/*' --fail-under=100 --skip-covered --show-missing

soak: $(READY) ## the laws over SEEDS seeds, hundreds of kills, ten million messages (half an hour)
	SOAK_SEEDS=$(SEEDS) BISTOURY_LAW_SEEDS=$(SEEDS) $(BIN)/python -m pytest -q -s \
	  tests/recovery/test_law.py tests/scenarios/test_law.py tests/recovery/test_kills.py --timeout 36000
	$(BIN)/python tools/soak.py --write

paper-kills: $(READY) ## kill -9 a paper trader KILLS times while orders flow; nothing is lost or repeated
	PAPER_KILLS=$(KILLS) $(BIN)/python -m pytest -q tests/paper_trading/test_kills.py --timeout 36000

mutate: $(READY) ## break session/ in every small way; its tests must notice (about an hour)
	$(BIN)/python tools/mutate.py

sabotage: $(READY) ## put six bugs into copies of the client; the suite must find each in a minute
	$(BIN)/python tools/sabotage.py

docs: $(READY) ## build the documentation site into site/
	$(BIN)/zensical build --clean

measure-view: $(READY) ## what looking at 1, 100 and 1,000 subscriptions costs
	$(BIN)/python tools/measure_view.py

fuzz: $(READY) ## let a coverage-guided fuzzer eat at the decoder and the session for FUZZ seconds
	$(BIN)/pip install --quiet --disable-pip-version-check atheris==3.0.0
	@mkdir -p .corpus && cp tests/golden/*.json .corpus
	$(BIN)/python tests/fuzz/guided.py -max_total_time=$(FUZZ) -rss_limit_mb=2048 -timeout=10 .corpus
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -q tests/fuzz --timeout 3600

conformance: $(READY) ## Autobahn's cases against the transport (needs a Python 2.7)
	$(BIN)/python tools/conformance.py --write

faults: $(READY) ## eight faults against bistoury and its peers, and the table (a quarter of an hour)
	$(BIN)/python bench/faults --write

reliability: $(READY) ## play every scenario of docs/reliability.md and write its figures there (ten minutes)
	$(BIN)/python tools/reliability.py --play

networks: $(READY) ## real trouble between network namespaces, an hour of bad weather (needs root)
	NETWORK_SECONDS=3600 $(BIN)/python -m pytest -q -s tests/networks --timeout 8000

sbom: $(READY) ## what a plain installation consists of, as CycloneDX: sbom.json
	@$(PYTHON) -m venv --clear --without-pip .venv-sbom
	$(BIN)/pip --python .venv-sbom/bin/python install --quiet --disable-pip-version-check -c constraints.txt .
	$(BIN)/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	$(BIN)/cyclonedx-py environment --of JSON --pyproject pyproject.toml -o sbom.json .venv-sbom/bin/python

bench: $(READY) ## what a message costs, beside other clients; PEERS=1 installs them, WRITE=1 updates the docs
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[bench]
	PYTHONPATH=src $(BIN)/python -m bench --rounds $(ROUNDS) $(if $(PEERS),--peers) $(if $(WRITE),--write)

bench-guard: $(READY) ## instructions for each message, beside those recorded (needs valgrind)
	PYTHONPATH=src $(BIN)/python -m bench.instructions $(if $(RECORD),--record)

simulate: $(READY) ## the local venue alone
	@$(BIN)/bistoury sim

clean: ## remove the virtual environment and what tools left behind
	rm -rf $(VENV) .venv-sbom sbom.json .corpus dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants
