#!/bin/sh
# Serve the slow map alone, in a loop in the foreground, to debug it. Ctrl-C brings both exporters back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

debug slow "$SLOW_PORT"
