#!/bin/sh
# Makes configure and Makefile.in from configure.ac and the local.mk files.
set -e
cd "$(dirname "$0")"
if ! command -v autoreconf >/dev/null || ! command -v automake >/dev/null; then
	echo "autogen.sh: autoconf or automake is missing; build-aux/install-deps installs" \
	    "all that is needed on Debian" >&2
	exit 1
fi
exec autoreconf --install --force --warnings=all,no-portability "$@"
