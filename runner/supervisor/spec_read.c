/*
 * The supervisor's side of a spec. Strings are used where they lie: the newline after a
 * record becomes its NUL. One table says where each key goes.
 */
#include "runner/supervisor/spec.h"

enum record_kind {
	RECORD_TEXT,   /* const char *; no NUL inside */
	RECORD_BYTES,  /* struct bytes */
	RECORD_NUMBER, /* int64_t, not negative */
	RECORD_FLAG,   /* bool */
	RECORD_LIST,   /* one more item of a struct strlist */
	RECORD_MODE,
	RECORD_MOUNT,
	RECORD_MOUNT_KIND,
	RECORD_SERVICE,
	RECORD_FILE,
	RECORD_MASK,
	RECORD_STEP,
};

enum record_place { RECORD_IN_SPEC, RECORD_IN_STEP, RECORD_IN_MOUNT, RECORD_IN_SERVICE };

#define IN_SPEC(member) offsetof(struct spec, member), RECORD_IN_SPEC
#define IN_STEP(member) offsetof(struct spec_step, member), RECORD_IN_STEP
#define IN_SERVICE(member) offsetof(struct cage_service, member), RECORD_IN_SERVICE
#define IN_MOUNT(member) offsetof(struct cage_mount, member), RECORD_IN_MOUNT

