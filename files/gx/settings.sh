# shellcheck shell=sh disable=SC2034
# Where the exporters listen. The role writes this file anew when the site's variables change.
FAST_PORT=9480
SLOW_PORT=9481
LISTEN=0.0.0.0
