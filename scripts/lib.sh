# shellcheck shell=sh
# Sourced by the scripts beside it. Finds Python, keeps .venv in step with the lock files.
# PYTHON=… chooses the interpreter; VENV=… the environment's folder (.venv).

set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if is_new_enough "$candidate"; then command -v "$candidate"; return; fi
    done
    die "Greenroom needs Python 3.11 or newer; none is on PATH. Install one, or name it: PYTHON=/path/to/python3 make run"
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$python cannot make environments. Install its venv package (Debian, Ubuntu: apt install python3-venv) and try again."
    say "Making $VENV with $("$python" -V)"
    "$python" -m venv "$VENV"
}

# ensure_venv requirements.txt: installed exactly, each file checked against its hash. Quick when nothing changed. The lock names
# every package, so pip resolves nothing (--no-deps): older ones look at a newer release of `coverage[toml]` than the pinned one and stop.
ensure_venv() {
    stamp="$VENV/.installed-$1"
    [ -x "$VENV/bin/python" ] || make_venv
    is_new_enough "$VENV/bin/python" || die "$VENV is broken or older than Python 3.11: delete it and try again."
    cmp -s "$1" "$stamp" && return
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null
    count=$(grep -c '==' "$1" || true)
    say "Installing $count packages from $1 (a minute or two, the first time only)"
    { "$VENV/bin/python" -m pip install --require-hashes --no-deps -r "$1" || say "FAILED"; } | show_progress "$count" ||
        die "The packages of $1 could not be installed; the lines above say why."
    cp "$1" "$stamp"
}

# install_node_packages examples/vue: exactly what the lock file of that folder names. By default tests/js, which tests run in Node.
install_node_packages() {
    folder=${1:-tests/js}
    command -v npm >/dev/null || die "$folder needs Node.js 20 or newer with npm: install it and try again."
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
        die "$folder needs Node.js 20 or newer; this is $(node --version). (Debian 12 and Ubuntu 24.04 have 18: nodejs.org has newer ones.)"
    stamp=$folder/node_modules/.installed-package-lock.json
    cmp -s "$folder/package-lock.json" "$stamp" && return
    say "Installing the Node packages of $folder"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error
    cp "$folder/package-lock.json" "$stamp"
}

# Of pip's output, how far it is: on a terminal a line that changes, elsewhere one for every tenth package. Fails when the
# output says FAILED. (A pipe hides pip's own status.)
show_progress() {
    done=0
    while read -r verb package _; do
        case $verb in
            Collecting) done=$((done + 1)); show_package "$package" "$done" "$1" ;;
            Installing) if [ -t 1 ]; then printf '\r\033[K'; fi; say "  unpacking" ;;
            FAILED) return 1 ;;
        esac
    done
}

show_package() {
    if [ -t 1 ]; then printf '\r\033[K  [%s/%s] %s' "$2" "$3" "$1"
    elif [ $(($2 % 10)) -eq 0 ] || [ "$2" -eq "$3" ]; then say "  [$2/$3] $1"
    fi
}
