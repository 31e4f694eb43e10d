#!/bin/bash
# What a hostile job does to those who handle its files and variables outside of its cage:
# links instead of artifacts, caches and reports, changed while they are packed; names and
# kinds of files nobody expects; variables that are orders to other programs.
# shellcheck disable=SC2016,SC2044,SC2119,SC2154 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/both-users.sh"

if ! bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
	echo "skipped: bubblewrap is not installed, or may not make user namespaces here"
	exit 77
fi

secret=canary$RANDOM$RANDOM$RANDOM
beside=
trap 'rm -rf "$beside"' EXIT

runs() { (cd repo && "${as[@]}" timeout 100 pawl run -x sandbox "$@") >"$log" 2>&1; }
passes() { runs "$@" || bad "$*: ended with $?"; }
says() { grep -qF -- "$1" "$log" || bad "not there: $1"; }

# The files of others, and what must be so of them afterwards.
begin() {
	beside=$(as_who mktemp -d /tmp/pawl-escape-XXXXXX)
	as_who mkdir "$beside/folder"
	for file in key folder/key; do echo "LEAK=$secret" | as_who tee "$beside/$file" >/dev/null; done
	as_who chmod -R go= "$beside"
	facts >facts.before
}
facts() { (cd "$beside" && find . -printf '%p %y %m %s %T@\n' | sort && cat key folder/key); }
archives_with() { # WORD
	local archive
	while read -r archive; do
		if { zstd -dcq "$archive" 2>/dev/null || unzip -p "$archive"; } | grep -qa -- "$1"; then echo "$archive"; fi
	done < <(find repo/.pawl "$("${as[@]}" printenv HOME)/.cache/pawl" -name '*.tar.zst' -o -name '*.zip')
}
end() {
	facts >facts.after
	diff facts.before facts.after || bad "$1: the files of others were changed"
	if grep -q "$secret" "$log"; then bad "$1: the secret is in the log"; fi
	if archives_with "$secret" | grep .; then bad "$1: the secret is in an archive"; fi
	if find repo/.pawl "$("${as[@]}" printenv HOME)/.cache/pawl" -type f -not -path '*/images/*' \
	    -exec grep -ls "$secret" {} + | grep .; then bad "$1: the secret was kept"; fi
	rm -rf "$beside"
}

# Links where files should be, some of them only at times.
links() {
	begin
	repository <<-END
	stages: [one, two, three]
	evil:
	  stage: one
	  cache: {key: one, paths: [cached, cache-link, cache-link/key, swap]}
	  artifacts:
	    paths: [link, folder-link, folder-link/key, swap, up/../../link, /etc/shadow, ../../../../etc/shadow, made, relative]
	    reports: {dotenv: report.env}
	  script:
	    - rm -rf cached cache-link swap && mkdir swap cached && ln -s $beside/key link && ln -s $beside/folder folder-link && ln -s $beside/folder cache-link
	    - ln -s $beside/key report.env && ln -s $beside/key cached/key && ln -s $beside/folder made
	    - ln -s ../../../../../../../../../..$beside/key relative
	    # there while it is looked for, and another when it is opened
	    - mkdir real && echo harmless >real/key && rmdir swap && ln -s $beside/folder bad
	    - (while :; do ln -sfn real swap; rm -f swap; mv -T bad swap; mv -T swap bad; mv -T real swap; mv -T swap real; done >/dev/null 2>&1 &)
	# into the link of the other one
	filler:
	  stage: one
	  artifacts: {paths: [made, cached]}
	  script: [mkdir made cached, echo escaped >made/file, echo escaped >made/key, echo escaped >cached/key]
	use:
	  stage: two
	  cache: {key: one, paths: [cached, cache-link, swap]}
	  script:
	    - 'test -z "\${LEAK-}"'
	    - echo escaped >>cached/key || true
	    - rm -rf cache-link && mkdir cache-link && echo more >cache-link/more
	again:
	  stage: three
	  cache: {key: one, paths: [cached, cache-link]}
	  script: [echo again]
	END
	runs "$@" # whether it fails is not what this is about
	runs "$@"
	archives_with escaped | grep -q . || bad "links, $*: archives are not looked into"
	end "links, $*"
	grep -q '^evil *| \* passed' "$log" || bad "links, $*: evil failed"
	grep -q '^again *| \* passed' "$log" || bad "links, $*: again failed"
}

