#!/bin/bash
# The store of images when things go wrong: registries that are busy, slow, silent or
# hostile, processes that are killed, disks that lie.
# shellcheck disable=SC2154
set -eu
# shellcheck source=tests/registry.sh
. "$SRC/tests/registry.sh"
# shellcheck source=tests/hosted.sh
. "$SRC/tests/hosted.sh"
trap registry_stop EXIT

store=$PWD/store
tool() { "$BUILD/tests/image-tool" "$store" "$@"; }
# unlike that of tests/hosted.sh this takes functions, too
ends() { # CODE COMMAND…: into out and err
	local want=$1 got=0
	shift
	"$@" >"$top/out" 2>"$top/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$*: ended with $got, not $want"
}
field() { sed -n "s/^$1 //p" out; }
is_clean() { # no half of an image
	[ -z "$(find store/layers store/images store/tmp store/pulls -mindepth 1)" ] || fail "left behind after $1"
}
bin=$PWD/bin
mkdir bin app app/etc
echo 1 >app/etc/version
head -c 3000000 /dev/urandom >app/large
registry_start plain
registry_push "$registry/app:1" app

# ---- busy: waited for, and said; not for ever
proxy_start busy "$registry" busy 2 2
ends 0 tool get "$proxy/app:1"
[ "$(grep -c "^$proxy is asked too often (429): waiting 2 s" err)" = 2 ] || fail 'nobody said that he waits'
proxy_start busier "$registry" busy 1000 20
ends 1 tool get "$proxy/app:1" --busy 3
says err "error -16: $proxy is asked too often (429)"

# ---- slow: how far it is
rm -rf store
proxy_start slow "$registry" slow 700000
ends 0 tool get "$proxy/app:1"
grep -qE '^  0 of 1 layers, [0-9.]+ of 3\.0 MB$' err || fail 'nobody said how far it is'

# ---- silent: given up; cancelled at once
rm -rf store
proxy_start silent "$registry" hang 100000
ends 1 tool get "$proxy/app:1" --stall 2
says err "error -113: $proxy has stopped sending $proxy/app:1"
is_clean 'a stall'
SECONDS=0
ends 1 tool get "$proxy/app:1" --cancel 1000
says err 'error -5005: '
[ $SECONDS -lt 60 ] || fail "cancelled after $SECONDS s"
is_clean 'a cancel'

# ---- killed: the next one begins anew, and removes what was left
"$BUILD/tests/image-tool" "$store" get "$proxy/app:1" >killed 2>&1 &
killed=$!
until compgen -G 'store/tmp/*/layout/oci-put-blob*' >/dev/null; do kill -0 $killed || fail killed; sleep 0.05; done
kill -9 $killed
wait $killed || true
ends 0 tool get "$registry/app:1"
ends 0 tool sweep 1000000000 0
[ -z "$(find store/tmp store/pulls -mindepth 1)" ] || fail 'what was killed left something behind'

# ---- killed at any moment: who pulls beside it gets his image, and nothing remains
rm -rf store
for ((i = 0; i < ${SOAK:+200} + 8; i++)); do
	"$BUILD/tests/image-tool" "$store" get "$registry/app:1" >/dev/null 2>&1 &
	killed=$!
	"$BUILD/tests/image-tool" "$store" get "$registry/app:1" >out 2>err &
	other=$!
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	kill -9 $killed 2>/dev/null || true
	wait $killed 2>/dev/null || true
	wait $other || fail "beside kill $i"
	cmp app/large "$(field layer)/large" || fail "beside kill $i it is not whole"
	if ((i % 3 == 0)); then ends 0 tool sweep 0 0; fi
done
ends 0 tool sweep 0 0
[ -z "$(find store/blobs/sha256 store/names store/pulls -mindepth 1)" ] || fail 'something remained'
is_clean 'kills'
ends 0 tool get "$registry/app:1"

# ---- a full disk is said, and not filled for ever
if unshare -Urm true 2>/dev/null; then
	mkdir small
	# shellcheck disable=SC2016
	ends 1 unshare -Urm bash -euc 'mount -t tmpfs -o size=4M none small
	    "$1" "$PWD/small/store" get "$2" || { find small/store/{tmp,layers} -mindepth 1; exit 1; }' - \
	    "$BUILD/tests/image-tool" "$registry/app:1"
	says err 'the disk is full'
	[ ! -s out ] || fail "a full disk: left behind"
fi

