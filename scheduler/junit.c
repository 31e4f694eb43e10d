/*
 * JUnit by expat. A document ends with its root element; what follows is handed to a new
 * parser as the next document, because expat takes one only. It reads no external
 * entities unless asked to, and a document that declares any is refused.
 */
#include "scheduler/junit.h"

#include <expat.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"

enum element {
	OTHER,
	SUITES,
	SUITE,
	CASE,
	FAILURE,
	ERROR,
	SKIPPED,
	SYSTEM_OUT,
	SYSTEM_ERR,
};

static const struct {
	const char *name;
	enum element element;
} elements[] = {
	{ "testsuites", SUITES },
	{ "testsuite", SUITE },
	{ "testcase", CASE },
	{ "failure", FAILURE },
	{ "error", ERROR },
	{ "skipped", SKIPPED },
	{ "system-out", SYSTEM_OUT },
	{ "system-err", SYSTEM_ERR },
};

/* Of one test case, until its element ends. */
struct collected {
	struct buf name, classname, file;
	struct buf message, words; /* of the element that is open */
	struct buf verdict;        /* what those say that decided the status */
	struct buf out, err;
	enum junit_status status;
	int64_t time_us;
};

struct junit {
	junit_case_fn fn;
	void *data;
	XML_Parser parser; /* of the document at hand; NULL between two */
	struct error error;
	size_t bytes, cases, documents;
	size_t document_bytes; /* fed to the parser */
	enum element open[JUNIT_MAX_DEPTH];
	char *suites[JUNIT_MAX_DEPTH]; /* names of those open, malloced; else NULL */
	size_t depth;
	size_t in_case; /* the depth at which the case is open; 0: none */
	struct collected test;
	struct buf *text;  /* where character data goes; NULL: nowhere */
	struct buf joined; /* what a case says, in one */
	struct buf rest;   /* of the input, behind the document's end */
	bool has_root;     /* the document's root has begun */
	bool is_over;      /* and ended */
};

const char *
junit_status_name(enum junit_status status)
{
	switch (status) {
	case JUNIT_SUCCESS:
		return "success";
	case JUNIT_SKIPPED:
		return "skipped";
	case JUNIT_ERROR:
		return "error";
	case JUNIT_FAILED:
		return "failed";
	}
	return "";
}

/* ---- failing --------------------------------------------------------------- */

static unsigned long
line_of(const struct junit *j)
{
	return (unsigned long)XML_GetCurrentLineNumber(j->parser);
}

/* Within expat's callbacks: the first failure is kept, and the parser stops. */
static void
refuse(struct junit *j, int code, const char *why)
{
	if (j->error.code == 0)
		(void)error_set(&j->error, code, "line %lu: %s", line_of(j), why);
	(void)XML_StopParser(j->parser, XML_FALSE);
}

/* ---- texts ----------------------------------------------------------------- */

/* As much of the text as fits, in whole characters. */
static void
add_cut(struct buf *out, const char *text, size_t len, size_t max)
{
	size_t room = out->len < max ? max - out->len : 0;

	if (len > room)
		len = str_utf8_valid(text, room);
	buf_add(out, text, len);
}

static void
set_cut(struct buf *out, const char *text)
{
	buf_reset(out);
	if (text != NULL)
		add_cut(out, text, strlen(text), JUNIT_MAX_NAME);
}

static const char *
attribute(const XML_Char **pairs, const char *name)
{
	for (; *pairs != NULL; pairs += 2)
		if (str_eq(pairs[0], name))
			return pairs[1];
	return NULL;
}

/* By the power of ten that follows: "1.2e-05". */
static double
scaled(double n, const char *exponent)
{
	long e =
	    *exponent == 'e' || *exponent == 'E' ? strtol(exponent + 1, NULL, 10) : 0;

	for (; e > 0 && n > 0 && n < 1e15; e--)
		n *= 10;
	for (; e < 0 && n > 1e-9; e++)
		n /= 10;
	return n;
}

/* Seconds, "1,234.5" too; what is none, or cannot be, is 0. */
static int64_t
time_us(const char *text)
{
	double seconds = 0, unit = 1;
	bool fraction = false;

	if (text == NULL)
		return 0;
	for (text += strspn(text, " \t\n"); *text != '\0' && seconds < 1e15; text++)
		if (*text == '.' && !fraction) {
			fraction = true;
		} else if (*text >= '0' && *text <= '9') {
			seconds = seconds * 10 + (*text - '0');
			unit *= fraction ? 10 : 1;
		} else if (*text != ',') {
			break;
		}
	seconds = scaled(seconds / unit, text);
	return seconds < 1e9 ? (int64_t)(seconds * 1e6 + 0.5) : 0;
}