# Kinds, names and sizes of files that programs trip over.
oddities() {
	begin
	repository <<-'END'
	evil:
	  artifacts: {paths: [odd], when: always}
	  cache: {key: odd, paths: [odd]}
	  script:
	    - mkdir odd && cd odd
	    - mkfifo pipe && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	    - touch "$(printf 'new\nline')" "$(printf '\033]0;title\007')" -- '-rf' ' ' '*' '\' "$(printf '%0250d' 1)" "$(printf '\377\376')"
	    - ln -s odd loop && ln -s . here && ln -s /dev/zero endless && ln -s /proc/self/mem memory
	    - truncate -s 100M sparse
	    - 'python3 -c "import os; [(os.mkdir(\"d\"), os.chdir(\"d\")) for _ in range(300)]"'
	    - cp /bin/true suid && chmod 6755 suid
	next:
	  stage: deploy
	  script: [test -d odd, 'test ! -p odd/pipe || true', echo still here]
	END
	SECONDS=0
	passes "$@"
	says 'still here'
	[ $SECONDS -lt 90 ] || bad "oddities, $*: took $SECONDS s"
	end "oddities, $*"
}

# Variables of a job are for its own processes: what pawl starts outside does not hear them.
# shellcheck disable=SC2120
orders() {
	begin
	as_who mkdir "$beside/bin"
	for program in git bwrap crun runc skopeo bash sh pawl-init pawl-supervise; do
		printf '#!/bin/sh\ntouch %s/ran-%s\n' "$beside" $program | as_who tee "$beside/bin/$program" >/dev/null
		as_who chmod 755 "$beside/bin/$program"
	done
	# loaded by a process that sees what lies outside it leaves a file there; in the job it speaks
	cat >preload.c <<-END
	#include <fcntl.h>
	#include <unistd.h>
	__attribute__((constructor)) static void f(void) {
	    if (creat("$beside/ran-preload", 0600) < 0 && write(2, "loaded in the job\n", 18)) {}
	}
	END
	gcc -shared -fPIC -o preload.so preload.c || bad 'no library'
	as_who cp preload.so "$beside/"
	as_who env LD_PRELOAD="$beside/preload.so" true
	as_who rm "$beside/ran-preload" || bad 'the library does not work'
	facts >facts.before
	repository <<-END
	stages: [one, two]
	variables:
	  GIT_SSH_COMMAND: touch $beside/ran-ssh
	  GIT_CONFIG_COUNT: "1"
	  GIT_CONFIG_KEY_0: core.fsmonitor
	  GIT_CONFIG_VALUE_0: touch $beside/ran-fsmonitor
	  GIT_EXTERNAL_DIFF: touch $beside/ran-diff
	  GIT_EXEC_PATH: $beside/bin
	  LD_PRELOAD: ./preload.so $beside/preload.so made/preload.so
	  LD_LIBRARY_PATH: .:made:$beside
	  BASH_ENV: $beside/bin/sh
	  PAWL_LIBEXEC: $beside/bin
	  PAWL_OCI_RUNTIME: $beside/bin/crun
	  PAWL_EXECUTOR: shell
	evil:
	  stage: one
	  cache: {key: orders, paths: [made]}
	  artifacts: {paths: [made], untracked: true, reports: {dotenv: report.env}}
	  script:
	    - mkdir made && cp preload.so made/ && cp preload.so \$HOME/
	    - for f in /etc/ld.so.preload \$HOME/ld.so.preload ld.so.preload made/ld.so.preload; do echo \$PWD/preload.so >\$f || true; done
	    - git init -q . && git config core.fsmonitor "touch $beside/ran-own-fsmonitor" && git config core.hooksPath $beside/bin || true
	    - mkdir -p .git/hooks && for h in post-checkout post-index-change; do printf '#!/bin/sh\ntouch $beside/ran-hook\n' >.git/hooks/\$h; chmod +x .git/hooks/\$h; done
	    - printf 'PATH=$beside/bin:/usr/bin:/bin\nLD_PRELOAD=$beside/preload.so\nPAWL_LIBEXEC=$beside/bin\nGIT_DIR=$beside\n' >report.env
	use:
	  stage: two
	  cache: {key: orders, paths: [made]}
	  script: [ls made, echo ended well]
	END
	as_who cp preload.so repo && as_who git -C repo add . && as_who git -C repo commit -qm two
	passes "$@"
	says 'ended well'
	says 'loaded in the job'
	end "orders, $*"
}

check() {
	local how
	for how in overlay copy; do
		links -v PAWL_WORKSPACE=$how
		oddities -v PAWL_WORKSPACE=$how
	done
	orders
}

both_users
exit $wrong
