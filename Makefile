# Everything here needs Python 3.11 or newer and nothing else. Another one: make PYTHON=python3.13 …
# Paths are relative, so that a folder with spaces in its name is fine.

SHELL := /bin/sh
.DEFAULT_GOAL := help

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

FITS := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '$(FITS)' 2>/dev/null && echo "$$p" && break; done)
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test browser check crash bench clean

help:
	@echo "make demo    the example: events in, texts on a phone, nothing really sent"
	@echo "make test    run the tests"
	@echo "make browser install what looks at the pages in Chromium, for make test"
	@echo "make check   ruff, mypy, import-linter"
	@echo "make crash   2,000 texts, killed 200 times, on both databases; a report"
	@echo "make bench   the speed figures, measured on this machine"
	@echo "make clean   remove what the others made"

demo: .venv/runtime.stamp
	@$(BIN)/sms-notify demo

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -q -n auto --dist loadfile

browser: .venv/browser.stamp
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  echo "there is no Chromium here: make test skips the pages (Debian: apt install chromium)"

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

crash: .venv/dev.stamp
	@$(BIN)/python tests/crash/full.py

bench: .venv/bench.stamp
	@$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .coverage htmlcov build dist

.venv/runtime.stamp: .venv/made.stamp pyproject.toml constraints.txt
	@echo "installing sms-notify into .venv"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/dev.stamp: .venv/made.stamp pyproject.toml constraints.txt
	@echo "installing sms-notify and what its tests need into .venv"
	@$(PIP) install -c constraints.txt -e . --group dev
	@touch $@ .venv/runtime.stamp

.venv/browser.stamp: .venv/dev.stamp
	@echo "installing what looks at the pages in a browser"
	@$(PIP) install -c constraints.txt --group browser
	@touch $@

.venv/bench.stamp: .venv/dev.stamp
	@echo "installing what the figures are compared with"
	@$(PIP) install -c constraints.txt --group bench
	@touch $@

.venv/made.stamp:
	@test -n "$(PYTHON)" || { \
	  echo "sms-notify needs Python 3.11 or newer, and there is none on the PATH." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3 …" >&2; exit 2; }
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { \
	  echo "$(PYTHON) is not Python 3.11 or newer, which sms-notify needs." >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module, which makes the folder .venv." >&2; \
	  echo "Debian, Ubuntu: sudo apt install python3-venv" >&2; \
	  echo "Other systems: install Python from python.org or your package manager." >&2; exit 2; }
	@echo "making .venv with $(PYTHON)"
	@"$(PYTHON)" -m venv .venv
	@$(PIP) install --upgrade pip
	@touch $@