/* ---- a test case ----------------------------------------------------------- */

static const char *
suite_name(const struct junit *j)
{
	for (size_t i = j->depth; i > 0; i--)
		if (j->suites[i - 1] != NULL)
			return j->suites[i - 1];
	return "";
}

static void
begin_case(struct junit *j, const XML_Char **attributes)
{
	struct collected *t = &j->test;

	set_cut(&t->name, attribute(attributes, "name"));
	set_cut(&t->classname, attribute(attributes, "classname"));
	set_cut(&t->file, attribute(attributes, "file"));
	t->time_us = time_us(attribute(attributes, "time"));
	t->status = JUNIT_SUCCESS;
	buf_reset(&t->verdict);
	buf_reset(&t->out);
	buf_reset(&t->err);
	j->in_case = j->depth;
}

static void
begin_verdict(struct junit *j, enum junit_status status, const char *message)
{
	struct collected *t = &j->test;

	if (status < t->status)
		return; /* a failure is not made less by a word about skipping */
	if (status > t->status)
		buf_reset(&t->verdict);
	t->status = status;
	buf_reset(&t->message);
	buf_reset(&t->words);
	if (message != NULL)
		add_cut(&t->message, message, strlen(message), JUNIT_MAX_TEXT);
	j->text = &t->words;
}

/* The message is mostly part of the text, and is said by itself only where it is not. */
static void
end_verdict(struct collected *t)
{
	const char *message = buf_str(&t->message), *words = buf_str(&t->words);
	bool is_new = strstr(words, message) == NULL;

	if (str_is_blank(words))
		words = "";
	if (t->verdict.len > 0 && (is_new || *words != '\0'))
		add_cut(&t->verdict, "\n\n", 2, JUNIT_MAX_TEXT);
	if (is_new)
		add_cut(&t->verdict, message, t->message.len, JUNIT_MAX_TEXT);
	if (is_new && *words != '\0')
		add_cut(&t->verdict, "\n", 1, JUNIT_MAX_TEXT);
	add_cut(&t->verdict, words, strlen(words), JUNIT_MAX_TEXT);
}

static void
add_printed(struct buf *out, const char *title, const struct buf *text)
{
	if (!str_is_blank(buf_str(text)))
		buf_printf(
		    out, "%s%s:\n\n%s", out->len > 0 ? "\n\n" : "", title, buf_str(text));
}

static void
end_case(struct junit *j)
{
	const struct collected *t = &j->test;
	struct junit_case c = { .suite = suite_name(j),
		.name = buf_str(&t->name),
		.classname = buf_str(&t->classname),
		.file = buf_str(&t->file),
		.status = t->status,
		.time_us = t->time_us };

	j->in_case = 0;
	if (++j->cases > JUNIT_MAX_CASES) {
		refuse(j, ERR_LIMIT, "more than 500000 test cases");
		return;
	}
	buf_reset(&j->joined);
	if (!str_is_blank(buf_str(&t->verdict)))
		buf_add(&j->joined, t->verdict.data, t->verdict.len);
	if (t->status == JUNIT_FAILED || t->status == JUNIT_ERROR) {
		add_printed(&j->joined, "System Out", &t->out);
		add_printed(&j->joined, "System Err", &t->err);
	}
	c.output = buf_str(&j->joined);
	j->fn(&c, j->data);
}

/* ---- elements -------------------------------------------------------------- */

static enum element
element_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		if (str_eq(elements[i].name, name))
			return elements[i].element;
	return OTHER;
}

/* Directly in a case: what it says of itself. */
static void
begin_in_case(struct junit *j, enum element e, const XML_Char **attributes)
{
	const char *message = attribute(attributes, "message");

	switch (e) {
	case FAILURE:
		begin_verdict(j, JUNIT_FAILED, message);
		break;
	case ERROR:
		begin_verdict(j, JUNIT_ERROR, message);
		break;
	case SKIPPED:
		begin_verdict(j, JUNIT_SKIPPED, message);
		break;
	case SYSTEM_OUT:
		j->text = &j->test.out;
		break;
	case SYSTEM_ERR:
		j->text = &j->test.err;
		break;
	case OTHER:
	case SUITES:
	case SUITE:
	case CASE:
		break;
	}
}

static void
begin_in_suite(struct junit *j, enum element e, const XML_Char **attributes)
{
	const char *name = attribute(attributes, "name");

	if (e == CASE) {
		begin_case(j, attributes);
	} else if (e == SUITE && name != NULL) {
		cleanup_buf struct buf cut = BUF_INIT;

		set_cut(&cut, name);
		j->suites[j->depth - 1] = xstrdup(buf_str(&cut));
	}
}

