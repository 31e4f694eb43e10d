#!/bin/bash
# Each tool of build-aux/lint catches a mistake of its kind, and remembers no failure.
set -u

for tool in cppcheck shellcheck clang-tidy clang-format; do
	if [ -z "$(type -P $tool || type -P $tool-14)" ]; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

wrong=0
tree=$PWD/tree
mkdir -p tree/build-aux tree/base build
cp "$SRC"/build-aux/lint* tree/build-aux
cp "$SRC/.clang-format" tree

# finds WANT NAME…: the tree with this one file (standard input) must fail with these words
finds() {
	local want=$1 file=$2 got status
	cat >"$tree/$file"
	for again in first second; do
		got=$(cd build && "$tree/build-aux/lint" "$tree" 2>&1)
		status=$?
		if [ "$status" -eq 0 ] || [[ $got != *"$want"* ]]; then
			printf '%s: wanted, the %s time, a finding with: %s\ngot (status %s):\n%s\n\n' \
			    "$file" "$again" "$want" "$status" "$got"
			wrong=1
		fi
	done
	rm "$tree/$file"
}

(cd build && "$tree/build-aux/lint" "$tree") || wrong=1 # a tree of none of them passes

finds '-Wclang-format-violations' base/format.c <<'EOF'
int two (void);
EOF
finds 'Werror=analyzer-null-dereference' base/analyzer.c <<'EOF'
#include <stddef.h>

int first(int n);

int
first(int n)
{
	int *p = NULL;

	return n > 3 ? *p : n;
}
EOF
finds '[zerodiv]' base/cppcheck.c <<'EOF'
int ratio(int n);

int
ratio(int n)
{
	int none = 0;

	return n / none;
}
EOF
finds '[misc-redundant-expression' base/tidy.c <<'EOF'
int both(int n);

int
both(int n)
{
	return n | n;
}
EOF
finds 'SC2086' build-aux/shellcheck <<'EOF'
#!/bin/sh
rm $1
EOF
finds 'runner.c:1: base/ may not include cli/' base/runner.c <<'EOF'
#include "cli/main.h"
EOF
finds 'text.c:1:/* TODO */ <- to be done now' base/text.c <<'EOF'
/* TODO */
EOF
finds 'text.c:1:#if 0 <- code that is switched off' base/text.c <<'EOF'
#if 0
#endif
EOF
finds 'text.c:1:int a;  <- blank at the end' base/text.c < <(printf 'int a; \n')
finds 'text.c: no newline at its end' base/text.c < <(printf 'int a;')
finds 'text.c: 801 lines' base/text.c < <(yes '' | head -n 801)
exit $wrong
