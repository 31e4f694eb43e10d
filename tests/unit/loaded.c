/* From a bundle to a memory provider to a document. */
#include "tests/unit/loaded.h"

#include <check.h>

#include "tests/unit/node_text.h"

#define MAX_FILES 512

/* "GROUP/PROJECT@REF:PATH" into its parts */
static struct memory_file
parse_name(struct arena *a, const char *name, size_t len)
{
	char *whole = arena_strndup(a, name, len);
	char *colon = strchr(whole, ':'), *at;

	if (colon == NULL)
		return (struct memory_file){ .path = whole };
	*colon = '\0';
	at = strchr(whole, '@');
	if (at != NULL)
		*at = '\0';
	return (struct memory_file){
		.path = colon + 1, .project = whole, .ref = at == NULL ? NULL : at + 1
	};
}

static const struct memory_file *
parse_bundle(struct arena *a, const char *bundle)
{
	struct memory_file *files = arena_calloc(a, MAX_FILES + 1, sizeof(*files));
	struct memory_file file = { .path = ".gitlab-ci.yml" };
	size_t count = 0;

	while (*bundle != '\0') {
		const char *end;

		if (str_starts(bundle, "=== ")) {
			end = bundle + strcspn(bundle, "\n");
			file = parse_name(a, bundle + 4, (size_t)(end - bundle - 4));
			bundle = end + (*end == '\n');
		}
		end = str_starts(bundle, "=== ") ? bundle : strstr(bundle, "\n=== ");
		if (end == NULL)
			end = bundle + strlen(bundle);
		else if (*end == '\n')
			end++; /* the newline belongs to the file */
		ck_assert_uint_lt(count, MAX_FILES);
		file.text = arena_strndup(a, bundle, (size_t)(end - bundle));
		files[count++] = file;
		bundle = end;
	}
	return files;
}

static void
set_vars(struct vars *vars, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, " "), name = strcspn(text, "=");
		bool masked = *text == '*';

		vars_set(vars,
		    &(struct var){
			.name = arena_strndup(vars->arena, text + masked, name - masked),
			.value =
			    arena_strndup(vars->arena, text + name + 1, len - name - 1),
			.level = VAR_PROJECT,
			.masked = masked });
		text += len + (text[len] == ' ');
	}
}

static const struct node *
parse_inputs(struct loaded *loaded, const char *text)
{
	struct node **documents;
	size_t count;

	if (text == NULL)
		return NULL;
	ck_assert_int_eq(yaml_parse(text, strlen(text), "given", loaded->arena,
			     &loaded->diags, &documents, &count),
	    0);
	return documents[0];
}

struct loaded
loaded_from(const char *bundle, const struct loaded_event *event)
{
	static const struct loaded_event nothing = { .vars = NULL };
	struct loaded l = { .arena = arena_new() };
	struct document_options options = { .path = ".gitlab-ci.yml" };

	if (event == NULL)
		event = &nothing;
	diags_init(&l.diags, l.arena);
	vars_init(&l.vars, l.arena, NULL);
	set_vars(&l.vars, event->vars);
	memory_provider_init(&l.provider, parse_bundle(l.arena, bundle));
	l.provider.changes = event->changes;
	l.provider.compare_ref = event->compare_ref;
	l.provider.provider.data = &l.provider;
	options.provider = &l.provider.provider;
	options.vars = &l.vars;
	options.inputs = parse_inputs(&l, event->inputs);
	options.shape_only = event->shape_only;
	l.rc = document_load(&options, l.arena, &l.diags, &l.document);
	return l;
}

void
loaded_clear(struct loaded *loaded)
{
	memory_provider_clear(&loaded->provider);
	vars_clear(&loaded->vars);
	arena_free(loaded->arena);
	*loaded = (struct loaded){ .rc = -1 };
}

void
loaded_expect(const char *bundle, const struct loaded_event *event, const char *want)
{
	struct loaded l = loaded_from(bundle, event);
	char *findings = diags_text(&l.diags);
	char *got;

	ck_assert_msg(l.rc == 0 && *findings == '\0', "%.2000s\n%s", bundle, findings);
	got = node_text(l.document.root);
	ck_assert_msg(str_eq(got, want), "%.2000s\ngot  %s\nwant %s", bundle, got, want);
	free(got);
	free(findings);
	loaded_clear(&l);
}

void
loaded_expect_findings(
    const char *bundle, const struct loaded_event *event, const char *want)
{
	struct loaded l = loaded_from(bundle, event);
	char *got = diags_text(&l.diags);

	ck_assert_msg(str_eq(got, want), "%.2000s\ngot\n%s\nwant\n%s", bundle, got, want);
	ck_assert(l.rc == 0 || l.diags.errors > 0);
	free(got);
	loaded_clear(&l);
}
