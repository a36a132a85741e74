#!/bin/sh
# Make the virtual environment in $1 with the pinned packages of requirements.lock.
# Needs: Python 3.11 or newer. Uses root, where it is there, only to install Debian's venv module.
set -eu
venv=$1

find_python() {
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "orchestrator needs Python 3.11 or newer; found $(python3 --version 2>&1)." >&2
    echo "Install one and run: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
}

python=$(find_python)
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    # Debian and Ubuntu keep ensurepip in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        echo "Installing $version-venv ..." >&2
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$version-venv" >/dev/null
    else
        echo "This Python has no ensurepip. Ask root for: apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "Setting up $venv ..." >&2
"$python" -m venv --clear "$venv"
pin=$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)
"$venv/bin/pip" install -q "$pin"
UV_LINK_MODE=copy "$venv/bin/uv" pip sync -q --python "$venv/bin/python" --require-hashes requirements.lock
"$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -e .
