/* libyaml says "could not find expected ':'"; a person wants to know which line to mend.
 */
#include "pipelines/yaml_problem.h"

#include "base/str.h"
#include "pipelines/document.h"

/* Line and column of a byte, both from 1; columns count characters. */
static struct mark
mark_of_offset(const char *text, size_t offset, const char *file)
{
	struct mark m = { file, 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			m.line++;
			m.col = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			m.col++;
		}
	}
	return m;
}

bool
yaml_problem_check_text(
    const char *text, size_t len, const char *file, struct diags *diags)
{
	const struct mark whole = { file, 0, 0 }, start = { file, 1, 1 };
	size_t valid;

	if (len > DOCUMENT_MAX_BYTES) {
		diag_error(diags, DIAG_SYNTAX, whole, NULL,
		    "larger than %zu MB, the most a pipeline file may have",
		    DOCUMENT_MAX_BYTES / 1024 / 1024);
		return false;
	}
	valid = str_utf8_valid(text, len);
	if (valid == len)
		return true;
	if (len >= 2 &&
	    (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		diag_error(diags, DIAG_SYNTAX, start, NULL,
		    "this is UTF-16; save the file as UTF-8");
	else
		diag_error(diags, DIAG_SYNTAX, mark_of_offset(text, valid, file), NULL,
		    "byte 0x%02x is not valid UTF-8; save the file as UTF-8",
		    (unsigned char)text[valid]);
	return false;
}

/* The character at a mark of libyaml; 0 beyond the end. */
static int
char_at(const char *text, size_t len, const yaml_mark_t *m)
{
	const char *p = text, *end = text + len;

	for (size_t line = 0; line < m->line && p != NULL; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p == NULL ? NULL : p + 1;
	}
	for (size_t col = 0; p != NULL && p < end && col < m->column; col++)
		for (p++; p < end && ((unsigned char)*p & 0xc0) == 0x80;)
			p++;
	return p == NULL || p >= end ? 0 : (unsigned char)*p;
}

static const char *
advice(const char *problem, int at)
{
	if (at == '\t')
		return "; YAML is indented with spaces, not with tabs";
	if (str_eq(problem, "found character that cannot start any token"))
		return at == '`' || at == '@' || at == '%'
		    ? "; put quotes around a text that starts with it"
		    : "";
	if (str_eq(problem, "mapping values are not allowed in this context"))
		return "; a text that contains \": \" needs quotes around it, or the line is "
		       "indented wrongly";
	if (str_eq(problem, "could not find expected ':'"))
		return "; is a \":\" missing in the line before, or a quote?";
	if (str_eq(problem, "did not find expected key") ||
	    str_eq(problem, "did not find expected '-' indicator"))
		return "; the indentation of this line does not fit the lines above";
	return "";
}

void
yaml_problem_report(const yaml_parser_t *parser, const char *text, size_t len,
    const char *file, struct diags *diags)
{
	const char *problem =
	    parser->problem != NULL ? parser->problem : "cannot be read";
	struct mark at = { file, (uint32_t)parser->problem_mark.line + 1,
		(uint32_t)parser->problem_mark.column + 1 };

	if (parser->error == YAML_READER_ERROR) {
		at = mark_of_offset(text,
		    parser->problem_offset < len ? parser->problem_offset : len, file);
		diag_error(diags, DIAG_SYNTAX, at, NULL, "%s (0x%02x)", problem,
		    (unsigned)parser->problem_value);
	} else if (parser->context != NULL && parser->context_mark.line + 1 != at.line) {
		diag_error(diags, DIAG_SYNTAX, at, NULL,
		    "%s %s that starts in line %zu%s", problem, parser->context,
		    parser->context_mark.line + 1,
		    advice(problem, char_at(text, len, &parser->problem_mark)));
	} else {
		diag_error(diags, DIAG_SYNTAX, at, NULL, "%s%s", problem,
		    advice(problem, char_at(text, len, &parser->problem_mark)));
	}
}
