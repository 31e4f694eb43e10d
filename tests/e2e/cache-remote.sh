#!/bin/bash
# Caches in an S3 store that two machines share. The store is rclone's, with SOAK Versity's gateway: both check
# every signature. The Go tool chain makes them, once; they stay in $PAWL_TEST_CACHE (default: cache/ of the build
# folder). curl, which signs by itself, sees what was written.
# shellcheck disable=SC2016 # scripts are text here
set -eu
export PAWL_EXECUTOR=shell # what is looked at lies outside of a sandbox
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
. "$SRC/tests/jobs.sh"
cache=${PAWL_TEST_CACHE:-$BUILD/cache}

# ---- the store

get_store() { # PROGRAM COMMAND…: what makes it
	local program=$1
	shift
	mkdir -p "$cache/s3"
	exec 9>"$cache/s3/lock"
	flock 9
	if [ -x "$program" ]; then return 0; fi
	type -P go >/dev/null || { echo "there is no go" >go.log; return 1; }
	HOME=$R GOPATH=$R/go GOCACHE=$R/go/cache GOFLAGS=-modcacherw "$@" >go.log 2>&1
}

make_rclone() { # PROGRAM
	mkdir make
	cp "$SRC/tests/e2e/s3_store.go" make/main.go
	(cd make && timeout 60 go mod init s3_store && timeout 120 go get github.com/rclone/gofakes3@v0.0.12 &&
	    timeout 300 go build -ldflags='-s -w' -o "$1" .)
}

make_versity() { # PROGRAM
	GOBIN=$(dirname "$1") timeout 500 go install -ldflags='-s -w' github.com/versity/versitygw/cmd/versitygw@v1.8.0
}

# shellcheck disable=SC2317 # called by name
has_ports() { [ "$(wc -l <store.ports)" = 2 ]; }

start_rclone() {
	"$cache/s3/rclone-0.0.12" caches test-key test-secret >store.ports 2>store.log &
	pids+=($!)
	wait_for has_ports
	{ read -r s3; read -r s3_virtual; } <store.ports
}

start_versity() {
	s3=$(free_port) s3_virtual=$s3
	mkdir -p store/data/caches store/meta
	ROOT_ACCESS_KEY=test-key ROOT_SECRET_KEY=test-secret "$cache/s3/versitygw" --port "127.0.0.1:$s3" \
	    --virtual-domain localhost -q posix --sidecar "$R/store/meta" "$R/store/data" >store.log 2>&1 &
	pids+=($!)
}

if [ -n "${SOAK-}" ]; then
	get_store "$cache/s3/versitygw" make_versity "$cache/s3/versitygw" && start=start_versity
else
	get_store "$cache/s3/rclone-0.0.12" make_rclone "$cache/s3/rclone-0.0.12" && start=start_rclone
fi
if [ -z "${start-}" ]; then
	echo "skipped: no S3 store to test with: $(tail -n 1 go.log)"
	exit 77
fi
exec 9>&-
$start

s3_curl() { # OBJECT ARGUMENTS…
	local object=$1
	shift
	curl -sS --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3 -u test-key:test-secret \
	    -H x-amz-content-sha256:UNSIGNED-PAYLOAD "$@" "http://127.0.0.1:$s3/caches/$object"
}
store_is_up() { curl -s -o /dev/null "http://127.0.0.1:$s3/"; }
wait_for store_is_up

# ---- machines

git init -q -b main work
git -C work -c user.name=t -c user.email=t@t commit -q --allow-empty -m one
sha=$(git -C work rev-parse HEAD)
mkdir -p repos/g
git clone -q --bare work repos/g/p.git
printf 'glrt-good\n' >token
port=$(free_port)
printf '[default]\naws_access_key_id = test-key\naws_secret_access_key = test-secret\n' >keys

settings() { # FILE S3-SETTINGS
	cat >"$1" <<END
servers: [{url: "http://127.0.0.1:$port", token_file: $R/token, repos: $R/repos}]
cache: {type: s3, path: /ci/, s3: {bucket_name: caches, insecure: true, $2}}
END
}
settings good.yml "server_address: '127.0.0.1:$s3', credentials_file: $R/keys"