static const struct record {
	const char *key;
	enum record_kind kind;
	size_t offset;
	enum record_place place;
} records[] = {
	{ "job_dir", RECORD_TEXT, IN_SPEC(job_dir) },
	{ "trace", RECORD_TEXT, IN_SPEC(trace) },
	{ "continues", RECORD_FLAG, IN_SPEC(continues) },
	{ "marker", RECORD_TEXT, IN_SPEC(marker) },
	{ "mode", RECORD_MODE, IN_SPEC(mode) },
	{ "userns", RECORD_FLAG, IN_SPEC(userns) },
	{ "project_dir", RECORD_TEXT, IN_SPEC(project_dir) },
	{ "source", RECORD_TEXT, IN_SPEC(source) },
	{ "lower", RECORD_LIST, IN_SPEC(lowers) },
	{ "upper", RECORD_TEXT, IN_SPEC(upper) },
	{ "work", RECORD_TEXT, IN_SPEC(work) },
	{ "cgroup", RECORD_LIST, IN_SPEC(cgroups) },
	{ "memory_limit", RECORD_NUMBER, IN_SPEC(limits.memory.value) },
	{ "memory_limit_from", RECORD_TEXT, IN_SPEC(limits.memory.from) },
	{ "cpu_limit", RECORD_NUMBER, IN_SPEC(limits.cpus.value) },
	{ "cpu_limit_from", RECORD_TEXT, IN_SPEC(limits.cpus.from) },
	{ "pids_limit", RECORD_NUMBER, IN_SPEC(limits.pids.value) },
	{ "pids_limit_from", RECORD_TEXT, IN_SPEC(limits.pids.from) },
	{ "usage", RECORD_TEXT, IN_SPEC(usage) },
	{ "mount", RECORD_MOUNT, IN_SPEC(cage.mounts) },
	{ "mount_kind", RECORD_MOUNT_KIND, IN_MOUNT(kind) },
	{ "mount_source", RECORD_TEXT, IN_MOUNT(source) },
	{ "mount_lower", RECORD_LIST, IN_MOUNT(lowers) },
	{ "mount_upper", RECORD_TEXT, IN_MOUNT(upper) },
	{ "mount_work", RECORD_TEXT, IN_MOUNT(work) },
	{ "service", RECORD_SERVICE, IN_SPEC(cage.services) },
	{ "service_argv", RECORD_LIST, IN_SERVICE(argv) },
	{ "service_input", RECORD_BYTES, IN_SERVICE(input) },
	{ "service_run", RECORD_LIST, IN_SERVICE(run) },
	{ "service_env", RECORD_LIST, IN_SERVICE(env) },
	{ "service_dir", RECORD_TEXT, IN_SERVICE(dir) },
	{ "service_address", RECORD_TEXT, IN_SERVICE(address) },
	{ "service_health", RECORD_LIST, IN_SERVICE(health) },
	{ "service_port", RECORD_LIST, IN_SERVICE(ports) },
	{ "service_wait_ms", RECORD_NUMBER, IN_SPEC(cage.service_wait_ms) },
	{ "shows_services", RECORD_FLAG, IN_SPEC(cage.shows_services) },
	{ "uplink", RECORD_TEXT, IN_SPEC(cage.uplink) },
	{ "cage", RECORD_LIST, IN_SPEC(cage.argv) },
	{ "cage_input", RECORD_BYTES, IN_SPEC(cage.input) },
	{ "open_program", RECORD_TEXT, IN_SPEC(cage.open_program) },
	{ "wants_hello", RECORD_FLAG, IN_SPEC(cage.wants_hello) },
	{ "on_host", RECORD_FLAG, IN_SPEC(cage.on_host) },
	{ "makes_group", RECORD_FLAG, IN_SPEC(cage.makes_group) },
	{ "start_ms", RECORD_NUMBER, IN_SPEC(cage.start_ms) },
	{ "end_ms", RECORD_NUMBER, IN_SPEC(cage.end_ms) },
	{ "inner_dir", RECORD_TEXT, IN_SPEC(cage.project_dir) },
	{ "inner_files", RECORD_TEXT, IN_SPEC(cage.files_dir) },
	{ "shell", RECORD_LIST, IN_SPEC(cage.shell) },
	{ "lock", RECORD_LIST, IN_SPEC(cage.locks) },
	{ "base_env", RECORD_LIST, IN_SPEC(cage.env) },
	{ "gives", RECORD_FLAG, IN_SPEC(cage.gives) },
	{ "uid", RECORD_NUMBER, IN_SPEC(cage.uid) },
	{ "gid", RECORD_NUMBER, IN_SPEC(cage.gid) },
	{ "env", RECORD_LIST, IN_SPEC(env) },
	{ "file", RECORD_FILE, IN_SPEC(files) },
	{ "mask", RECORD_MASK, IN_SPEC(masks) },
	{ "timeout_ms", RECORD_NUMBER, IN_SPEC(timeout_ms) },
	{ "grace_ms", RECORD_NUMBER, IN_SPEC(grace_ms) },
	{ "tied", RECORD_FLAG, IN_SPEC(tied) },
	{ "hold", RECORD_FLAG, IN_SPEC(hold) },
	{ "collect", RECORD_FLAG, IN_SPEC(collect) },
	{ "keep_failed", RECORD_FLAG, IN_SPEC(keep_failed) },
	{ "last_line", RECORD_TEXT, IN_SPEC(last_line) },
	{ "step", RECORD_STEP, IN_SPEC(steps) },
	{ "headline", RECORD_BYTES, IN_STEP(headline) },
	{ "script", RECORD_BYTES, IN_STEP(script) },
	{ "item", RECORD_LIST, IN_STEP(items) },
	{ "step_timeout_ms", RECORD_NUMBER, IN_STEP(timeout_ms) },
	{ "always", RECORD_FLAG, IN_STEP(always) },
	{ "on_cancel", RECORD_FLAG, IN_STEP(on_cancel) },
	{ "ignore_failure", RECORD_FLAG, IN_STEP(ignore_failure) },
	{ "own_clock", RECORD_FLAG, IN_STEP(own_clock) },
};

struct reader {
	char *at, *end;
	char *key;
	struct bytes value;
};

/* The next "KEY LENGTH\nBYTES\n". */
static int
next_record(struct reader *r, struct error *err)
{
	char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	char *space =
	    newline == NULL ? NULL : memchr(r->at, ' ', (size_t)(newline - r->at));
	int64_t len;

	if (space == NULL)
		return error_set(
		    err, ERR_INVALID, "the spec ends inside a record's head");
	*space = *newline = '\0';
	r->key = r->at;
	if (!str_to_int64(space + 1, &len) || len < 0)
		return error_set(
		    err, ERR_INVALID, "spec record \"%.40s\": no length", r->key);
	r->at = newline + 1;
	if (len >= r->end - r->at)
		return error_set(
		    err, ERR_INVALID, "spec record \"%.40s\" is cut off", r->key);
	r->value = (struct bytes){ r->at, (size_t)len };
	r->at += len;
	if (*r->at != '\n')
		return error_set(err, ERR_INVALID,
		    "spec record \"%.40s\" does not end where it says", r->key);
	*r->at++ = '\0';
	return 0;
}

