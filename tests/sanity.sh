#!/usr/bin/env bash
# ansible-test sanity on a copy of the tracked files at the path it insists on
# (ansible_collections/<namespace>/<name>, in a Git tree of its own; a symlink is refused).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work="$root/.rehearsal/sanity"
collection="$work/ansible_collections/synergyflow/platform"
rm -rf "$work/ansible_collections"
# log-ins for package indexes are lent for the run only
trap 'rm -f "$work/home/.netrc" "$work/home/.config/pip/pip.conf"' EXIT
mkdir -p "$collection" "$work/home/.ansible/test/cache"
# only what is part of the collection: the rehearsal and the bench never leave the checkout
git -C "$root" ls-files -z --cached --others --exclude-standard -- \
    galaxy.yml README.md LICENSE meta plugins roles playbooks requirements.txt tests/config.yml changelogs \
  | (cd "$root" && xargs -0 -r tar -cf - --no-recursion) | tar -xf - -C "$collection"
# the one collection ours needs, as the locked environment has it
site=$("$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$work/ansible_collections/kubernetes"
cp -r "$site/ansible_collections/kubernetes/core" "$work/ansible_collections/kubernetes/"
printf 'tests/output\n' > "$collection/.gitignore"
git -C "$collection" init -q
git -C "$collection" add -A
# ansible-test wants a pip bootstrap script from the network; ensurepip is the same thing from the standard library
printf 'import ensurepip\nensurepip.bootstrap()\n' > "$work/home/.ansible/test/cache/get_pip_24_2.py"
cd "$collection"
version=$("$root/.venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# ansible-test hands hardly any environment on, and HOME is another one: pip's own configuration goes along as a file
mkdir -p "$work/home/.config/pip" && chmod 700 "$work/home"
"$root/.venv/bin/pip" config list | sed -nE "s/^(global|install|:env:)\.([a-z-]+)='(.*)'$/\2 = \3/p" | sort -u -t= -k1,1 \
  | { echo "[global]"; cat; } > "$work/home/.config/pip/pip.conf"
if [ -f "$HOME/.netrc" ]; then cp -p "$HOME/.netrc" "$work/home/"; fi
HOME="$work/home" \
  "$root/.venv/bin/ansible-test" sanity --venv --python "$version" --color no "$@"
