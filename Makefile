# make run | test | test-slow | check | update | bench        all of them set up .venv first, if needed

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DATA := data/UCSDped1

.PHONY: setup run test test-slow check update bench clean

setup: $(STAMP)

# one environment with everything; made again when what it is made from changes
$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	$(BIN)/python -m compileall -q compiler
	touch $(STAMP)

$(DATA)/Train: | $(STAMP)
	$(BIN)/python components/synthetic_video/src/make_videos.py --output $(DATA) --dataset UCSDped1

run: $(STAMP) $(DATA)/Train
	$(BIN)/amlc compile specs/video_anomaly/train.yml --output build
	$(BIN)/amlc run specs/video_anomaly/train.yml

test: $(STAMP)
	$(BIN)/python -m pytest -m 'not slow' -n 2

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# rewrite the expected outputs of the golden tests; read the difference before you commit it
update: $(STAMP)
	$(BIN)/python -m pytest -m 'not slow' --update

bench: $(STAMP)
	$(BIN)/python benchmarks/compile.py

clean:
	rm -rf $(VENV) build data .amlc .mypy_cache .pytest_cache .ruff_cache *.egg-info