static bool
is_suite(enum element e)
{
	return e == SUITES || e == SUITE;
}

static void
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct junit *j = data;
	enum element e = element_of(name), around;

	if (j->error.code != 0)
		return; /* expat may say more after it was stopped */
	if (j->depth == JUNIT_MAX_DEPTH) {
		refuse(j, ERR_LIMIT, "elements are nested more than 64 deep");
		return;
	}
	if (j->depth == 0 && !is_suite(e)) {
		refuse(j, ERR_INVALID,
		    "the root element of a JUnit report is testsuites or testsuite");
		return;
	}
	around = j->depth > 0 ? j->open[j->depth - 1] : SUITES;
	j->has_root = true;
	j->open[j->depth++] = e;
	if (j->in_case != 0 && j->depth == j->in_case + 1)
		begin_in_case(j, e, attributes);
	else if (j->in_case == 0 && is_suite(around))
		begin_in_suite(j, e, attributes);
}

static void
end_in_case(struct junit *j)
{
	if (j->text == &j->test.words)
		end_verdict(&j->test);
	j->text = NULL;
}

/* What expat has taken in from here on is the next document's. */
static void
end_document(struct junit *j, int here)
{
	int offset = 0, size = 0;
	const char *input = XML_GetInputContext(j->parser, &offset, &size);

	j->is_over = true;
	if (input == NULL)
		refuse(j, ERR_ENVIRONMENT, "this libexpat keeps no context of its input");
	else if (offset + here < size)
		buf_add(&j->rest, input + offset + here, (size_t)(size - offset - here));
}

static void
pop(struct junit *j)
{
	j->depth--;
	free(take(j->suites[j->depth]));
}

static void
on_end(void *data, const XML_Char *name UNUSED)
{
	struct junit *j = data;

	if (j->error.code != 0)
		return;
	if (j->in_case != 0 && j->depth == j->in_case)
		end_case(j);
	else if (j->in_case != 0 && j->depth == j->in_case + 1)
		end_in_case(j);
	pop(j);
	if (j->depth == 0) {
		end_document(j, XML_GetCurrentByteCount(j->parser));
		(void)XML_StopParser(j->parser, XML_FALSE);
	}
}

static void
on_text(void *data, const XML_Char *text, int len)
{
	struct junit *j = data;

	if (j->text != NULL)
		add_cut(j->text, text, (size_t)len, JUNIT_MAX_TEXT);
}

static void
on_entity(void *data, const XML_Char *name UNUSED, int is_parameter UNUSED,
    const XML_Char *value UNUSED, int len UNUSED, const XML_Char *base UNUSED,
    const XML_Char *system_id UNUSED, const XML_Char *public_id UNUSED,
    const XML_Char *notation UNUSED)
{
	refuse(data, ERR_INVALID, "it declares an entity, which no report needs");
}

/* ---- documents ------------------------------------------------------------- */

static int
begin_document(struct junit *j, struct error *err)
{
	if (j->documents == JUNIT_MAX_FILES)
		return error_set(
		    err, ERR_LIMIT, "it is made of more than %d files", JUNIT_MAX_FILES);
	j->parser = XML_ParserCreate(NULL);
	if (j->parser == NULL)
		return error_set(err, ERR_ENVIRONMENT, "out of memory");
	XML_SetUserData(j->parser, j);
	XML_SetElementHandler(j->parser, on_start, on_end);
	XML_SetCharacterDataHandler(j->parser, on_text);
	XML_SetEntityDeclHandler(j->parser, on_entity);
	j->document_bytes = 0;
	j->has_root = j->is_over = false;
	return 0;
}

static void
drop_document(struct junit *j)
{
	if (j->parser != NULL)
		XML_ParserFree(j->parser);
	j->parser = NULL;
	while (j->depth > 0)
		pop(j);
	j->in_case = 0;
	j->text = NULL;
}

static int
fail(struct junit *j, struct error *err)
{
	if (j->error.code == 0)
		(void)error_set(&j->error, ERR_INVALID, "line %lu: no valid XML: %s",
		    line_of(j), XML_ErrorString(XML_GetErrorCode(j->parser)));
	if (j->documents > 0)
		(void)error_wrap(&j->error, "file %zu", j->documents + 1);
	return error_set(err, j->error.code, "%s", j->error.msg);
}

/* expat keeps all of a tag until it is complete, and looks at it anew with each piece. */
static bool
is_tag_too_long(struct junit *j)
{
	XML_Index at = XML_GetCurrentByteIndex(j->parser); /* below 0: of the first one */

	return j->document_bytes - (at > 0 ? (size_t)at : 0) > JUNIT_MAX_TAG;
}

