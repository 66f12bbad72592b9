#!/usr/bin/env bash
# Molecule's scenarios, two side by side, each on an empty rehearsal under the directory given: those named, or the roles'.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" ANSIBLE_CONFIG="$PWD/ansible.cfg"
export REHEARSALS=${1:?usage: tests/molecule.sh DIRECTORY_OF_REHEARSALS [SCENARIO…]}
shift
slots=2
# the longest first, so that they do not end alone
roles="schema_registry kafka_cluster $(cd roles && echo *)"

each_rehearsal() {
  for slot in $(seq 0 $((slots - 1))); do
    SYNERGYFLOW_REHEARSAL_DIR="$REHEARSALS/gw$slot" .venv/bin/python -m rehearsal "$@"
  done
}

scenario() {
  export SYNERGYFLOW_REHEARSAL_DIR="$REHEARSALS/gw$SLOT"
  log=$(mktemp)
  # the scenario before has taken its objects away; its backups are still in the store
  .venv/bin/python -m rehearsal reset >"$log" 2>&1 || { cat "$log"; exit 255; }
  if molecule test --scenario-name "$1" >"$log" 2>&1; then
    echo "[molecule] $1 passed after $SECONDS s"
  else
    cat "$log"
    # again, as what comes after it may be all that is looked at
    grep --text --after-context=15 "fatal: \[\|ERROR! " "$log" | tail -40 || true
    echo "[molecule] $1 failed; what it left is in $SYNERGYFLOW_REHEARSAL_DIR"
    exit 255 # xargs starts no other
  fi
}
export -f scenario

trap 'each_rehearsal down' EXIT
# infra has the stores that the collectors of apps send to
each_rehearsal up
printf '%s\n' ${@:-$roles} | awk '!seen[$0]++' |
  xargs -P "$slots" -I{} --process-slot-var=SLOT bash -c 'scenario {}'
