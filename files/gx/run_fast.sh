#!/bin/sh
# Serve the fast map alone, in a loop in the foreground, to debug it. Ctrl-C brings both exporters back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

debug fast "$FAST_PORT"
