#!/bin/bash
# Each rule of build-aux/lint-layers catches what it forbids, and only that.
set -u

lint=$SRC/build-aux/lint-layers
wrong=0

# finds WANT FILE LINE…: a tree of this one file must give one finding with WANT in it
finds() {
	local want=$1 file=$2 tree got
	tree=$(mktemp -d)
	mkdir -p "$tree/${file%/*}"
	printf '%s\n' "${@:3}" >"$tree/$file"
	got=$("$lint" "$tree")
	status=$?
	if [ "$status" -ne 1 ] || [ "$(wc -l <<<"$got")" -ne 1 ] || [[ $got != *"$want"* ]]; then
		printf 'wanted a finding with: %s\ngot (status %s): %s\n' "$want" "$status" "$got"
		wrong=1
	fi
}

# passes FILE LINE…
passes() {
	local file=$1 tree got
	tree=$(mktemp -d)
	mkdir -p "$tree/${file%/*}"
	printf '%s\n' "${@:2}" >"$tree/$file"
	if ! got=$("$lint" "$tree") || [ -n "$got" ]; then
		printf '%s: wanted no finding, got: %s\n' "$file" "$got"
		wrong=1
	fi
}

finds 'base/x.c:1: base/ may not include pipelines/' base/x.c '#include "pipelines/plan.h"'
finds 'pipelines/ may not include protocol/' pipelines/x.c '#include "protocol/job.h"'
finds 'protocol/ may not include scheduler/' protocol/x.h '#include "scheduler/core.h"'
finds 'scheduler/ may not include runner/' scheduler/x.c '#include "runner/build.h"'
finds 'runner/ may not include scheduler/' runner/x.c '#include "scheduler/core.h"'
finds 'runner/ may not include scheduler/' runner/supervisor/x.c '#include "scheduler/core.h"'
finds 'executors/ may not include runner/' executors/x.c '#include "runner/build.h"'
finds 'cli/ may not include executors/' cli/x.c '#include "executors/executor.h"'
finds 'name the folder too' runner/x.c '#include "build.h"'
finds 'base/x.c:3: base/ may not include cli/' base/x.c '/* a' '#include "cli/b.h"' '*/ #include "cli/c.h"'
finds 'base/x.c:3: base/ may not include cli/' base/x.c '/* a' 'b */' '/* c */  #  include "cli/main.h" /* c */'

finds '<uv.h> belongs into' scheduler/x.c '#include <uv.h>'
finds '<git2.h> belongs into' scheduler/x.c '#include <git2.h>'
finds '<archive.h> belongs into' runner/x.c '#include <archive.h>'
finds '<archive_entry.h> belongs into' runner/x.c '#include <archive_entry.h>'
finds '<jansson.h> belongs into' pipelines/x.c '#include <jansson.h>'
finds '<yaml.h> belongs into' cli/x.c '#include <yaml.h>'
finds '<pcre2.h> belongs into' pipelines/x.c '#include <pcre2.h>'
finds '<sodium.h> belongs into' protocol/x.c '#include <sodium.h>'
finds '<sqlite3.h> belongs into' scheduler/x.c '#include <sqlite3.h>'
finds '<curl/curl.h> belongs into' runner/x.c '#include <curl/curl.h>'
finds '<microhttpd.h> belongs into' scheduler/x.c '#include <microhttpd.h>'
finds '<check.h> belongs into' cli/x.c '#include <check.h>'
finds '<lua.h> is not in the table' runner/x.c '#include <lua.h>'

finds 'x.c:2: open(): the plan compiler is pure' pipelines/x.c '' 'int fd = open(path, 0);'
finds 'fopen(): the plan compiler' pipelines/x.c 'f = fopen (path, "r");'
finds 'time(): the plan compiler' pipelines/x.c 'now = time(NULL);'
finds 'clock_gettime(): the plan compiler' pipelines/x.c 'clock_gettime(0, &ts);'
finds 'getenv(): the plan compiler' pipelines/x.c 'home = getenv("HOME");'
finds 'clock_gettime(): the core is pure' scheduler/core.c 'clock_gettime(0, &ts);'
finds 'fork(): processes of jobs' cli/x.c 'pid = fork();'
finds 'posix_spawn(): processes of jobs' cli/x.c 'rc = posix_spawn(&pid);'
finds 'uv_spawn(): processes of jobs' cli/x.c 'rc = uv_spawn(loop);'
finds 'execvp(): processes of jobs' cli/x.c 'execvp(argv[0], argv);'

passes runner/x.c '#include "runner/build.h"' '#include "executors/executor.h"' '#include "base/buf.h"'
passes cli/x.c '#include "config.h"' '#include "runner/build.h"' '#include "scheduler/core.h"'
passes base/git_x.c '#include <git2.h>' '#include <sys/stat.h>'
passes pipelines/x.c '/* open(path) */ // time(NULL)' 'files->open(files, "fopen(x)", '"'\"'"');' \
    '/*' '#include <uv.h>' 'getenv("HOME") */'
passes tests/unit/test_x.c '#include <check.h>' '#include "scheduler/core.h"' '#include "runner/build.h"'

# a program: the real one passes, one that needs a library it should not does not
"$lint" "$(mktemp -d)" "$BUILD/pawl" || wrong=1
program=$(mktemp -d)/pawl-supervise
${CC:-cc} -o "$program" -x c - -Wl,--no-as-needed -lm <<<'int main(void) { return 0; }' || exit 1
got=$("$lint" "$(mktemp -d)" "$program")
if [[ $got != *'pawl-supervise: may not be linked with libm.so'* ]]; then
	printf 'wanted a finding about libm, got: %s\n' "$got"
	wrong=1
fi
exit $wrong
