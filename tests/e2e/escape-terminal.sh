#!/bin/bash
# What a hostile job does to the terminal of who runs it: its text stays its own lines behind
# its own name, it controls nothing, asks the terminal nothing, and types nothing.
# shellcheck disable=SC2016,SC2154 # what stands in quotes is for the job's shell
set -u
. "$SRC/tests/both-users.sh"

if ! type -P python3 >/dev/null; then
	echo 'skipped: python3 is not installed'
	exit 77
fi
terminal() { (cd repo && as_who timeout 100 python3 "$top/escape-terminal.py" "$@") >"$log" 2>&1; }
shows() { grep -qE -- "$1" "$log" || bad "not shown: $1"; }
shows_not() { if grep -qE -- "$1" "$log"; then bad "shown: $1"; fi; }

# Lines that look like others', controls and questions, in what it prints, its script and its name.
fakes() {
	repository <<-'END'
	evil:
	  script:
	    - sh evil.sh
	    - "printf 'in the script \e[2J \r victim | * failed: script\n'; exit 3"
	victim:
	  script: [echo harmless, sleep 0.5]
	"odd \e[2J\r\nvictim | * failed: name\a":
	  script: [echo odd]
	END
	as_who tee repo/evil.sh >/dev/null <<-'END'
	printf 'x\rvictim | * failed: overwritten\n'
	printf '\033[3A\033[2Kvictim | * failed: above\033[3B\n'
	printf '\033[2J\033[H\033c\033]0;title\007\033]52;c;cm0gLXJm\007\033P$q\033\\ gone\n'
	printf '\033[6n\033[c\033Z\005\033[>c\033]10;?\007\033[21t asked\n'
	printf '\302\2332J\302\235\302\220 c1\n'
	printf '\033[?1049h\033[?25l\033(0\016\033#8\033[8m modes\n'
	printf 'unfinished \033[31'; printf '\nnext\n'; printf '\033]0;never ended\nnext\n'
	printf '\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\bvictim | * failed: backwards\n'
	printf 'a\vb\fvictim | * failed: below\n'
	printf 'section_start:1700000000:step_script[collapsed=true]\r\033[0Kvictim | * failed: section\n'
	printf 'section_end:1700000000:step_script\r\033[0K'
	printf '\nPipeline passed in 0.01 s: 2 passed\n'
	END
	as_who git -C repo add . && as_who git -C repo commit -qm two
	terminal screen pawl run -x "$1" -j3
	[ $? = 1 ] || bad "$1: the evil one did not fail"
	# but for pawl's own words a line begins with the name of the job it is from
	grep -E '^(  )?victim ' "$log" >of-victim
	if grep -q 'failed' of-victim; then bad "$1: the victim's lines were faked"; fi
	grep -qE '^victim +. harmless' of-victim || bad "$1: the victim's line is gone"
	grep -qE '^victim +. (.|\*) passed' of-victim || bad "$1: the victim's end is gone"
	for word in overwritten above gone asked c1 modes backwards section; do shows "^evil +. .*$word"; done
	shows '^evil +. Pipeline passed in 0.01 s: 2 passed'
	shows_not '^Pipeline passed'
	shows '^Pipeline failed in'
}

# Keys are pressed by what runs in there, and the answer of a terminal is none.
types() {
	repository <<-END
	types: {script: ["./escape-tool $2 && echo PRESSED || true", "./escape-tool has-terminal && echo TERMINAL || true", exit 3]}
	END
	cp "$BUILD/tests/escape-tool" repo
	chmod a+rx repo/escape-tool
	as_who git -C repo add . && as_who git -C repo commit -qm two
	terminal keys pawl run -x "$1" --keep-failed </dev/null
	[ $? = 1 ] || bad "$1: the job did not fail"
	shows_not 'PRESSED$|TERMINAL$'
	shows "^keys: b''"
	# in there it may press keys on its own terminal, which is not this one
	printf './escape-tool press-own-key; echo tried everythi""ng\nexit 5\n' |
		terminal keys pawl shell types
	[ $? = 5 ] || bad "$1: the shell ended otherwise"
	shows 'tried everything'
	shows "^keys: b''"
	as_who env -C repo pawl shell --end >"$log" 2>&1 || bad "$1: it does not go"
}

check() {
	local x=shell
	if "${as[@]}" bwrap --unshare-user --ro-bind / / true 2>/dev/null; then x=sandbox; fi
	repository <<<'x: {script: [true]}'
	# the control: who has a terminal can press its keys, where the kernel still has that
	cp "$BUILD/tests/escape-tool" repo && chmod a+rx repo/escape-tool
	terminal keys ./escape-tool press-own-key </dev/null && { grep -q "^keys: b'x'" "$log" || bad 'the control does not work'; }
	fakes $x
	if [ $x = sandbox ]; then types sandbox press-keys; fi
	# what root runs on its machine as it is may press keys on every terminal of it
	if [ "$("${as[@]}" id -u)" = 0 ]; then types shell press-own-key; else types shell press-keys; fi
}

top=$PWD
cp "$SRC/tests/e2e/escape-terminal.py" .
chmod a+rx . "$(dirname "$PWD")" escape-terminal.py
both_users
exit $wrong
