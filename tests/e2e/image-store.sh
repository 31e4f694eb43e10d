#!/bin/bash
# The store of images against a real registry: what is fetched, what is not fetched again,
# who may, and how overlays see it.
# shellcheck disable=SC2154,SC2016
set -eu
# shellcheck source=tests/registry.sh
. "$SRC/tests/registry.sh"
# shellcheck source=tests/hosted.sh
. "$SRC/tests/hosted.sh"
trap registry_stop EXIT

store=$PWD/store
tool() { "$BUILD/tests/image-tool" "$store" "$@"; }
get() { ends 0 tool get "$@"; }
# unlike that of tests/hosted.sh this takes functions, too
ends() { # CODE COMMAND…: into out and err
	local want=$1 got=0
	shift
	"$@" >"$top/out" 2>"$top/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$*: ended with $got, not $want"
}
field() { sed -n "s/^$1 //p" out; }
blobs_asked() { grep -c 'msg="response completed".*http.request.method=GET.*/blobs/' plain.log || true; }

# ---- an image: programs; then what a second layer changes, removes and begins anew
mkdir -p base/{bin,etc,gone,anew/deep} change/{etc,anew}
cp "$(type -P busybox)" base/bin/busybox
for name in sh cat ls stat; do ln -s busybox base/bin/$name; done
echo old >base/etc/version
echo kept >base/etc/kept
echo x >base/gone/file
echo hidden >base/anew/deep/file
head -c 3000000 /dev/urandom >base/large
chmod 700 base/gone
echo new >change/etc/version
: >change/.wh.gone
: >change/anew/.wh..wh..opq
echo fresh >change/anew/fresh
config='{"Cmd": ["sh", "-c", "true"], "Entrypoint": ["/bin/busybox"], "Env": ["A=b c", "PATH=/bin"],
    "WorkingDir": "/etc", "User": "nobody:daemon", "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}}'
registry_start plain
registry_push "$registry/team/app:1" --config "$config" base change

get "$registry/team/app:1"
says err "Pulling image $registry/team/app:1 ..."
for line in 'workdir /etc' 'user nobody:daemon' 'env A=b c' 'env PATH=/bin' 'entrypoint /bin/busybox' \
    'cmd sh' 'cmd -c' 'cmd true' 'port 80/tcp' 'volume /data'; do
	says out "$line"
done
digest=$(field digest)
[ "$digest" = "$(skopeo inspect --raw --tls-verify=false "docker://$registry/team/app:1" |
    sha256sum | sed 's/\([^ ]*\) .*/sha256:\1/')" ] || fail "digest $digest"
