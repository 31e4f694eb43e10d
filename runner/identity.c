/* Source: runner-protocol.md sections 1.1, 1.2 and 8.4. */
#include "runner/identity.h"

#include <stdio.h>
#include <sys/random.h>
#include <sys/utsname.h>

#include "base/path.h"
#include "base/str.h"

#define LETTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool
is_system_id(const char *text)
{
	return strlen(text) == IDENTITY_SYSTEM_ID - 1 &&
	    (str_starts(text, "r_") || str_starts(text, "s_")) &&
	    strspn(text + 2, LETTERS) == IDENTITY_SYSTEM_ID - 3;
}

int
identity_system_id(const char *state_dir, char out[IDENTITY_SYSTEM_ID], struct error *err)
{
	cleanup_free char *file = path_join(state_dir, "system_id");
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	unsigned char bytes[IDENTITY_SYSTEM_ID - 3];

	if (buf_read_file(&text, file, 64, &ignored) == 0 && text.len > 0)
		text.data[strcspn(text.data, "\r\n")] = '\0';
	if (is_system_id(buf_str(&text))) {
		memcpy(out, text.data, IDENTITY_SYSTEM_ID);
		return 0;
	}
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_errno(err, "no random bytes");
	memcpy(out, "r_", 2);
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[2 + i] = LETTERS[bytes[i] % strlen(LETTERS)];
	out[IDENTITY_SYSTEM_ID - 1] = '\0';
	return path_write_file(file, out, strlen(out), 0600, err);
}

/* As Go calls them, which is what servers know. */
static const char *
architecture(void)
{
	static const struct {
		const char *machine, *name;
	} names[] = { { "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" },
		{ "i686", "386" }, { "ppc64le", "ppc64le" }, { "s390x", "s390x" },
		{ "riscv64", "riscv64" } };
	struct utsname u;

	for (size_t i = 0; uname(&u) == 0 && i < ARRAY_LEN(names); i++)
		if (str_eq(u.machine, names[i].machine))
			return names[i].name;
	return "unknown";
}

struct runner_info
identity_info(const char *version, const char *executor)
{
	static const enum runner_feature features[] = { FEATURE_VARIABLES,
		FEATURE_ARTIFACTS, FEATURE_CACHE, FEATURE_FALLBACK_CACHE_KEYS,
		FEATURE_SHARED, FEATURE_UPLOAD_MULTIPLE_ARTIFACTS,
		FEATURE_UPLOAD_RAW_ARTIFACTS, FEATURE_REFSPECS, FEATURE_MASKING,
		FEATURE_RAW_VARIABLES, FEATURE_ARTIFACTS_EXCLUDE,
		FEATURE_MULTI_BUILD_STEPS, FEATURE_TRACE_RESET, FEATURE_TRACE_CHECKSUM,
		FEATURE_TRACE_SIZE, FEATURE_CANCELABLE, FEATURE_RETURN_EXIT_CODE,
		FEATURE_CANCEL_GRACEFULLY, FEATURE_TWO_PHASE_JOB_COMMIT };
	struct runner_info info = { .name = "pawl-runner",
		.version = version,
		.platform = "linux",
		.architecture = architecture(),
		.executor = executor,
		.shell = "bash" };

	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		info.features |= FEATURE_BIT(features[i]);
	return info;
}

void
identity_short_token(const char *token, char out[10])
{
	static const char *const prefixes[] = { "glrt-", "glrtr-", "GR1348941" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (!str_starts(token, prefixes[i]))
			continue;
		token += strlen(prefixes[i]);
		break;
	}
	(void)snprintf(out, 10, "%.9s", token);
}

char *
identity_api(const char *url)
{
	return xasprintf("%s/api/v4", url);
}
