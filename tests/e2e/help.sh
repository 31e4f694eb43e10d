#!/bin/bash
# Help, man pages and completion come from the tables, and say the same.
set -eu

commands=$(pawl --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ -n "$commands" ]
pawl help --completion >completion
bash -n completion
for command in $commands; do
	pawl "$command" --help >"$command.help"
	pawl help --man "$command" >"$command.1"
	# every option is in all three
	# shellcheck disable=SC2013
	for option in $(grep -oE '^ +(-., )?--[a-z-]+' "$command.help" | grep -oE -- '--[a-z-]+' | sort -u); do
		name=${option#--}
		if [ "$name" = help ]; then continue; fi
		grep -qF -- "\\-\\-${name//-/\\-}" "$command.1" || { echo "$command.1 lacks $option"; exit 1; }
		grep -E "^[[:space:]]+$command\) words=" completion | grep -qwF -- "$option" ||
		    { echo "the completion of $command lacks $option"; exit 1; }
	done
	# installed under its name
	[ -e "$BUILD/docs/pawl-$command.1" ] || { echo "docs/local.mk does not install pawl-$command.1"; exit 1; }
	awk 'length > 80 { print FILENAME ": " $0; bad = 1 } END { exit bad }' "$command.help"
done
pawl help --man >pawl.1
if command -v man >/dev/null; then
	for page in *.1; do
		warnings=$(MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
		[ -z "$warnings" ] || { echo "$page: $warnings"; exit 1; }
	done
fi

# what the completion does: commands, options, job names
git init -q -b main
printf 'build: {script: [x]}\n"two words": {script: [x]}\n' >.gitlab-ci.yml
git add -A
git commit -q -m one
complete_words() {
	bash -c '. ./completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pawl; printf "%s\n" "${COMPREPLY[@]}"' \
	    complete "$@"
}
complete_words pawl ru | grep -qx run
complete_words pawl run --in | grep -qx -- --in-place
complete_words pawl run bu | grep -qx build
complete_words pawl why tw | grep -qx 'two\\ words'
