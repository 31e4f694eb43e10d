#!/bin/bash
# An out-of-tree release build installs, and what is installed runs and finds its helpers.
set -eu

. "$SRC/tests/other-build.sh"
root=$PWD/root
mkdir build
cd build
"$SRC/configure" -q --prefix="$root" ${ccache:+CC="${ccache}gcc"}
make -s -j"$(nproc)" >log 2>&1 || { cat log; exit 1; }
if grep -E 'warning:' log; then
	echo "the release build has warnings"
	exit 1
fi
# Optimised code is other code: what users see has to be the same.
mapfile -t cases < <(make -s list-tests | grep ^tests/cases/)
"$SRC/tests/run" "${cases[@]}"

make -s install >log 2>&1 || { cat log; exit 1; }

# Only what is installed may be found from here on.
unset PAWL_LIBEXEC
"$root/bin/pawl" --version | grep -Eqx 'pawl [0-9]+\.[0-9]+\.[0-9]+'
git init -q -b main project
echo 'job: {script: echo it runs}' >project/.gitlab-ci.yml
git -C project add -A
git -C project commit -q -m Test
"$root/bin/pawl" run -C project >out || { cat out; exit 1; }
grep -q 'it runs' out
# what systemd would start; a key of later releases (254) is left out by earlier ones
units=("$root"/lib/systemd/system/pawl-{server,runner}.service)
if grep -h ^ExecStart "${units[@]}" | grep -vF "=$root/bin/pawl "; then exit 1; fi
systemd-analyze verify --man=no "${units[@]}" >log 2>&1 || { cat log; exit 1; }
if grep -v "Unknown key.* 'DelegateSubgroup'" log; then exit 1; fi
make -s uninstall >log 2>&1 || { cat log; exit 1; }
left=$(find "$root" -type f -o -type l)
if [ -n "$left" ]; then
	echo "left behind by make uninstall: $left"
	exit 1
fi

# Releases are hardened: position independent, all symbols bound at start, then read-only.
readelf -hldW pawl >elf
grep -q 'Type: *DYN' elf
grep -q 'GNU_RELRO' elf
grep -q 'BIND_NOW\|Flags: NOW' elf
# libgit2 and libarchive cost milliseconds, so they are opened at first use
if grep 'NEEDED.*\(libgit2\|libarchive\)' elf; then exit 1; fi