static bool
has_nul(const struct bytes *value)
{
	return memchr(value->data, '\0', value->len) != NULL;
}

static int
read_number(const struct bytes *value, int64_t max, int64_t *out)
{
	int64_t n;

	if (has_nul(value) || !str_to_int64(value->data, &n) || n < 0 || n > max)
		return -1;
	*out = n;
	return 0;
}

/* "NAME=CONTENT" */
static int
read_file(struct spec *spec, char *data, size_t len)
{
	char *equals = memchr(data, '=', len);

	if (equals == NULL || equals == data ||
	    memchr(data, '/', (size_t)(equals - data)))
		return -1;
	*equals = '\0';
	if (str_eq(data, ".") || str_eq(data, ".."))
		return -1; /* it becomes a file's name */
	spec_add_file(spec, data, equals + 1, len - (size_t)(equals + 1 - data));
	return 0;
}

/* What the record's offset counts from; NULL: nothing has begun that it could be in. */
static char *
record_base(const struct record *record, struct spec *spec)
{
	switch (record->place) {
	case RECORD_IN_SPEC:
		return (char *)spec;
	case RECORD_IN_STEP:
		return spec->step_count == 0 ? NULL
					     : (char *)&spec->steps[spec->step_count - 1];
	case RECORD_IN_SERVICE:
		return spec->cage.service_count == 0
		    ? NULL
		    : (char *)&spec->cage.services[spec->cage.service_count - 1];
	case RECORD_IN_MOUNT:
		return spec->cage.mount_count == 0
		    ? NULL
		    : (char *)&spec->cage.mounts[spec->cage.mount_count - 1];
	}
	return NULL;
}

static int
store_record(const struct record *record, const struct reader *r, struct spec *spec)
{
	char *base = record_base(record, spec);
	int64_t n;

	if (base == NULL)
		return -1;
	switch (record->kind) {
	case RECORD_TEXT:
		*(const char **)(void *)(base + record->offset) = r->value.data;
		return has_nul(&r->value) ? -1 : 0;
	case RECORD_LIST:
		strlist_add(
		    (struct strlist *)(void *)(base + record->offset), r->value.data);
		return has_nul(&r->value) ? -1 : 0;
	case RECORD_BYTES:
		*(struct bytes *)(void *)(base + record->offset) = r->value;
		return 0;
	case RECORD_NUMBER:
		return read_number(
		    &r->value, INT64_MAX / 2, (int64_t *)(void *)(base + record->offset));
	case RECORD_FLAG:
		*(bool *)(base + record->offset) = true;
		return read_number(&r->value, 1, &n);
	case RECORD_MODE:
		if (read_number(&r->value, SPEC_MODE_COUNT - 1, &n) < 0)
			return -1;
		spec->mode = (enum spec_mode)n;
		return 0;
	case RECORD_MOUNT:
		cage_add_mount(&spec->cage, CAGE_MOUNT_OVERLAY, r->value.data);
		return has_nul(&r->value) ? -1 : 0;
	case RECORD_SERVICE:
		if (spec->cage.service_count == SERVICES_MAX)
			return -1;
		cage_add_service(&spec->cage, r->value.data);
		return has_nul(&r->value) ? -1 : 0;
	case RECORD_MOUNT_KIND:
		if (read_number(&r->value, CAGE_MOUNT_KIND_COUNT - 1, &n) < 0)
			return -1;
		((struct cage_mount *)(void *)base)->kind = (enum cage_mount_kind)n;
		return 0;
	case RECORD_FILE:
		return read_file(spec, r->at - r->value.len - 1, r->value.len);
	case RECORD_MASK:
		spec_add_mask(spec, r->value.data, r->value.len);
		return 0;
	case RECORD_STEP:
		spec_add_step(spec, r->value.data);
		return has_nul(&r->value) ? -1 : 0;
	}
	return -1;
}

