#!/bin/sh
# The same question as stack_health.sh, under the name that the deployment check-list uses.
exec /opt/stack/stack_health.sh "$@"
