/* Layers of images: what they say comes out as an overlay wants it, and hostile ones are
 * refused. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/hash.h"
#include "base/path.h"
#include "executors/container/layer.h"
#include "tests/unit/fixture.h"

struct entry {
	const char *name;
	char type; /* as in tar: '0' file, '1' hard link, '2' link, '5' folder … */
	const char *text;        /* of a file its content, of a link its target */
	unsigned mode, uid, gid; /* mode: 0 is 0644 of a file */
	const char *pax;         /* "KEY=VALUE" of an extended header */
};

static void
add_block(
    struct buf *tar, const struct entry *e, char type, const char *text, size_t size)
{
	bool is_link = type == '1' || type == '2';
	char block[512] = "";
	unsigned sum = 0, mode = e->mode == 0 && type == '0' ? 0644 : e->mode;

	(void)snprintf(block, 100, "%s", type == 'x' ? "pax" : e->name);
	(void)snprintf(block + 100, 8, "%07o", mode & 07777);
	(void)snprintf(block + 108, 8, "%07o", e->uid & 0777777);
	(void)snprintf(block + 116, 8, "%07o", e->gid & 0777777);
	(void)snprintf(block + 124, 12, "%011o", is_link ? 0 : (unsigned)size & 0777777);
	(void)snprintf(block + 136, 12, "%011o", 1000000000u);
	memset(block + 148, ' ', 8);
	block[156] = type;
	if (is_link)
		(void)snprintf(block + 157, 100, "%s", text);
	memcpy(block + 257, "ustar\00000", 8);
	(void)snprintf(block + 329, 8, "%07o", 1u);
	(void)snprintf(block + 337, 8, "%07o", 3u);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	(void)snprintf(block + 148, 8, "%06o", sum);
	buf_add(tar, block, sizeof(block));
	if (is_link || size == 0)
		return;
	buf_add(tar, text, size);
	memset(block, 0, sizeof(block));
	if (size % 512 != 0)
		buf_add(tar, block, 512 - size % 512);
}

static void
add_entry(struct buf *tar, const struct entry *e)
{
	if (e->pax != NULL) {
		cleanup_free char *line = NULL;
		size_t len = strlen(e->pax) + 3;

		len += len + 2 >= 100 ? 3 : 2;
		line =
		    xasprintf("%zu %s\n", strlen(e->pax) + (len >= 100 ? 5 : 4), e->pax);
		add_block(tar, e, 'x', line, strlen(line));
	}
	add_block(tar, e, e->type, e->text, strlen(e->text));
}

static void
add_end(struct buf *tar)
{
	char end[1024] = "";

	buf_add(tar, end, sizeof(end));
}

