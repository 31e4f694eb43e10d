# Sourced by tests that build pawl anew, in a folder of their own: $ccache goes before the
# compiler's name, and enter_tree goes to a folder where the source lies as "..", as it does
# for every build folder, so that what one has compiled serves the other.
# shellcheck shell=bash disable=SC2034
if [ -e "$SRC/config.status" ]; then
	echo "skipped: the source folder itself is configured, so no other build of it can be"
	exit 77
fi
ccache=
if [ -n "${CCACHE_DIR-}" ] && type -P ccache >/dev/null; then ccache='ccache '; fi

enter_tree() { # FOLDER, made in a tree of links to the source
	local part
	mkdir -p "tree/$1"
	for part in "$SRC"/*; do
		if ! [ -e "$part/config.status" ]; then ln -sfn "$part" "tree/${part##*/}"; fi
	done
	cd "tree/$1" || exit 1
}
