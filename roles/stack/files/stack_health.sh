#!/bin/sh
# Is this box well? One line a part; ends with 1 if one is not. --json for programs.
exec python3 /opt/stack/scripts/stack_health.py "$@"
