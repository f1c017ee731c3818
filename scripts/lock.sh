#!/bin/sh
# Pin requirements*.in, for every platform, with hashes and without the address of any index. Pins that are there stay;
# `make lock ARGS="--upgrade-package flask"` moves one.
. "$(dirname "$0")/lib.sh"

command -v uv >/dev/null || die "make lock needs uv: https://docs.astral.sh/uv/"
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make lock" "$@"
}
lock requirements.in --output-file requirements.txt "$@"
lock requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt "$@"
