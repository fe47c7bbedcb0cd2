#!/bin/sh
# Writes the fixtures anew and runs the Rust side. Usage: run.sh [DIRECTORY OF THE VIRTUAL ENVIRONMENT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-"$here/.venv"}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import torch, vortex, safetensors' 2>/dev/null ||
    "$venv/bin/pip" install --requirement "$here/requirements.txt"
"$venv/bin/python" "$here/make_fixtures.py" "$here/fixtures"
cd "$here/../.." && cargo test --package vxc-model --test parity
