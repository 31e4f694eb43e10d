#!/bin/bash
# The examples pass, the demo twice: the second time its text comes from the cache.
set -eu

run() {
	PAWL=$BUILD/pawl PAWL_DEMO_DIR=$PWD/examples "$SRC/examples/run-demo" "$@" >"$1.log" 2>&1 ||
	    { cat "$1.log"; echo "$1: ended with $?"; exit 1; }
}

expect() { # in LOG a LINE
	grep -qF -e "$2" "$1.log" || { cat "$1.log"; echo "$1: no line with $2"; exit 1; }
}

run demo
expect demo 'making the text'
expect demo '8 claims hold; the job is a success'
run demo
expect demo 'the text is in the cache'

# a manual job runs when it is named, with what it needs
run demo --needs publish
expect demo 'demo goes to downloads'

run child-pipelines
expect child-pipelines 'release 2.1'
run inputs
expect inputs 'paths hold'