/* Between two files stood a comment, which was taken for the second one's. */
static bool
was_comment(const struct junit *j)
{
	return !j->has_root && j->documents > 0 &&
	    XML_GetErrorCode(j->parser) == XML_ERROR_MISPLACED_XML_PI &&
	    XML_GetCurrentByteIndex(j->parser) > 0;
}

/* Up to the end of one document; what is behind it is in j->rest then. */
static int
add_to_document(struct junit *j, const char *bytes, size_t len, struct error *err)
{
	enum XML_Status status;

	if (j->parser == NULL && begin_document(j, err) < 0)
		return err->code;
	j->document_bytes += len;
	status = XML_Parse(j->parser, bytes, (int)len, XML_FALSE);
	if (status != XML_STATUS_OK && was_comment(j))
		end_document(j, 0);
	if (j->error.code == 0 && j->is_over) {
		j->documents += j->has_root;
		drop_document(j);
		return 0;
	}
	if (j->error.code == 0 && is_tag_too_long(j))
		refuse(j, ERR_LIMIT, "a tag or a comment is longer than 2 MiB");
	return status == XML_STATUS_OK && j->error.code == 0 ? 0 : fail(j, err);
}

/* White space before a document, which XML forbids and files end with. */
static size_t
blank_prefix(const struct junit *j, const char *bytes, size_t len)
{
	size_t n = 0;

	if (j->parser == NULL)
		while (n < len &&
		    (bytes[n] != '\0' ? strchr(" \t\r\n", bytes[n]) != NULL
				      : j->documents > 0 /* half of UTF-16's */))
			n++;
	return n;
}

static int
add_piece(struct junit *j, const char *bytes, size_t len, struct error *err)
{
	cleanup_buf struct buf rest = BUF_INIT;
	size_t skip = blank_prefix(j, bytes, len);

	while (skip < len) {
		int rc = add_to_document(j, bytes + skip, len - skip, err);

		if (rc < 0)
			return rc;
		buf_clear(&rest);
		rest = j->rest;
		j->rest = (struct buf)BUF_INIT;
		bytes = buf_str(&rest);
		len = rest.len;
		skip = blank_prefix(j, bytes, len);
	}
	return 0;
}

struct junit *
junit_new(junit_case_fn fn, void *data)
{
	struct junit *j = xcalloc(1, sizeof(*j));

	j->fn = fn;
	j->data = data;
	return j;
}

/* expat counts in int, and what is not understood yet is copied with each document. */
#define PIECE ((size_t)64 << 10)

int
junit_add(struct junit *j, const char *bytes, size_t len, struct error *err)
{
	while (len > 0) {
		size_t n = len < PIECE ? len : PIECE;

		int rc;

		j->bytes += n;
		if (j->bytes > JUNIT_MAX_BYTES)
			return error_set(err, ERR_LIMIT,
			    "the report is larger than the 64 MiB that are read of one");
		rc = add_piece(j, bytes, n, err);
		if (rc < 0)
			return rc;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* expat may have kept the end of a document back until now. */
static int
end_kept_back(struct junit *j, struct error *err)
{
	cleanup_buf struct buf rest = j->rest;

	j->rest = (struct buf)BUF_INIT;
	j->documents++;
	drop_document(j);
	return add_piece(j, buf_str(&rest), rest.len, err);
}

int
junit_end(struct junit *j, struct error *err)
{
	while (j->parser != NULL) {
		int rc;

		(void)XML_Parse(j->parser, "", 0, XML_TRUE);
		if (!j->has_root && j->documents > 0 &&
		    XML_GetErrorCode(j->parser) == XML_ERROR_NO_ELEMENTS)
			return 0; /* a comment behind the last document is none */
		if (j->error.code != 0 || !j->is_over)
			return fail(j, err);
		rc = end_kept_back(j, err);
		if (rc < 0)
			return rc;
	}
	return j->documents > 0 ? 0 : error_set(err, ERR_INVALID, "the report is empty");
}

void
junit_free(struct junit *j)
{
	if (j == NULL)
		return;
	drop_document(j);
	buf_clear(&j->test.name);
	buf_clear(&j->test.classname);
	buf_clear(&j->test.file);
	buf_clear(&j->test.message);
	buf_clear(&j->test.words);
	buf_clear(&j->test.verdict);
	buf_clear(&j->test.out);
	buf_clear(&j->test.err);
	buf_clear(&j->joined);
	buf_clear(&j->rest);
	free(j);
}
