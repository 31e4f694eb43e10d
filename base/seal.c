/*
 * Sealing and the key file. A sealed value is a byte that says how (1), the nonce, the
 * ciphertext and its proof. The key file is a line of text, so that it can be copied by
 * hand: "pawl-key-1" and 64 hex digits.
 */
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

enum {
	FORM = 1,
	KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	PROOF_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	HEADER_BYTES = 1 + NONCE_BYTES,
	HEX_DIGITS = 2 * KEY_BYTES,
};

static const char key_title[] = "pawl-key-1 ";

struct seal {
	unsigned char key[KEY_BYTES];
};

/* ---- the key file ---------------------------------------------------------- */

static int
refuse(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERR_ENVIRONMENT, "key file %s %s", path, why);
}

/* Its owner alone may know it. */
static int
check_mode(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "key file %s", path);
	if (!S_ISREG(st.st_mode))
		return refuse(path, "is not a file", err);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return refuse(path, "belongs to another user: chown it to this one", err);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "key file %s is open to others (mode %03o): chmod 600 it, and if "
		    "somebody may have read it, change the secrets it protects",
		    path, (unsigned)(st.st_mode & 0777));
	return 0;
}

static bool
parse_key(const char *text, size_t len, unsigned char *key)
{
	size_t title = strlen(key_title), got = 0;
	const char *end = NULL;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	return len == title + HEX_DIGITS && str_starts(text, key_title) &&
	    sodium_hex2bin(key, KEY_BYTES, text + title, HEX_DIGITS, NULL, &got, &end) ==
	    0 &&
	    got == KEY_BYTES;
}

static int
read_key(int fd, const char *path, unsigned char *key, struct error *err)
{
	struct buf text = BUF_INIT;
	bool fine;

	if (check_mode(fd, path, err) < 0)
		return err->code;
	if (buf_read_fd(&text, fd, 4096, err) < 0) {
		seal_wipe(&text);
		return error_wrap(err, "key file %s", path);
	}
	fine = parse_key(buf_str(&text), text.len, key);
	seal_wipe(&text);
	if (!fine)
		return refuse(path,
		    "is not one (\"pawl-key-1\" and 64 hex digits): restore it from a "
		    "backup, what it sealed cannot be read without",
		    err);
	return 0;
}

static int
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir =
	    slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path) + 1);
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

/* Under a name of its own first, so that nobody ever finds half a key. */
static int
write_key(const char *path, const unsigned char *key)
{
	cleanup_free char *half = xasprintf("%s.%ld", path, (long)getpid());
	char line[sizeof(key_title) + HEX_DIGITS + 1];
	cleanup_close int fd =
	    open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	size_t title = strlen(key_title);
	int rc = -1;

	memcpy(line, key_title, title);
	sodium_bin2hex(line + title, HEX_DIGITS + 1, key, KEY_BYTES);
	line[title + HEX_DIGITS] = '\n';
	if (fd >= 0 && path_write_fd(fd, line, title + HEX_DIGITS + 1) == 0 &&
	    fsync(fd) == 0 && (link(half, path) == 0 || errno == EEXIST))
		rc = sync_folder(path);
	if (fd >= 0)
		unlink(half);
	sodium_memzero(line, sizeof(line));
	return rc;
}

/* Another process may be faster: then its key is the one. */
static int
make_key(const char *path, struct error *err)
{
	unsigned char key[KEY_BYTES];
	int rc;

	randombytes_buf(key, sizeof(key));
	rc = write_key(path, key);
	sodium_memzero(key, sizeof(key));
	if (rc < 0) {
		(void)error_errno(err, "cannot create the key file %s", path);
		return err->code = ERR_ENVIRONMENT;
	}
	return 0;
}

static int
open_key(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		if (make_key(path, err) < 0)
			return err->code;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0) {
		(void)error_errno(err, "cannot open the key file %s", path);
		return err->code = ERR_ENVIRONMENT;
	}
	return fd;
}

int
seal_open(const char *path, struct seal **out, struct error *err)
{
	cleanup_seal struct seal *seal = xcalloc(1, sizeof(*seal));
	cleanup_close int fd = -1;

	if (sodium_init() < 0)
		return error_set(err, ERR_ENVIRONMENT, "libsodium cannot be started");
	fd = open_key(path, err);
	if (fd < 0 || read_key(fd, path, seal->key, err) < 0)
		return err->code;
	*out = take(seal);
	return 0;
}

void
seal_close(struct seal *seal)
{
	if (seal == NULL)
		return;
	sodium_memzero(seal, sizeof(*seal));
	free(seal);
}

/* ---- values ---------------------------------------------------------------- */

void
seal_value(const struct seal *seal, const char *place, const void *data, size_t len,
    struct buf *out)
{
	unsigned char *sealed, *nonce;

	buf_reserve(out, HEADER_BYTES + len + PROOF_BYTES);
	sealed = (unsigned char *)out->data + out->len;
	sealed[0] = FORM;
	nonce = sealed + 1;
	randombytes_buf(nonce, NONCE_BYTES);
	/* cannot fail */
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + HEADER_BYTES, NULL,
	    data, len, (const unsigned char *)place, strlen(place), NULL, nonce,
	    seal->key);
	out->len += HEADER_BYTES + len + PROOF_BYTES;
	out->data[out->len] = '\0';
}

int
seal_open_value(const struct seal *seal, const char *place, const void *sealed,
    size_t len, struct buf *out, struct error *err)
{
	const unsigned char *bytes = sealed;
	size_t plain;

	if (len < HEADER_BYTES + PROOF_BYTES || bytes[0] != FORM)
		return error_set(err, ERR_INVALID, "%s: this is no sealed value", place);
	plain = len - HEADER_BYTES - PROOF_BYTES;
	buf_reserve(out, plain);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		(unsigned char *)out->data + out->len, NULL, NULL, bytes + HEADER_BYTES,
		len - HEADER_BYTES, (const unsigned char *)place, strlen(place),
		bytes + 1, seal->key) != 0) {
		out->data[out->len] = '\0';
		return error_set(err, ERR_INVALID,
		    "%s: the sealed value is damaged, or sealed with another key", place);
	}
	out->len += plain;
	out->data[out->len] = '\0';
	return 0;
}

void
seal_wipe(struct buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->cap);
	buf_clear(b);
}