id=0
run_job() { # MACHINE SETTINGS CACHE SCRIPT-LINES-AS-JSON [VARIABLES]
	id=$((id + 1))
	give "$id" <<END
{"id":$id,"token":"jt-$id","job_info":{"name":"job$id","project_full_path":"g/p","project_id":7},
"git_info":{"repo_url":"${url-http://ci:jt@127.0.0.1:$port/g/p.git}","ref":"main","sha":"$sha",
"refspecs":["+refs/heads/main:refs/remotes/origin/main"],"depth":20},"runner_info":{"timeout":600},
"variables":[{"key":"R","value":"$R"}${5-}],"steps":[{"name":"script","script":$4}],
"cache":[{"key":"k-protected","paths":["deps/"],"when":"on_success",$3}]}
END
	# anew each time: it would give the job to the runner before, which still asks
	start_server
	runner_options=(--config "$R/$2" --state "$R/$1" --concurrent 1)
	start_runner
	wait_for ended "$id"
	kill_runner TERM
	kill_server
	log=$R/server/got/$id.log
	grep -q "\"state\": *\"${ends-success}\"" "server/got/$id.end" || fail "job $id did not end as ${ends-success}"
}
says() { grep -qF -- "$1" "$log" || fail "job $id does not say: $1"; }
says_not() { if grep -qF -- "$1" "$log"; then fail "job $id says: $1"; fi; }
warnings() { grep -c WARNING "$log" || true; }

both='"policy":"pull-push"'
pull='"policy":"pull"'
object=ci/runner/good/project/7/k-protected

# ---- what one machine has made, the other one has
run_job A good.yml "$both" '["mkdir -p deps/sub","echo one >deps/sub/x","chmod 755 deps/sub/x","ln -s sub/x deps/link","touch -d 2020-01-01 deps/sub/x"]'
says "No cache for k-protected"
says "Sent cache k-protected to 127.0.0.1:$s3"
s3_curl "$object" -o object.zip || fail "the object is not where GitLab's runner has it: $(s3_curl '?list-type=2')"
python3 - <<'END' || fail "the object is no zip as GitLab's runner makes it"
import stat, zipfile
z = zipfile.ZipFile("object.zip")
mode = {i.filename: i.external_attr >> 16 for i in z.infolist()}
assert z.read("deps/sub/x") == b"one\n", mode
assert stat.S_IMODE(mode["deps/sub/x"]) == 0o755, mode
assert stat.S_ISLNK(mode["deps/link"]) and z.read("deps/link") == b"sub/x", mode
assert "deps/sub/" in mode, mode
END
check='"test \"$(cat deps/link)\" = one","test -x deps/sub/x","test deps/sub/x -ot README || true"'
run_job B good.yml "$both" "[$check]"
says "Fetched cache k-protected from 127.0.0.1:$s3"
says "Successfully extracted cache"
says "Archive is up to date!"
says_not "Sent cache"
run_job B good.yml "$both" "[$check]"
says_not "Fetched cache" # it is as it was
says "Successfully extracted cache"

# ---- what is newer there counts; what is the same here is not sent again
run_job B good.yml "$both" "[$check,\"echo two >deps/sub/y\"]"
says "Sent cache"
run_job A good.yml "$both" "[$check,\"grep two deps/sub/y\"]"
says "Fetched cache"
says_not "Sent cache"

# ---- by the bucket's own name; tar.zst, when that is asked for
settings virtual.yml "server_address: 'localhost:$s3_virtual', path_style: false, access_key: test-key, secret_key: test-secret"
run_job A virtual.yml "$both" "[$check,\"echo three >deps/z\"]" \
    ',{"key":"CACHE_COMPRESSION_FORMAT","value":"tarzstd"}'
says "Sent cache"
s3_curl "$object" -o object.tar.zst
[ "$(head -c 4 object.tar.zst | od -An -tx1 | tr -d ' ')" = 28b52ffd ] || fail "this is no tar.zst"
AWS_ACCESS_KEY_ID=test-key AWS_SECRET_ACCESS_KEY=test-secret
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
settings environment.yml "server_address: '127.0.0.1:$s3'"
run_job B environment.yml "$both" "[$check,\"grep three deps/z\",\"! env | grep -q ^AWS_.*_KEY\"]"
says "Fetched cache"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