static void
write_blob(const char *root, const struct entry *entries, size_t count)
{
	cleanup_free char *path = path_join(root, "blob");
	cleanup_buf struct buf tar = BUF_INIT;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < count && entries[i].name != NULL; i++)
		add_entry(&tar, &entries[i]);
	add_end(&tar);
	if (path_write_file(path, tar.data, tar.len, 0644, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static int
open_at(const char *root, const char *name, int flags)
{
	cleanup_free char *path = path_join(root, name);
	int fd = open(path, flags | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void
be(uid_t uid)
{
	if (geteuid() != uid && seteuid(uid) < 0)
		ck_abort_msg("cannot become user %u", (unsigned)uid);
}

/* ROOT/blob into ROOT/to, as that user. */
static int
unpack_as(uid_t uid, const char *root, struct layer_unpack *u, struct layer_info *info,
    struct error *err)
{
	cleanup_close int blob = open_at(root, "blob", O_RDONLY);
	cleanup_close int dir = -1;
	uid_t self = geteuid();
	int rc;

	fixture_sh(root, "mkdir -p to && chmod 777 to");
	dir = open_at(root, "to", O_RDONLY | O_DIRECTORY);
	u->dir_fd = dir;
	be(uid);
	rc = layer_unpack(u, blob, info, err);
	be(self);
	return rc;
}

static int
try_unpack(
    const char *root, struct layer_unpack *u, struct layer_info *info, struct error *err)
{
	return unpack_as(geteuid(), root, u, info, err);
}

static struct layer_info
unpack(const char *root, const struct entry *entries, size_t count)
{
	struct layer_unpack u = { .dir_fd = -1 };
	struct layer_info info = { .entries = 0 };
	struct error err = ERROR_INIT;

	if (entries != NULL)
		write_blob(root, entries, count);
	if (try_unpack(root, &u, &info, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return info;
}

static const struct entry honest[] = {
	{ "./", '5', "", 0711 },
	{ "bin/", '5', "", 0555 },
	{ "bin/su", '0', "program", 04755 },
	{ "bin/sg", '0', "program", 02711 },
	{ "bin/again", '1', "bin/su" },
	{ "bin/sh", '2', "/bin/su" },
	{ "bin/ksh", '1', "./bin/sh" },
	{ "tmp", '5', "", 01777 },
	{ "tmp/pipe", '6', "", 0640 },
	{ "/etc//passwd", '0', "root", 0600 },
	{ "n\xc3\xb6n\xff", '0', "", 0444 },
};

START_TEST(what_it_holds_comes_out)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;
	struct layer_info info = unpack(root, honest, ARRAY_LEN(honest));

	got = fixture_ask(root,
	    "cd to && stat -c '%%n %%a %%h %%Y' . bin bin/su bin/sg tmp tmp/pipe "
	    "etc/passwd && cat bin/again etc/passwd && readlink bin/sh bin/ksh && "
	    "test -p tmp/pipe && test bin/su -ef bin/again && ls -d n* | wc -c");
	ck_assert_str_eq(got,
	    ". 711 5 1000000000\nbin 555 2 1000000000\nbin/su 4755 2 1000000000\n"
	    "bin/sg 2711 1 1000000000\ntmp 1777 2 1000000000\ntmp/pipe 640 1 1000000000\n"
	    "etc/passwd 600 1 1000000000\nprogramroot/bin/su\n/bin/su\n6");
	ck_assert_uint_eq(info.entries, ARRAY_LEN(honest));
}
END_TEST

/* Each turns the tar "blob" into what a registry may give. */
static const char *const packings[] = { "true", "gzip -n blob && mv blob.gz blob",
	"split -n 2 blob part. && gzip part.* && cat part.*.gz >blob" };

START_TEST(compressed_or_not)
{
	cleanup_fixture char *root = fixture_open();

	write_blob(root, honest, ARRAY_LEN(honest));
	fixture_sh(root, "%s", packings[_i]);
	unpack(root, NULL, 0);
	fixture_sh(root, "grep -qx program to/bin/su");
}
END_TEST

/* As our own caches are packed; then what zstd leaves to others to skip. */
START_TEST(zstd_is_read)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_close int dir = -1, fd = -1;
	struct archive_pack p = { .paths = &paths, .level = 1 };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir from && seq 100000 >from/a && : >blob");
	strlist_add(&paths, "a");
	dir = open_at(root, "from", O_RDONLY | O_DIRECTORY);
	fd = open_at(root, "blob", O_WRONLY);
	p.dir_fd = dir;
	ck_assert_int_eq(archive_pack(&p, fd, NULL, &err), 0);
	fixture_sh(root, "printf 'P*M\\030\\003\\000\\000\\000abc' >>blob");
	unpack(root, NULL, 0);
	fixture_sh(root, "cmp from/a to/a");
}
END_TEST

static const struct {
	const char *make;
	size_t entries;
} nothings[] = {
	{ ": >blob", 0 },
	{ "gzip </dev/null >blob", 0 },
	{ "head -c 1024 /dev/zero >blob", 0 },
	{ "head -c 10240 /dev/zero | gzip >blob", 0 },
};

START_TEST(layers_of_nothing_are_fine)
{
	cleanup_fixture char *root = fixture_open();

	fixture_sh(root, "%s", nothings[_i].make);
	ck_assert_uint_eq(unpack(root, NULL, 0).entries, nothings[_i].entries);
}
END_TEST

static void
digest_of(const char *root, const char *name, char out[80])
{
	cleanup_free char *path = path_join(root, name);
	cleanup_buf struct buf data = BUF_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(buf_read_file(&data, path, 1 << 20, &err), 0);
	memcpy(out, "sha256:", 7);
	hash_sha256_hex(data.data, data.len, out + 7);
}

/* Bytes after the end of the compressed data, and zeros after the tar, are of the files.
 */
START_TEST(digests_are_of_the_whole_files)
{
	cleanup_fixture char *root = fixture_open();
	char blob[80], diff[80];
	struct layer_unpack u = { .blob_digest = blob, .diff_id = diff };
	struct error err = ERROR_INIT;

	write_blob(root, honest, ARRAY_LEN(honest));
	fixture_sh(root,
	    "head -c 50000 /dev/zero >>blob && cp blob tar && gzip blob && "
	    "mv blob.gz blob && head -c 600000 /dev/zero >>blob");
	digest_of(root, "blob", blob);
	digest_of(root, "tar", diff);
	ck_assert_msg(try_unpack(root, &u, NULL, &err) == 0, "%s", err.msg);
}
END_TEST

START_TEST(other_digests_are_refused)
{
	cleanup_fixture char *root = fixture_open();
	char right[80], wrong[80];
	struct layer_unpack u = { .blob_digest = _i == 0 ? wrong : right,
		.diff_id = _i == 0 ? right : wrong };
	struct error err = ERROR_INIT;

	write_blob(root, honest, ARRAY_LEN(honest));
	digest_of(root, "blob", right);
	memcpy(wrong, right, sizeof(wrong));
	wrong[20] = wrong[20] == 'a' ? 'b' : 'a';
	ck_assert_int_eq(try_unpack(root, &u, NULL, &err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, "is not what the image says") != NULL &&
		strstr(err.msg, wrong) != NULL && strstr(err.msg, right) != NULL,
	    "%s", err.msg);
}
END_TEST

/* What a layer says of those below, what must then be so, and which of its folders or
 * files has an attribute (OPAQUE: of either kind) or has none. */
#define OPAQUE "overlay.opaque"
static const struct {
	struct entry entries[4];
	const char *after, *path, *attribute;
} hidings[] = {
	{ { { ".wh.gone", '0', "" } },
	    "test -c gone && test $(stat -c %t,%T gone) = 0,0" },
	{ { { "a/b/.wh.gone", '0', "" } }, "test -c a/b/gone", "a/b", NULL },
	{ { { "a/", '5', "", 0700 }, { "a/.wh..wh..opq", '0', "" },
	      { "a/new", '0', "n" } },
	    "test -f a/new && ! ls -A a | grep wh && test $(stat -c %a a) = 700", "a",
	    OPAQUE },
	{ { { "a/.wh..wh..opq", '0', "" } }, "test -d a", "a", OPAQUE },
	{ { { ".wh.a", '0', "" }, { "a/", '5', "", 0755 }, { "a/new", '0', "n" } },
	    "test -f a/new", "a", OPAQUE },
	{ { { ".wh.a", '0', "" }, { "a/new", '0', "n" } }, "test -f a/new", "a", OPAQUE },
	{ { { "a/new", '0', "n" }, { ".wh.a", '0', "" } }, "test -f a/new", "a", OPAQUE },
	{ { { ".wh.a", '0', "" }, { "a", '0', "n" } }, "grep -q n a" },
	{ { { "a", '0', "n" }, { ".wh.a", '0', "" } }, "grep -q n a" },
	{ { { ".wh..wh.plnk/1.2", '0', "x" }, { ".wh..wh.aufs", '0', "" } },
	    "! ls -A | grep ." },
	{ { { "a", '0', "file" }, { "a/", '5', "", 0755 } }, "test -d a", "a", NULL },
	{ { { "a/b", '0', "" }, { "a", '0', "file" } }, "grep -q file a" },
	{ { { "a/b", '0', "" }, { "c", '0', "f" }, { "a", '1', "c" } }, "grep -q f a" },
	{ { { "real/", '5', "", 0755 }, { "lib", '2', "real" }, { "lib/x", '0', "f" } },
	    "test -h lib && grep -q f real/x" },
	{ { { "real/", '5', "", 0755 }, { "lib", '2', "/real" },
	      { "lib/y/x", '0', "f" } },
	    "test -h lib && grep -q f real/y/x" },
	{ { { "real/", '5', "", 0755 }, { "lib", '2', "../../../real" },
	      { "lib/y", '0', "f" } },
	    "test -h lib && grep -q f real/y" },
	{ { { "a/b", '5', "", 0 }, { "a/", '5', "", 0 }, { "a/b/c", '0', "x" } },
	    "test $(stat -c %a a) = 0 && chmod 700 a && test $(stat -c %a a/b) = 0" },
	{ { { "a", '0', "x", 0644, 0, 0, "SCHILY.xattr.user.mine=1" } }, "true", "a",
	    "user.mine" },
	{ { { "a/", '5', "", 0755, 0, 0, "SCHILY.xattr.user.mine=1" } }, "true", "a",
	    "user.mine" },
	{ { { "a", '0', "x", 0644, 0, 0, "SCHILY.xattr.user.overlay.redirect=/" } },
	    "true", "a", NULL },
	{ { { "a", '5', "", 0755, 0, 0, "SCHILY.xattr.trusted.overlay.opaque=y" } },
	    "true", "a", NULL },
};

static bool
has_attribute(const char *root, const char *path, const char *attribute)
{
	cleanup_free char *full = xasprintf("%s/to/%s", root, path);
	char names[1024] = "";
	ssize_t len = listxattr(full, names, sizeof(names));

	for (char *n = names; n < names + len; n += strlen(n) + 1)
		if (attribute == NULL ? strstr(n, "overlay") != NULL
				      : strstr(n, attribute) != NULL)
			return true;
	return false;
}

static void
see_what_the_layer_says(size_t i, uid_t uid)
{
	cleanup_fixture char *root = fixture_open();
	struct layer_unpack u = { .dir_fd = -1 };
	struct error err = ERROR_INIT;

	write_blob(root, hidings[i].entries, ARRAY_LEN(hidings[0].entries));
	if (unpack_as(uid, root, &u, NULL, &err) < 0)
		ck_abort_msg("%s", err.msg);
	fixture_sh(root, "cd to && %s", hidings[i].after);
	if (hidings[i].path != NULL)
		ck_assert(has_attribute(root, hidings[i].path, hidings[i].attribute) ==
		    (hidings[i].attribute != NULL));
}

START_TEST(an_overlay_sees_what_the_layer_says)
{
	see_what_the_layer_says((size_t)_i, geteuid());
}
END_TEST

START_TEST(so_does_one_of_somebody_else)
{
	if (!fixture_has_ids()) {
		printf(
		    "skipped: files of other users need root, with all of its rights\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(hidings); i++)
		see_what_the_layer_says(i, 65534);
}
END_TEST

START_TEST(a_layer_can_hide_all_below)
{
	static const struct entry entries[] = { { ".wh..wh..opq", '0', "" } };
	cleanup_fixture char *root = fixture_open();

	ck_assert(unpack(root, entries, 1).hides_all);
	fixture_sh(root, "! ls -A to | grep .");
}
END_TEST

static const struct {
	struct entry entries[3];
	int code;
	const char *words;
} attacks[] = {
	{ { { "../evil", '0', "x" } }, ERR_INVALID, "leads out of the layer" },
	{ { { "a/../../evil", '0', "x" } }, ERR_INVALID, "leads out of the layer" },
	{ { { "a/..", '5', "" } }, ERR_INVALID, "leads out of the layer" },
	{ { { "..", '2', "/" } }, ERR_INVALID, "leads out of the layer" },
	{ { { "up", '2', ".." }, { "up/evil/x", '0', "x" } }, 0, "" },
	{ { { "up", '2', "/" }, { "up/evil", '0', "x" } }, 0, "" },
	{ { { "up", '2', "../keep" }, { "up", '0', "x" } }, 0, "" },
	{ { { "up", '2', "/no/such" }, { "up/evil", '0', "x" } }, ERR_INVALID,
	    "leads to nothing" },
	{ { { "up", '2', "up" }, { "up/evil", '0', "x" } }, ERR_INVALID,
	    "something else" },
	{ { { "a", '0', "x" }, { "a/b", '0', "x" } }, ERR_INVALID, "something else" },
	{ { { "hard", '1', "../keep" } }, ERR_INVALID, "outside the layer" },
	{ { { "hard", '1', "/" } }, ERR_INVALID, "outside the layer" },
	{ { { "hard", '1', "keep" } }, ERR_INVALID, "no file of the layer" },
	{ { { "up", '2', ".." }, { "hard", '1', "up/keep" } }, ERR_INVALID,
	    "no file of the layer" },
	{ { { "a/", '5', "", 0755 }, { "hard", '1', "a" } }, ERR_INVALID,
	    "no file of the layer" },
	{ { { ".wh...", '0', "" } }, ERR_INVALID, "hides no valid name" },
	{ { { ".wh..", '0', "" } }, ERR_INVALID, "hides no valid name" },
	{ { { ".wh.", '0', "" } }, ERR_INVALID, "hides no valid name" },
	{ { { "/", '0', "x" } }, ERR_INVALID, "" },
	{ { { "./", '2', "x" } }, ERR_INVALID, "no folder" },
	{ { { "a", '2', "" } }, ERR_INVALID, "link to nothing" },
	{ { { "a", '0', "x", 0644, 0, 0, "size=9223372036854775807" } }, ERR_INVALID,
	    "" },
	{ { { "a", '0', "x", 0644, 0, 0, "uid=-7" } }, ERR_INVALID, "owner" },
	{ { { "a", '0', "x", 0644, 0, 0, "uid=4294967295" } }, ERR_INVALID, "owner" },
};

START_TEST(attack_is_refused)
{
	cleanup_fixture char *root = fixture_open();
	struct layer_unpack u = { .dir_fd = -1 };
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir to && echo mine >keep");
	write_blob(root, attacks[_i].entries, ARRAY_LEN(attacks[0].entries));
	ck_assert_int_eq(try_unpack(root, &u, NULL, &err), attacks[_i].code);
	if (attacks[_i].code < 0)
		ck_assert_msg(strstr(err.msg, attacks[_i].words) != NULL, "%s", err.msg);
	fixture_sh(root,
	    "! test -e evil && ! test -e /evil && grep -qx mine keep && "
	    "test $(stat -c %%h keep) = 1");
}
END_TEST

static const struct {
	struct layer_bounds limits;
	const char *words;
} limits[] = {
	{ { .entries = 3 }, "more than 3 entries" },
	{ { .bytes = 4096 }, "larger than" },
	{ { .path = 6 }, "name is too long" },
};

START_TEST(limit_is_kept)
{
	cleanup_fixture char *root = fixture_open();
	struct layer_unpack u = { .limits = limits[_i].limits };
	struct error err = ERROR_INIT;

	write_blob(root, honest, ARRAY_LEN(honest));
	ck_assert_int_lt(try_unpack(root, &u, NULL, &err), 0);
	ck_assert_msg(strstr(err.msg, limits[_i].words) != NULL, "%s", err.msg);
}
END_TEST

/* What is compressed a thousandfold is counted as it comes out. */
START_TEST(bombs_end_at_the_limit)
{
	cleanup_fixture char *root = fixture_open();
	struct layer_unpack u = { .limits = { .bytes = 1 << 20 } };
	struct error err = ERROR_INIT;

	fixture_sh(root, "truncate -s 100M zero && tar -c zero | gzip >blob");
	ck_assert_int_lt(try_unpack(root, &u, NULL, &err), 0);
	fixture_sh(root,
	    "test $(du -s --apparent-size -k to | cut -f 1) -le 2000 && rm -r to && "
	    "head -c 100M /dev/zero | gzip >blob");
	ck_assert_int_eq(try_unpack(root, &u, NULL, &err), ERR_LIMIT);
}
END_TEST

static const char *const damages[] = { "truncate -s -1500 blob", "truncate -s 700 blob",
	"gzip blob && mv blob.gz blob && truncate -s -9 blob",
	"head -c 5000 /dev/urandom >blob",
	"gzip blob; (head -c 40 blob.gz; printf x; tail -c +42 blob.gz) >blob" };

START_TEST(damage_is_said)
{
	cleanup_fixture char *root = fixture_open();
	struct layer_unpack u = { .dir_fd = -1 };
	struct error err = ERROR_INIT;
	static const struct entry entries[] = { { "a", '0', "long enough", 0644 } };

	write_blob(root, entries, 1);
	fixture_sh(root, "%s", damages[_i]);
	if (try_unpack(root, &u, NULL, &err) == 0)
		ck_assert_int_eq(_i, 0); /* only the end mark is gone */
	else
		ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

static const struct entry owned[] = {
	{ "root", '0', "x", 04755, 0, 0 },
	{ "www", '0', "x", 06755, 33, 33 },
	{ "home", '5', "", 0700, 1000, 1000 },
	{ "link", '2', "x", 0777, 33, 0 },
	{ "null", '3', "", 0666, 0, 0 },
};

START_TEST(root_keeps_owners)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;
	struct layer_info info;

	if (!fixture_has_ids()) {
		printf(
		    "skipped: files of other users need root, with all of its rights\n");
		return;
	}
	info = unpack(root, owned, ARRAY_LEN(owned));
	got = fixture_ask(root, "cd to && stat -c '%%n %%u %%g %%a' root www home link");
	ck_assert_str_eq(
	    got, "root 0 0 4755\nwww 33 33 6755\nhome 1000 1000 700\nlink 33 0 777");
	ck_assert_uint_eq(info.owners, 0);
	if (info.devices == 0) /* in many a container root may not */
		fixture_sh(root, "test $(stat -c %%t,%%T to/null) = 1,3");
}
END_TEST

START_TEST(others_own_all_and_say_so)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *got = NULL;
	struct layer_unpack u = { .dir_fd = -1 };
	struct layer_info info = { .entries = 0 };
	struct error err = ERROR_INIT;

	write_blob(root, owned, ARRAY_LEN(owned));
	if (unpack_as(fixture_has_ids() ? 65534 : geteuid(), root, &u, &info, &err) < 0)
		ck_abort_msg("%s", err.msg);
	got = fixture_ask(root, "cd to && stat -c '%%n %%a' root www home && ls");
	ck_assert_str_eq(got, "root 4755\nwww 755\nhome 700\nhome\nlink\nroot\nwww");
	ck_assert_uint_eq(info.owners, 3);
	ck_assert_uint_eq(info.devices, 1);
}
END_TEST

START_TEST(cancel_ends_it)
{
	cleanup_fixture char *root = fixture_open();
	atomic_bool cancel = true;
	struct layer_unpack u = { .cancel = &cancel };
	struct error err = ERROR_INIT;

	write_blob(root, honest, ARRAY_LEN(honest));
	ck_assert_int_eq(try_unpack(root, &u, NULL, &err), ERR_CANCELED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("layer");
	TCase *tc = tcase_create("layer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_it_holds_comes_out);
	tcase_add_loop_test(tc, compressed_or_not, 0, (int)ARRAY_LEN(packings));
	tcase_add_test(tc, zstd_is_read);
	tcase_add_loop_test(tc, layers_of_nothing_are_fine, 0, (int)ARRAY_LEN(nothings));
	tcase_add_test(tc, digests_are_of_the_whole_files);
	tcase_add_loop_test(tc, other_digests_are_refused, 0, 2);
	tcase_add_loop_test(
	    tc, an_overlay_sees_what_the_layer_says, 0, (int)ARRAY_LEN(hidings));
	tcase_add_test(tc, so_does_one_of_somebody_else);
	tcase_add_test(tc, a_layer_can_hide_all_below);
	tcase_add_loop_test(tc, attack_is_refused, 0, (int)ARRAY_LEN(attacks));
	tcase_add_loop_test(tc, limit_is_kept, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(tc, bombs_end_at_the_limit);
	tcase_add_loop_test(tc, damage_is_said, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(tc, root_keeps_owners);
	tcase_add_test(tc, others_own_all_and_say_so);
	tcase_add_test(tc, cancel_ends_it);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
