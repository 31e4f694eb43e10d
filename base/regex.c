/* PCRE2 behind RE2's language: compiling, matching within limits, a cache. */
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/regex_re2.h"

#define MATCH_STEPS 1000000 /* PCRE2's own count, some 10 ns each */
#define MATCH_HEAP_KIB 16384
#define JIT_AFTER_BYTES (64 * 1024) /* compiling machine code pays only from here on */

struct regex {
	pcre2_code *code;
	pcre2_match_data *match; /* made at the first match */
	pcre2_match_context *limits;
	size_t bytes_seen;
	uint32_t groups;
	bool jit_tried;
};

static uint32_t
compile_options(unsigned flags)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
	    PCRE2_DOLLAR_ENDONLY;

	if (flags & REGEX_IGNORE_CASE)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_DOT_ALL)
		options |= PCRE2_DOTALL;
	if (flags & REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (flags & REGEX_UNGREEDY)
		options |= PCRE2_UNGREEDY;
	return options;
}

static pcre2_code *
compile(const struct buf *translated, unsigned flags, struct error *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_SIZE offset = 0;
	PCRE2_UCHAR words[256];
	int rc = 0;

	if (context == NULL)
		abort();
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, 200);
	code = pcre2_compile((PCRE2_SPTR)buf_str(translated), translated->len,
	    compile_options(flags), &rc, &offset, context);
	pcre2_compile_context_free(context);
	if (code ==
	    NULL) { /* its offset is into the translation: of no use to a reader */
		pcre2_get_error_message(rc, words, sizeof(words));
		error_set(err, ERR_INVALID, "%s in the regular expression",
		    (const char *)words);
	}
	return code;
}

int
regex_compile(const char *pattern, size_t len, unsigned flags, struct regex **out,
    struct error *err)
{
	cleanup_buf struct buf translated = BUF_INIT;
	struct regex *re;
	pcre2_code *code;

	if (len > REGEX_MAX_BYTES)
		return error_set(err, ERR_LIMIT,
		    "the regular expression is longer than %d bytes", REGEX_MAX_BYTES);
	if (re2_translate(pattern, len, &translated, err) < 0)
		return ERR_INVALID;
	code = compile(&translated, flags, err);
	if (code == NULL)
		return ERR_INVALID;
	re = xcalloc(1, sizeof(*re));
	re->code = code;
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
	*out = re;
	return 0;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_match_data_free(re->match);
	pcre2_match_context_free(re->limits);
	pcre2_code_free(re->code);
	free(re);
}

bool
regex_parse_flags(const char *text, size_t len, unsigned *flags)
{
	unsigned found = 0;

	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case 'i':
			found |= REGEX_IGNORE_CASE;
			break;
		case 's':
			found |= REGEX_DOT_ALL;
			break;
		case 'm':
			found |= REGEX_MULTILINE;
			break;
		case 'U':
			found |= REGEX_UNGREEDY;
			break;
		default:
			return false;
		}
	}
	*flags = found;
	return true;
}

bool
regex_split(const char *text, size_t len, struct regex_literal *out)
{
	const char *slash = len < 2 ? NULL : memrchr(text + 1, '/', len - 1);
	unsigned flags;

	if (slash == NULL || text[0] != '/' ||
	    !regex_parse_flags(slash + 1, (size_t)(text + len - slash - 1), &flags))
		return false;
	*out = (struct regex_literal){ text + 1, (size_t)(slash - text) - 1, flags };
	return true;
}

size_t
regex_group_count(const struct regex *re)
{
	return re->groups;
}

static void
prepare(struct regex *re, size_t len)
{
	if (re->match == NULL) {
		re->match = pcre2_match_data_create_from_pattern(re->code, NULL);
		re->limits = pcre2_match_context_create(NULL);
		if (re->match == NULL || re->limits == NULL)
			abort();
		pcre2_set_match_limit(re->limits, MATCH_STEPS);
		pcre2_set_heap_limit(re->limits, MATCH_HEAP_KIB);
	}
	re->bytes_seen += len + 64;
	if (re->bytes_seen > JIT_AFTER_BYTES && !re->jit_tried) {
		re->jit_tried =
		    true; /* where it cannot be had, the interpreter goes on */
		(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	}
}

static void
copy_spans(struct regex *re, struct regex_span *spans, size_t count)
{
	const PCRE2_SIZE *found = pcre2_get_ovector_pointer(re->match);

	for (size_t i = 0; i < count; i++) {
		bool there = i <= re->groups && found[2 * i] != PCRE2_UNSET;

		spans[i].start = there ? found[2 * i] : SIZE_MAX;
		spans[i].end = there ? found[2 * i + 1] : SIZE_MAX;
	}
}

int
regex_match(struct regex *re, const char *text, size_t len, size_t start,
    struct regex_span *spans, size_t count, struct error *err)
{
	int rc;

	prepare(re, len);
	rc =
	    pcre2_match(re->code, (PCRE2_SPTR)text, len, start, 0, re->match, re->limits);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter has more */
		rc = pcre2_match(re->code, (PCRE2_SPTR)text, len, start, PCRE2_NO_JIT,
		    re->match, re->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return error_set(err, ERR_LIMIT,
		    "the regular expression takes too long on this text; repetitions within "
		    "repetitions do that");
	copy_spans(re, spans, count);
	return 1;
}

/* ---- cache ---------------------------------------------------------------------------
 */

int
regex_cache_get(struct regex_cache *cache, const char *pattern, size_t len,
    unsigned flags, struct regex **out, struct error *err)
{
	cleanup_free char *key = xasprintf("%u/%.*s", flags, (int)len, pattern);
	struct regex *re = map_get(&cache->by_pattern, key);
	int rc;

	if (re == NULL) {
		rc = regex_compile(pattern, len, flags, &re, err);
		if (rc < 0)
			return rc;
		if (cache->by_pattern.live >= REGEX_CACHE_MAX)
			regex_cache_clear(cache);
		map_set(&cache->by_pattern, key, re);
	}
	*out = re;
	return 0;
}

void
regex_cache_clear(struct regex_cache *cache)
{
	map_for_each(e, &cache->by_pattern)
		regex_free(e->value);
	map_clear(&cache->by_pattern);
}
