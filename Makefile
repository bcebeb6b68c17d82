# Everything runs from the root. `make setup` once, or let the other targets do it.

# The first Python that runs; Blender's module exists for 3.11 (4.5 LTS) and 3.13 (5.2 LTS).
PYTHON ?= $(shell for p in python3.11 python3.13 python3; do $$p -c "" 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv/bin/python
REQUIREMENTS := $(wildcard tools/requirements-*.txt)
TESTS ?= tests/core tests/server tests/hostile tests/comfyui tests/blender tests/extension tests/mcp
BPY_TESTS ?= tests/core tests/hostile tests/blender
BLENDER_TESTS ?= tests/core tests/blender
PYTEST_ARGS ?=
BLENDER ?= blender

.PHONY: setup demo test test-bpy test-blender lint types format build validate repository docs dev-install bench clean

setup: .venv/.stamp

.venv/.stamp: tools/setup_venv.py $(REQUIREMENTS)
	@$(if $(PYTHON),,echo "There is no Python here: apt-get install python3 python3-venv." >&2; exit 1)
	$(PYTHON) tools/setup_venv.py .venv

# The reference scheduler of Open Job Description, for the bundles of `batch --farm openjd`.
.cache/venv-openjd/.stamp: tools/requirements-farm.txt
	$(PYTHON) -m venv --clear .cache/venv-openjd
	.cache/venv-openjd/bin/pip install -qq --requirement $<
	@touch $@

# The official client of the Model Context Protocol, for the server that `mcp` starts.
.cache/venv-mcp/.stamp: tools/requirements-mcp.txt
	$(PYTHON) -m venv --clear .cache/venv-mcp
	.cache/venv-mcp/bin/pip install -qq --requirement $<
	@touch $@

# The same for TypeScript; without npm its tests are left out.
.cache/node-mcp/.stamp: $(wildcard tools/mcp_client/*.json)
	$(install_node)

# Khronos' validator of glTF; without npm its test is left out.
.cache/node-gltf/.stamp: $(wildcard tools/gltf_validator/*.json)
	$(install_node)

define install_node
mkdir -p $(@D)
cp $^ $(@D)/
if command -v npm >/dev/null; then cd $(@D) && npm ci --silent --ignore-scripts; fi
@touch $@
endef

.cache/venv-bpy-%/.stamp: tools/setup_venv.py $(REQUIREMENTS)
	$(PYTHON) tools/setup_venv.py .cache/venv-bpy-$* $*

# A rendered scene whose textures, plane and material came from prompts: no key, no network.
demo: setup
	$(VENV) tools/demo.py --output-dir out

test: setup .cache/venv-openjd/.stamp .cache/venv-mcp/.stamp .cache/node-mcp/.stamp .cache/node-gltf/.stamp
	$(VENV) -m pytest $(TESTS) $(PYTEST_ARGS)

# The same on another version: make test-bpy BPY=4.2.23, with what official builds of it bundle.
test-bpy: $(if $(BPY),.cache/venv-bpy-$(BPY)/.stamp)
	@$(if $(BPY),,echo "Say which: make test-bpy BPY=4.2.23" >&2; exit 1)
	.cache/venv-bpy-$(BPY)/bin/python -m pytest $(BPY_TESTS) $(PYTEST_ARGS)

# In a full Blender: make test-blender BLENDER=/path/to/blender
test-blender: setup
	$(VENV) tools/test_in_blender.py $(BLENDER) -- $(BLENDER_TESTS) $(PYTEST_ARGS)

lint: setup
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .

format: setup
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

types: setup
	$(VENV) -m mypy

build: setup
	$(VENV) tools/build_extension.py build

validate: setup
	$(VENV) tools/build_extension.py validate

# What Blender can subscribe to: serve build/repository/ and add the address of its index.json.
repository: build
	$(VENV) tools/build_extension.py repository

# Write docs/reference/ anew, from the code.
docs: setup
	$(VENV) tools/reference.py

# Run the working tree in a Blender: make dev-install EXTENSIONS=~/.config/blender/5.2/extensions/user_default
dev-install: setup
	@$(if $(EXTENSIONS),,echo "Say where: make dev-install EXTENSIONS=…/extensions/user_default" >&2; exit 1)
	$(VENV) tools/build_extension.py dev-install $(EXTENSIONS)

bench: setup
	for script in benchmarks/[!_]*.py; do $(VENV) $$script || exit 1; done

clean:
	rm -rf build dist out .cache .venv .pytest_cache .mypy_cache .ruff_cache
