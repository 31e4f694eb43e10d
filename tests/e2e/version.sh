#!/bin/bash
# The version is the one configure was given, and unknown usage is refused with 2.
set -eu

pawl --version | grep -Eqx 'pawl [0-9]+\.[0-9]+\.[0-9]+'
status=0
pawl --no-such-option 2>/dev/null || status=$?
[ "$status" -eq 2 ]
