# What one does with a checkout. Needs Python >= 3.11 and make; every target sets up what it needs.
#   make demo              start the service, compare three learning rates, go on serving
#   make demo ONCE=1       the same, ending after the table
#   make serve             the embedded service; SERVE_ARGS="--port 9000 --data-dir /srv/epochd"
#   make test              the whole suite, on real parts; PYTEST_ARGS="-k cancel -x"
#   make test JOBS=0       the same, one test after the other; PYTEST_ARGS="--pdb" needs that
#   make lint              style, types, import contracts
#   make bench             how fast it is, as a table; BENCH_ARGS="--quick --only titanic"
#   make bench-search      how good the networks are that searches find; BENCH_ARGS="--only titanic"
#   make bench-health      whether findings are right and their repairs help; BENCH_ARGS="--quick"
#   make bench-peers       .venv-peers with what it is compared with, 3 GB; without, they are missing
#   make faults            the long fault campaign; FAULTS_ARGS="--trials 50 --database sqlite"
#   make lock              resolve the requirements anew (needs uv)
#   make setup PYTHON=...  .venv with the locked dependencies, made by the interpreter of your choice

VENV := .venv
PYTHON_HERE := $(VENV)/bin/python
READY := $(VENV)/.ready
# Processes that share the suite, one more than it has cores in mind, since many tests wait for
# something; tests/lanes.py says what stays together.
JOBS := 3

.PHONY: setup demo serve test lint bench bench-search bench-health bench-peers faults lock

setup: $(READY)

# Written last, so a set-up that was interrupted starts again; older than the lock, so does that.
$(READY): requirements/dev.txt pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" ./tools/setup
	@touch $@

demo: $(READY)
	@$(PYTHON_HERE) -m epochd demo $(if $(ONCE),--once) $(DEMO_ARGS)

serve: $(READY)
	@$(PYTHON_HERE) -m epochd serve $(SERVE_ARGS)

test: $(READY)
	@$(PYTHON_HERE) -m pytest --numprocesses $(JOBS) --dist loadscope $(PYTEST_ARGS)

lint: $(READY)
	$(PYTHON_HERE) -m ruff check .
	$(PYTHON_HERE) -m ruff format --check .
	$(PYTHON_HERE) -m mypy
	$(VENV)/bin/lint-imports --no-cache --no-logo

bench: $(READY)
	@$(PYTHON_HERE) -m benchmarks $(BENCH_ARGS)

bench-search: $(READY)
	@$(PYTHON_HERE) -m benchmarks.quality $(BENCH_ARGS)

bench-health: $(READY)
	@$(PYTHON_HERE) -m benchmarks.health $(BENCH_ARGS)

PEERS_READY := .venv-peers/.ready

bench-peers: $(PEERS_READY)

# Made by the interpreter of .venv, which has been seen to fit.
$(PEERS_READY): $(READY) requirements/bench.txt
	$(PYTHON_HERE) -m venv --clear .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check --no-input \
		--require-hashes --requirement requirements/bench.txt
	@touch $@

faults: $(READY)
	@$(PYTHON_HERE) -m tests.faults $(FAULTS_ARGS)

# One resolution for four files: each is constrained by the largest, so they agree. The peers agree
# with what is trained on alone: MLflow's graphene cannot go with schemathesis's graphql-core.
# No annotations and no header, so that no address gets into them.
UV_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links pyproject.toml

lock:
	$(UV_COMPILE) --extra cpu --extra dev --output-file requirements/dev.txt
	$(UV_COMPILE) --constraint requirements/dev.txt --output-file requirements/service.txt
	$(UV_COMPILE) --constraint requirements/dev.txt --extra cpu --output-file requirements/cpu.txt
	$(UV_COMPILE) --constraint requirements/dev.txt --extra gpu --output-file requirements/gpu.txt
	$(UV_COMPILE) --constraint requirements/cpu.txt --extra cpu --extra bench \
		--output-file requirements/bench.txt
