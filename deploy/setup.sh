#!/usr/bin/env bash
# Makes .venv with smallpool and its locked dependencies: `deploy/setup.sh serve`, `distributed` or `dev`.
# Needs Python 3.11 or later ($PYTHON chooses one) and nothing else; does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:?"usage: deploy/setup.sh serve|distributed|dev"}
checkout=$PWD
venv=$checkout/.venv

die() {
    printf 'make setup: %s\n' "$@" >&2
    exit 1
}

# What the environment of a profile is made of. The path is part of it, since the scripts in .venv/bin name it.
fingerprint() {
    {
        printf '%s\n' "$checkout"
        cat requirements/build.txt "requirements/$1.txt" pyproject.toml deploy/setup.sh
    } | sha256sum | cut -d' ' -f1
}

# The first Python of at least 3.11; 3.11 itself first, as the one that the tests run on.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3 python3.12 python3.13 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "no Python 3.11 or later among: ${PYTHON:-python3.11 python3 python3.12 python3.13 python3.14}." \
        "Install one (Debian 12 and later: apt-get install python3), or name it: make setup PYTHON=/path/to/python3"
}

# Debian keeps ensurepip, without which no venv has pip, in a package of its own.
install_venv_module() {
    local package
    package=python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "$1 cannot make a virtual environment, because its module ensurepip is missing." \
            "Install it, then try again: sudo apt-get update && sudo apt-get install --yes $package"
    fi
    echo "make setup: $1 lacks ensurepip; installing $package"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "$package" >/dev/null
}

make_venv() {
    local python
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_venv_module "$python"
    echo "make setup: .venv with $("$python" --version) ($python)"
    "$python" -m venv --clear "$venv"
}

# A checkout that was moved, or a Python that was removed, leaves an environment that cannot be mended.
venv_works() {
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        [ "$(cat "$venv/.smallpool-checkout" 2>/dev/null || echo "$checkout")" = "$checkout" ]
}

if [ "$(cat "$venv/.smallpool-$profile" 2>/dev/null)" = "$(fingerprint "$profile")" ] && venv_works; then
    exit 0
fi
venv_works || make_venv
echo "$checkout" >"$venv/.smallpool-checkout"

# Without build isolation, so that nothing is built by a package that is not locked.
echo "make setup: installing the locked dependencies ($profile)"
pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install)
"${pip[@]}" --require-hashes -r requirements/build.txt
"${pip[@]}" --require-hashes --no-build-isolation --use-pep517 -r "requirements/$profile.txt"
"${pip[@]}" --no-build-isolation --no-deps --editable .

# dev installs all that distributed does, and that all that serve does, so each counts as the smaller ones too.
made=serve
[ "$profile" = dev ] && made="serve distributed"
for made in $made "$profile"; do
    fingerprint "$made" >"$venv/.smallpool-$made"
done
echo "make setup: done, try .venv/bin/smallpool --help"
