# make install | demo | test | check. Everything goes into .venv; the package index is pip's.
# editable_mode=compat: a folder `warpfive` beside a script must not stand before the package.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test check clean

install: $(STAMP)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat \
		-e '.[charts,openmp,serve,test,check,torch]'
	$(BIN)/warpfive build
	@touch $@

demo: install
	$(BIN)/warpfive run examples/nbody.cu --report

test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart=0 --durations=30

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check warpfive/cli warpfive/cuda warpfive/runtime

clean:
	rm -rf $(VENV)