/* Most are of the kind of the one before: a job has a hundred variables. */
static const struct record *
find_record(const char *key, const struct record *before)
{
	if (before != NULL && str_eq(before->key, key))
		return before;
	for (size_t i = 0; i < ARRAY_LEN(records); i++)
		if (str_eq(records[i].key, key))
			return &records[i];
	return NULL;
}

static int
read_records(struct reader *r, struct spec *spec, struct error *err)
{
	const struct record *record = NULL;

	for (;;) {
		if (next_record(r, err) < 0)
			return ERR_INVALID;
		if (str_eq(r->key, "end"))
			break;
		record = find_record(r->key, record);
		if (record == NULL)
			return error_set(err, ERR_INVALID,
			    "spec record \"%.40s\" is not known", r->key);
		if (store_record(record, r, spec) < 0)
			return error_set(err, ERR_INVALID,
			    "spec record \"%.40s\" has a wrong value", r->key);
	}
	if (r->at != r->end)
		return error_set(err, ERR_INVALID, "bytes after the end of the spec");
	return 0;
}

static int
read_version(struct reader *r, struct error *err)
{
	if (next_record(r, err) < 0)
		return ERR_INVALID;
	if (!str_eq(r->key, "v"))
		return error_set(
		    err, ERR_INVALID, "the spec does not begin with a version");
	if (!str_eq(r->value.data, "1"))
		return error_set(err, ERR_INVALID,
		    "the spec has version %.20s, this supervisor knows %d", r->value.data,
		    SPEC_VERSION);
	return 0;
}

static bool
is_whole_mount(const struct cage_mount *mount)
{
	switch (mount->kind) {
	case CAGE_MOUNT_OVERLAY:
		return mount->lowers.count > 0 && mount->upper != NULL &&
		    mount->work != NULL;
	case CAGE_MOUNT_BIND:
		return mount->source != NULL;
	case CAGE_MOUNT_HIDE:
	case CAGE_MOUNT_KIND_COUNT:
		break;
	}
	return true;
}

static bool
is_whole_service(const struct cage_service *service, bool on_host)
{
	return service->argv.count > 0 && service->run.count > 0 &&
	    service->dir != NULL && (on_host || service->address != NULL);
}

/* What the supervisor relies on. */
static const char *
find_missing(const struct spec *spec)
{
	if (spec->job_dir == NULL || *spec->job_dir != '/')
		return "job_dir";
	if (spec->project_dir == NULL || *spec->project_dir != '/')
		return "project_dir";
	if (spec->trace == NULL)
		return "trace";
	if (spec->marker == NULL || *spec->marker == '\0')
		return "marker";
	if (spec->cage.argv.count == 0 && spec->cage.shell.count == 0)
		return "shell";
	if (spec->cage.argv.count > 0 &&
	    (spec->cage.project_dir == NULL || spec->cage.files_dir == NULL))
		return "inner_dir and inner_files";
	for (size_t i = 0; i < spec->cage.service_count; i++)
		if (!is_whole_service(&spec->cage.services[i], spec->cage.on_host))
			return "a service's parts";
	for (size_t i = 0; i < spec->cage.mount_count; i++)
		if (!is_whole_mount(&spec->cage.mounts[i]))
			return "a mount's parts";
	if ((spec->limits.memory.value > 0 && spec->limits.memory.from == NULL) ||
	    (spec->limits.cpus.value > 0 && spec->limits.cpus.from == NULL) ||
	    (spec->limits.pids.value > 0 && spec->limits.pids.from == NULL))
		return "who says a limit";
	if (spec->mode == SPEC_BIND && spec->source == NULL)
		return "source";
	if (spec->mode == SPEC_OVERLAY &&
	    (spec->lowers.count == 0 || spec->upper == NULL || spec->work == NULL))
		return "lower, upper and work";
	return NULL;
}

int
spec_read(char *text, size_t len, struct spec *out, struct error *err)
{
	struct reader r = { .at = text, .end = text + len };
	const char *missing;

	*out = (struct spec)SPEC_INIT;
	out->storage = text;
	if (read_version(&r, err) < 0 || read_records(&r, out, err) < 0)
		return ERR_INVALID;
	missing = find_missing(out);
	if (missing != NULL)
		return error_set(err, ERR_INVALID, "the spec lacks %s", missing);
	return 0;
}