mapfile -t layers < <(field layer)
[ ${#layers[@]} = 2 ] || fail "layers: ${layers[*]}"
grep -qx new "${layers[0]}/etc/version" || fail 'the top layer is not the first'
[ -z "$(find store/tmp store/trash store/pulls -mindepth 1)" ] || fail 'something was left behind'

# ---- overlays see what the image says: root's, and those of a user namespace
# shellcheck disable=SC2016
see='
    mkdir "$1" "$1/upper" "$1/work" "$1/merged"
    mount -t overlay -o "$2lowerdir=$3:$4,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged"
    cd "$1/merged"
    [ "$(cat etc/version)" = new ] && [ "$(cat etc/kept)" = kept ]
    [ ! -e gone ] && [ "$(echo anew/*)" = anew/fresh ]
    mkdir gone anew/deep && echo again >gone/file && ! [ -e anew/deep/file ] && rm large
    chroot . /bin/sh -c "cd / && cat /gone/file" | grep -qx again
    echo seen'
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
	ends 0 unshare --mount bash -euc "$see" - "$PWD/root" '' "${layers[@]}"
	says out seen
fi
if unshare -Urm true 2>/dev/null; then
	ends 0 unshare -Urm bash -euc "$see" - "$PWD/user" userxattr, "${layers[@]}"
	says out seen
fi

# ---- who is not root has all files for his own, and is told so
if [ "$(id -u)" = 0 ] && unshare -Urm true 2>/dev/null && type -P setpriv >/dev/null; then
	chown 33:33 base/etc/kept
	registry_push "$registry/team/owners:1" base change
	chown 0:0 base/etc/kept
	get "$registry/team/owners:1"
	says out 'owners 0'
	ends 0 unshare -Ur "$BUILD/tests/image-tool" "$store-mapped" get "$registry/team/owners:1"
	says out 'owners 1'
	ends 0 tool get "$registry/team/owners:1"
	[ "$(stat -c %u "$(field layer | tail -n 1)/etc/kept")" = 33 ] || fail 'the owner was not kept'
	user=$(mktemp -d /tmp/pawl-user-XXXXXX)
	trap 'registry_stop; chmod -R u+rwX "$user"; rm -rf "$user"' EXIT
	cp "$BUILD/tests/image-tool" "$user"
	chown -R 61184:61184 "$user"
	as_user=(setpriv --reuid=61184 --regid=61184 --clear-groups -- env -C "$user" HOME="$user" TMPDIR="$user")
	ends 0 "${as_user[@]}" ./image-tool "$user/store" get "$registry/team/owners:1"
	says out 'owners 1'
	mapfile -t layers < <(field layer)
	ends 0 "${as_user[@]}" unshare -Urm bash -euc "$see" - "$user/see" userxattr, "${layers[@]}"
	says out seen
fi

# ---- what is there is not fetched again, whatever it is called
before=$(blobs_asked)
get "$registry/team/app:1"
skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false \
    "docker://$registry/team/app:1" "docker://$registry/team/app:other"
before=$(blobs_asked)
get "$registry/team/app:other"
get "$registry/team/app@$digest"
get "$registry/team/app:ignored@$digest"
[ "$(blobs_asked)" = "$before" ] || fail 'blobs were fetched that were there'
mkdir more
echo more >more/file
registry_push "$registry/team/more:1" base change more
before=$(blobs_asked)
get "$registry/team/more:1"
[ "$(blobs_asked)" -le $((before + 2)) ] || fail 'layers were fetched that were there'
[ "$(field layer | wc -l)" = 3 ] || fail 'more: layers'

# a layer that is there twice is mounted once; an overlay takes no folder twice
registry_push "$registry/team/twice:1" base more change more
get "$registry/team/twice:1"
[ "$(field layer | wc -l)" = 3 ] || fail 'twice: layers'
grep -qx more "$(field layer | head -n 1)/file" || fail 'twice: the top layer'

# Docker's own kind of manifest keeps its digest
skopeo --insecure-policy copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false \
    "docker://$registry/team/app:1" "docker://$registry/team/docker:1"
get "$registry/team/docker:1"
docker_digest=$(field digest)
[ "$docker_digest" = "$(skopeo inspect --raw --tls-verify=false "docker://$registry/team/docker:1" |
    sha256sum | sed 's/\([^ ]*\) .*/sha256:\1/')" ] || fail "Docker's digest: $docker_digest"
get "$registry/team/docker@$docker_digest"

# ---- many at once fetch once
rm -rf store
before=$(blobs_asked)
pids=()
for i in 1 2 3; do
	tool get "$registry/team/app:1" --threads 10 >"out.$i" 2>"err.$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "at once: $(cat err.*)"; done
[ "$(cat out.* | grep -c '^digest')" = 30 ] || fail 'at once: not everyone got it'
[ "$(blobs_asked)" = $((before + 3)) ] || fail 'at once: blobs were fetched more than once'

# ---- platforms
registry_push "$registry/team/many:1" --arch amd64 --arch arm64 base
get "$registry/team/many:1" --platform linux/arm64
says out 'architecture arm64'
get "$registry/team/many:1" --platform amd64
says out 'architecture amd64'
ends 1 tool get "$registry/team/many:1" --platform linux/s390x
says err 'the image is not made for linux/s390x, but for linux/amd64, linux/arm64'

# ---- policies
ends 1 tool get "$registry/team/none:1" --policy never
says err 'is not on this machine'
get "$registry/team/app:1" --policy never
ends 1 tool get "$registry/team/none:1" --policy if-not-present
says err "$registry has no image $registry/team/none:1"
ends 1 tool get "127.0.0.1:1/app" --policy always
says err '127.0.0.1:1 cannot be reached for 127.0.0.1:1/app:latest'
ends 1 tool get "$registry/team/none:1" --policy always --policy if-not-present
says err 'WARNING: Failed to pull image with policy "always": '
says err 'Attempt #2: Trying "if-not-present" pull policy'
registry_stop
get "$registry/team/app:1" --policy if-not-present --repeat 50
says err 'Using locally found image version due to "if-not-present" pull policy'
[ "$(field median | sed 's/ us//')" -lt 20000 ] || fail "slow: $(field median)"
get "$registry/team/app:1" --policy always --policy if-not-present
says err 'cannot be reached'
registry_start plain '' "${registry#*:}"

# ---- mirrors: Docker's own registry, without a network
registry_push "$registry/mirror/library/app:1" base
get app:1 --mirror docker.io=127.0.0.1:1 --mirror "docker.io=$registry/mirror" --mirror docker.io/team=127.0.0.1:1
says err 'The mirror is of no use: 127.0.0.1:1 cannot be reached'
says out 'name docker.io/library/app:1'

# ---- what a name stands for may change
registry_push "$registry/moving:1" base
get "$registry/moving:1"
first=$(field digest)
registry_push "$registry/moving:1" base more
get "$registry/moving:1" --policy if-not-present
[ "$(field digest)" = "$first" ] || fail 'if-not-present asked the registry'
get "$registry/moving:1"
[ "$(field digest)" != "$first" ] || fail 'always did not ask the registry'
get "$registry/moving@$first" --policy if-not-present
[ "$(field layer | wc -l)" = 1 ] || fail 'what it stood for is not found by its digest'

# ---- HTTP: only from who is named, by way of the proxy everyone uses
proxy_start proxy "$registry"
ends 1 env http_proxy="http://$proxy" https_proxy="http://$proxy" "$BUILD/tests/image-tool" "$store" \
    get registry.example.org/moving:1
says err 'error -113: registry.example.org '
ends 0 env http_proxy="http://$proxy" https_proxy="http://$proxy" "$BUILD/tests/image-tool" "$store" \
    get registry.example.org/moving:1 --insecure registry.example.org

# ---- files of this machine, where the caller allows them
python3 "$SRC/tests/e2e/oci_image.py" here.oci --compress none base more
ends 1 tool get oci:./here.oci:latest
says err "files of the runner's machine cannot be named here"
get oci:./here.oci:latest --local "$PWD"
says out "name oci:$PWD/./here.oci:latest"
get oci:./here.oci:latest --local "$PWD"
says err 'Using locally found image version'
rm -rf here.oci
python3 "$SRC/tests/e2e/oci_image.py" here.oci base change
get oci:./here.oci:latest --local "$PWD"
grep -qx new "$(field layer | head -n 1)/etc/version" || fail 'a changed image was not seen'
for kind in oci-archive docker-archive; do
	skopeo --insecure-policy copy -q oci:here.oci:latest "$kind:$PWD/$kind.tar:team/app:1"
	get "$kind:./$kind.tar" --local "$PWD"
	[ "$(field layer | wc -l)" = 2 ] || fail "$kind: layers"
done

# ---- credentials
# the password is "secret"
echo 'ann:$2y$05$GfAbLo4DOrrkRPlID5nB0.x15B2whxAQPFEEcOktyKDwUCqgRjlw.' >users
registry_start private users
registry_creds=ann:secret registry_push "$registry/team/app:1" base
entry() { printf '{"auths": {"%s": {"auth": "%s"}}}' "$1" "$(printf %s "$2" | base64)"; }
ends 1 tool get "$registry/team/app:1"
says err "error -13: $registry does not give out $registry/team/app:1"
says err 'DOCKER_AUTH_CONFIG can hold'
ends 1 tool get "$registry/team/app:1" --auth "$(entry "$registry" ann:wrong)"
says err 'the credentials are not right'
ends 1 tool get "$registry/team/app:1" --auth "$(entry other.example.org ann:secret)"
says err 'DOCKER_AUTH_CONFIG can hold'
get "$registry/team/app:1" --auth "$(entry "$registry" ann:secret)"
get "$registry/team/app:1" --auth "$(entry "https://$registry/v2/" ann:secret)"
get "$registry/team/app:1" --auth "$(entry "$registry" ann:wrong)" --auth nonsense --policy if-not-present
get "$registry/team/app:1" --auth nonsense --credential "$registry ann secret"
says err 'WARNING: DOCKER_AUTH_CONFIG is not used: it is no JSON object'
get "$registry/team/app:1" --auth "$(entry "$registry/team" ann:secret)" --credential "$registry ann wrong"
ends 1 tool get "$registry/team/app:1" --auth "$(entry "$registry" ann:wrong)" --credential "$registry ann secret"
# what this user has in his home is nobody's unless the caller says so
mkdir -p "$HOME/.docker"
entry "$registry" ann:secret >"$HOME/.docker/config.json"
ends 1 tool get "$registry/team/app:1"
says err 'DOCKER_AUTH_CONFIG can hold'

# ---- removal: who is held stays, and so do the layers he shares
rm -rf store
registry_start plain2
registry_push "$registry/a:1" base
registry_push "$registry/b:1" base change
mkdir big
head -c 8000000 /dev/urandom >big/file
registry_push "$registry/c:1" big
get "$registry/a:1"
a=$(field layer)
a_digest=$(field manifest)
"$BUILD/tests/image-tool" "$store" get "$registry/b:1" --hold 60 >held 2>err &
holder=$!
until grep -q ^layer held; do kill -0 $holder || fail 'no holder'; sleep 0.05; done
get "$registry/c:1"
c=$(field layer)
ends 0 tool sweep 1000000000 0
says out 0
ends 0 tool sweep 0 0
says out 2
[ -e "$a" ] || fail 'a layer that is held was removed'
[ ! -e "$c" ] || fail 'a layer nobody needs was not removed'
kill $holder
wait $holder || true
ends 0 tool sweep 0 0
says out 1
[ -z "$(find store/layers store/images store/names store/blobs/sha256 -mindepth 1)" ] || fail 'not all was removed'
# the oldest first, down to the low mark
get "$registry/a:1"
get "$registry/c:1"
get "$registry/a:1"
ends 0 tool sweep 0 0 --in-use "$a_digest"
says out 1
ends 1 tool get "$registry/c:1" --policy never
get "$registry/c:1"
get "$registry/a:1"
ends 0 tool sweep 1000 15000000
says out 1
ends 0 tool get "$registry/a:1" --policy never
ends 1 tool get "$registry/c:1" --policy never

# by itself, after a pull
get "$registry/c:1" --keep 22000000
ends 1 tool get "$registry/a:1" --policy never
ends 0 tool get "$registry/c:1" --policy never
get "$registry/a:1" --keep 1000000000
ends 0 tool get "$registry/c:1" --policy never

# ---- removal while others come: who gets an image has it whole
pids=()
for name in a b c; do
	(for _ in {1..15}; do
		"$BUILD/tests/image-tool" "$store" get "$registry/$name:1" --threads 3 --policy if-not-present || exit
	done) >"out.$name" 2>"err.$name" &
	pids+=($!)
done
sweeps=0
while kill -0 "${pids[@]}" 2>/dev/null; do
	ends 0 tool sweep 0 0
	sweeps=$((sweeps + 1))
done
for pid in "${pids[@]}"; do wait "$pid" || fail "while removing: $(tail -n 3 err.?)"; done
[ $sweeps -gt 3 ] || fail 'nothing was removed meanwhile'