# ---- an archive by somebody else, who wishes harm
python3 - <<'END'
import stat, zipfile
with zipfile.ZipFile("hostile.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("deps/", "")
    z.writestr("deps/good", "good")
    z.writestr("../../../../../../../../../evil", "evil")
    z.writestr("/evil", "evil")
    link = zipfile.ZipInfo("deps/out")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    z.writestr(link, "/")
    z.writestr("deps/out/evil", "evil")
    device = zipfile.ZipInfo("deps/null")
    device.external_attr = (stat.S_IFCHR | 0o666) << 16
    z.writestr(device, "")
END
s3_curl "$object" -T hostile.zip
run_job B good.yml "$pull" '["grep -q good deps/good","! test -e deps/null"]'
says "Fetched cache"
says "../../../../../../../../../evil"
for place in /evil "$R/evil"; do
	if [ -e "$place" ]; then fail "the archive has written $place"; fi
done

# ---- whatever is wrong with the store: one warning, and the cache of the machine
head -c 5000 /dev/urandom >damaged
s3_curl "$object" -T damaged
run_job B good.yml "$pull" '["grep -q good deps/good"]'
[ "$(warnings)" = 1 ] || fail "job $id has $(warnings) warnings of a damaged object"
settings wrong.yml "server_address: '127.0.0.1:$s3', access_key: test-key, secret_key: wrong"
run_job B wrong.yml "$pull" '["grep -q good deps/good"]'
says "SignatureDoesNotMatch"
[ "$(warnings)" = 1 ] || fail "job $id has $(warnings) warnings of a wrong key"
settings away.yml "server_address: '127.0.0.1:1', credentials_file: $R/keys"
run_job B away.yml "$both,\"fallback_keys\":[\"a\",\"b\"]" '["echo more >>deps/good"]'
[ "$(warnings)" = 2 ] || fail "job $id has $(warnings) warnings of a store that is away, at both ends"
stalled=$(free_port)
python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()
kept = []
while True:
    kept.append(s.accept())
    open("asked", "w").close()' "$stalled" &
pids+=($!)
settings stalled.yml "server_address: '127.0.0.1:$stalled', credentials_file: $R/keys"
SECONDS=0
run_job B stalled.yml "$pull,\"fallback_keys\":[\"a\",\"b\"]" '["grep -q more deps/good"]'
says "stalled for 10 s"
[ "$(warnings)" = 1 ] || fail "job $id has $(warnings) warnings of a store that stalls"
((SECONDS < 20)) || fail "a store that stalls has held the job for $SECONDS s"

SECONDS=0
run_job A stalled.yml '"policy":"push"' '["mkdir deps","head -c 30000000 /dev/urandom >deps/large"]'
grep -q '^\.\.\. [0-9.]* of 30.0 MB' "$log" || fail "job $id does not say how far it is"
says "stalled for 10 s"
[ "$(warnings)" = 1 ] || fail "job $id has $(warnings) warnings of a store that stalls"
((SECONDS < 25)) || fail "a store that stalls has held the end of a job for $SECONDS s"

# ---- whoever cancels a job waits for no store
rm asked
(wait_for test -e asked && echo canceling >"server/status-$((id + 1))") &
pids+=($!)
SECONDS=0
ends=failed run_job B stalled.yml "$pull" '["touch $R/ran"]'
says "it was canceled"
if [ -e ran ]; then fail "a job that was canceled while its cache was fetched has run"; fi
((SECONDS < 10)) || fail "a store that stalls has held a canceled job for $SECONDS s"

# ---- what has been removed there is removed here
run_job A good.yml "$both" '["mkdir -p deps"]'
s3_curl "$object" -X DELETE
run_job A good.yml '"untracked":false' '["! test -e deps"]' # a policy need not be said
says "No cache for k-protected"

# ---- where a driver runs scripts: by curl, zip and zstd
mkdir -p driver
cat >driver/config <<END2
#!/bin/sh
echo '{"builds_dir":"$R/place/'"\$CUSTOM_ENV_CI_JOB_ID"'","cache_dir":"$R/place/caches","shell":"'"\$(cat $R/driver/shell)"'"}'
END2
cat >driver/run <<END2
#!/bin/sh
echo "\$2" >>$R/stages
mkdir -p $R/place/\$CUSTOM_ENV_CI_JOB_ID
exec env -i PATH="\$PATH" HOME=$R/place "\$(cat $R/driver/shell)" "\$1"
END2
chmod +x driver/config driver/run
custom() { # NAME S3-SETTINGS
	settings "$1" "$2"
	printf 'executor: custom\ncustom: {config_exec: %s/driver/config, run_exec: %s/driver/run}\n' "$R" "$R" >>"$1"
}
has_id() { printf ',{"key":"CI_JOB_ID","value":"%s"},{"key":"CI_PROJECT_PATH","value":"g/p"}' "$((id + 1))"; }
echo bash >driver/shell
url=file://$R/work
custom custom.yml "server_address: '127.0.0.1:$s3', credentials_file: $R/keys"
run_job A good.yml "$both" '["rm -rf deps","mkdir -p deps/sub","echo five >deps/sub/w","ln -s sub/w deps/link","date +%N >deps/v"]'
says "Sent cache"
rm -f stages
run_job C custom.yml "$both" "[\"grep five deps/link\",\"test -L deps/link\",\"ls deps\"]" "$(has_id)"
says "Fetched cache k-protected from 127.0.0.1:$s3"
says "Archive is up to date!"
[ "$(tr '\n' ' ' <stages)" = "prepare_script get_sources restore_cache build_script archive_cache " ] || fail "stages: $(cat stages)"
run_job C custom.yml "$both" "[\"grep five deps/link\",\"echo six >'deps/odd  name'\",\"rm deps/v\"]" "$(has_id)"
says_not "Fetched cache" # it is as it was
says "Sent cache k-protected to 127.0.0.1:$s3"
run_job B good.yml "$pull" "[\"grep six 'deps/odd  name'\",\"test -L deps/link\",\"! test -e deps/v\"]"
says "Fetched cache"
echo sh >driver/shell
run_job C custom.yml "\"untracked\":true,$both" '["grep -q five deps/sub/w","echo seven >seven"]' \
    "$(has_id),{\"key\":\"CACHE_COMPRESSION_FORMAT\",\"value\":\"tarzstd\"}"
says "Sent cache"
run_job B good.yml "\"untracked\":true,$both" '["grep -q five deps/link","grep seven seven","echo eight >seven"]' \
    ',{"key":"CACHE_COMPRESSION_FORMAT","value":"tarzstd"}'
says "Sent cache"
ends=failed run_job C custom.yml "\"untracked\":true,$both" '["grep eight seven","false"]' "$(has_id)"
says "eight"
says_not "Creating cache"
grep -q archive_cache_on_failure stages || fail "stages: $(cat stages)"
custom custom-away.yml "server_address: '127.0.0.1:1', credentials_file: $R/keys"
run_job C custom-away.yml "$both,\"fallback_keys\":[\"a\",\"b\"]" '["grep eight seven","echo more >deps/more"]' "$(has_id)"
says "Created cache" # the driver's cache_dir has it
[ "$(warnings)" = 2 ] || fail "job $id has $(warnings) warnings of a store that is away, at both ends"
if grep -rqs X-Amz-Signature server/got; then fail "a log has a signed address"; fi
unset url

# ---- pawl run has what runners have left, and sends nothing unless it is told to
run_job A good.yml "$both" '["mkdir -p deps","echo four >deps/v"]'
mkdir -p config/pawl
cat >config/pawl/run.yml <<END2
cache: {type: s3, path: ci/runner/good, s3: {bucket_name: caches, insecure: true, server_address: '127.0.0.1:$s3', credentials_file: $R/keys}}
END2
cat >work/.gitlab-ci.yml <<'END2'
a: {cache: {key: k, paths: [deps/]}, script: [mkdir -p deps, cat deps/v || true, echo of a laptop >deps/laptop]}
END2
pawl_run() { (cd work && rm -rf .pawl/cache && XDG_CONFIG_HOME=$R/config timeout 60 pawl run "$@") >pawl.log 2>&1 || fail "pawl run: $(cat pawl.log)"; }
log=pawl.log
etag() { s3_curl "$object" -I | grep -i '^etag'; }
before=$(etag)
pawl_run -v CI_PROJECT_ID=7
says "Fetched cache k-protected from 127.0.0.1:$s3"
says four
[ "$(etag)" = "$before" ] || fail "pawl run has sent a cache: $(cat pawl.log)"
sed 's/^cache: {/&policy: pull-push, /' config/pawl/run.yml >push.yml
pawl_run -v CI_PROJECT_ID=7 --config ../push.yml
says "Sent cache k-protected"
run_job B good.yml "$pull" '["grep laptop deps/laptop"]'
says "Fetched cache"
log=pawl.log
pawl_run
says "the store of caches is not used: which project this is there"
if (cd work && timeout 60 pawl run --config ../good.yml) >pawl.log 2>&1; then fail "servers are no settings of pawl run"; fi
says '"servers" is a setting of `pawl runner`'
