# Two functions every script needs sooner or later. For any POSIX shell.

# Prints its arguments so that a shell reads them back as they were.
quote() {
	for word; do
		printf "'%s' " "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
	done
}

# Prints a path without its last suffix: a/b.tar.gz gives a/b.tar.
without_suffix() {
	case ${1##*/} in
	?*.*) printf '%s\n' "${1%.*}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}