# ---- a disk that lies: what is packed is fetched again
large=$(find store/blobs -size +1000k)
for damage in "printf x | dd of=$large bs=1 seek=1000 conv=notrunc" "truncate -s 1000 $large"; do
	rm -rf store/images/* store/layers/*
	bash -c "$damage" 2>/dev/null
	ends 0 tool get "$registry/app:1"
	says err 'fetching it again'
	cmp app/large "$(field layer)/large" || fail 'it is damaged still'
done
# what was unpacked before the power went is not trusted; what was synced since is
truncate -s 10 "$(field layer)/large"
touch "$(field layer | sed 's,fs$,unsynced,')"
echo another >store/boot
ends 0 tool get "$registry/app:1" --policy if-not-present
cmp app/large "$(field layer)/large" || fail 'half a file was trusted'
[ ! -e "$(field layer | sed 's,fs$,unsynced,')" ] || fail 'it was not synced'
touch "$(field layer)/mark"
echo another >store/boot
ends 0 tool get "$registry/app:1" --policy never
[ -e "$(field layer)/mark" ] || fail 'what was synced was thrown away'
# small files that are damaged are as if they were not there
for file in images/*/image.json images/*/config.json names/* layers/*/layer.json; do
	# shellcheck disable=SC2086 # a pattern is wanted
	for one in store/$file; do : >"$one"; done
	ends 0 tool get "$registry/app:1"
	cmp app/large "$(field layer)/large" || fail "not there after $file was damaged"
done

# ---- hostile: refused as a whole
evil() { # WORDS-OF-THE-ERROR PYTHON-THAT-ADDS-ENTRIES
	rm -rf store evil.tar
	python3 - "$2" <<-'END'
		import io, sys, tarfile
		tar = tarfile.open("evil.tar", "w")
		def add(name, type=tarfile.REGTYPE, link="", data=b"evil"):
		    entry = tarfile.TarInfo(name)
		    entry.type, entry.linkname = type, link
		    entry.size = len(data) if type == tarfile.REGTYPE else 0
		    tar.addfile(entry, io.BytesIO(data))
		add("honest")
		exec(sys.argv[1])
		tar.close()
	END
	registry_push "$registry/evil:1" app evil.tar
	ends 1 tool get "$registry/evil:1"
	says err 'layer 2 of 2 (sha256:'
	says err "$1"
	for place in store . /; do [ ! -e $place/evil ] || fail 'it got out'; done
	[ -z "$(find store/images store/tmp store/pulls -mindepth 1)" ] || fail "left behind after $1"
	[ "$(find store/layers -mindepth 1 -maxdepth 1 | wc -l)" -le 1 ] || fail "a refused layer was kept after $1"
}
evil 'entry "../../evil" is refused' 'add("../../evil")'
evil 'entry "link/evil" is refused' 'add("link", tarfile.SYMTYPE, "/no/such"); add("link/evil")'
evil 'is refused: it is a link to outside' "add('hard', tarfile.LNKTYPE, '../../../../blobs')"
evil 'is refused: it hides no valid name' "add('.wh...')"
rm -rf store
registry_push "$registry/lie:1" --lie app
ends 1 tool get "$registry/lie:1"
says err 'is not what the image says: its digest should be sha256:'
is_clean 'a lie'
# what is no image of a container
mkdir -p chart.oci/blobs/sha256
printf '{"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json",
    "digest": "sha256:%s", "size": 2}, "layers": []}' "$(printf {} | sha256sum | cut -d ' ' -f 1)" >manifest
printf {} >"chart.oci/blobs/sha256/$(printf {} | sha256sum | cut -d ' ' -f 1)"
cp manifest "chart.oci/blobs/sha256/$(sha256sum <manifest | cut -d ' ' -f 1)"
printf '{"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:%s", "size": %s}]}' "$(sha256sum <manifest | cut -d ' ' -f 1)" "$(stat -c %s manifest)" >chart.oci/index.json
echo '{"imageLayoutVersion": "1.0.0"}' >chart.oci/oci-layout
ends 1 tool get oci:./chart.oci --local "$PWD"
says err 'this is no image of a container: it holds "application/vnd.cncf.helm.config.v1+json"'

# ---- without skopeo
mkdir "$bin/none"
ends 1 env PATH="$bin/none" "$BUILD/tests/image-tool" "$store" get "$registry/app:1"
says err 'images are fetched by skopeo, and skopeo cannot be started: install it'
