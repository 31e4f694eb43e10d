. ./lib.sh

expect() {
	[ "$1" = "$2" ] || { echo "expected $2, got $1"; exit 1; }
}

expect "$(without_suffix a/b.tar.gz)" a/b.tar
expect "$(without_suffix a.d/b)" a.d/b
expect "$(without_suffix .profile)" .profile
echo "paths hold"
