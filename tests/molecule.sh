#!/usr/bin/env bash
# Every molecule scenario, one after another, on the rehearsal under the directory given.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" ANSIBLE_CONFIG="$PWD/ansible.cfg"
export SYNERGYFLOW_REHEARSAL_DIR=${1:?usage: tests/molecule.sh REHEARSAL_DIRECTORY}
trap '.venv/bin/python -m rehearsal down' EXIT
.venv/bin/python -m rehearsal up
.venv/bin/python -m rehearsal reset
for scenario in molecule/*/molecule.yml; do
  name=$(basename "$(dirname "$scenario")")
  echo "[molecule] $name"
  .venv/bin/molecule test --scenario-name "$name"
done
