#!/bin/sh
# Makes configure and Makefile.in from configure.ac and the local.mk files.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-portability "$@"
