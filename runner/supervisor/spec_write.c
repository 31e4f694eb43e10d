/* The runner's side of a spec: building one and turning it into text. */
#include <stdio.h>

#include "runner/supervisor/spec.h"

void
spec_clear(struct spec *spec)
{
	for (size_t i = 0; i < spec->step_count; i++)
		strlist_clear(&spec->steps[i].items);
	strlist_clear(&spec->lowers);
	strlist_clear(&spec->cgroups);
	cage_clear(&spec->cage);
	strlist_clear(&spec->env);
	free(spec->files);
	free(spec->masks);
	free(spec->steps);
	free(spec->storage);
	*spec = (struct spec)SPEC_INIT;
}

struct spec_step *
spec_add_step(struct spec *spec, const char *name)
{
	struct spec_step *step;

	GROW(spec->steps, spec->step_count, spec->step_cap);
	step = &spec->steps[spec->step_count++];
	*step = (struct spec_step){ .name = name };
	return step;
}

void
spec_add_file(struct spec *spec, const char *name, const char *content, size_t len)
{
	GROW(spec->files, spec->file_count, spec->file_cap);
	spec->files[spec->file_count++] = (struct spec_file){ name, { content, len } };
}

void
spec_add_mask(struct spec *spec, const char *secret, size_t len)
{
	GROW(spec->masks, spec->mask_count, spec->mask_cap);
	spec->masks[spec->mask_count++] = (struct bytes){ secret, len };
}

static void
add_bytes(struct buf *out, const char *key, const char *data, size_t len)
{
	buf_printf(out, "%s %zu\n", key, len);
	buf_add(out, data, len);
	buf_add_char(out, '\n');
}

static void
add_text(struct buf *out, const char *key, const char *value)
{
	if (value != NULL)
		add_bytes(out, key, value, strlen(value));
}

static void
add_number(struct buf *out, const char *key, int64_t value)
{
	char text[24];

	if (value == 0)
		return; /* what the reader starts with */
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	add_text(out, key, text);
}

static void
add_list(struct buf *out, const char *key, const struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		add_text(out, key, list->items[i]);
}

static void
add_step(struct buf *out, const struct spec_step *step)
{
	add_text(out, "step", step->name);
	add_bytes(out, "headline", step->headline.data, step->headline.len);
	add_bytes(out, "script", step->script.data, step->script.len);
	add_list(out, "item", &step->items);
	add_number(out, "step_timeout_ms", step->timeout_ms);
	add_number(out, "always", step->always);
	add_number(out, "on_cancel", step->on_cancel);
	add_number(out, "ignore_failure", step->ignore_failure);
	add_number(out, "own_clock", step->own_clock);
}

/* Its target comes first: that is where a mount begins. */
static void
add_mount(struct buf *out, const struct cage_mount *mount)
{
	add_text(out, "mount", mount->target);
	add_number(out, "mount_kind", mount->kind);
	add_text(out, "mount_source", mount->source);
	add_list(out, "mount_lower", &mount->lowers);
	add_text(out, "mount_upper", mount->upper);
	add_text(out, "mount_work", mount->work);
}

static void
add_service(struct buf *out, const struct cage_service *service)
{
	add_text(out, "service", service->name);
	add_list(out, "service_argv", &service->argv);
	if (service->input.len > 0)
		add_bytes(out, "service_input", service->input.data, service->input.len);
	add_list(out, "service_run", &service->run);
	add_list(out, "service_env", &service->env);
	add_text(out, "service_dir", service->dir);
	add_text(out, "service_address", service->address);
	add_list(out, "service_health", &service->health);
	add_list(out, "service_port", &service->ports);
}

static void
add_cage(struct buf *out, const struct cage *cage)
{
	for (size_t i = 0; i < cage->mount_count; i++)
		add_mount(out, &cage->mounts[i]);
	for (size_t i = 0; i < cage->service_count; i++)
		add_service(out, &cage->services[i]);
	add_number(out, "service_wait_ms", cage->service_wait_ms);
	add_number(out, "shows_services", cage->shows_services);
	add_text(out, "uplink", cage->uplink);
	add_list(out, "cage", &cage->argv);
	if (cage->input.len > 0)
		add_bytes(out, "cage_input", cage->input.data, cage->input.len);
	add_text(out, "open_program", cage->open_program);
	add_number(out, "wants_hello", cage->wants_hello);
	add_number(out, "on_host", cage->on_host);
	add_number(out, "makes_group", cage->makes_group);
	add_number(out, "start_ms", cage->start_ms);
	add_number(out, "end_ms", cage->end_ms);
	add_text(out, "inner_dir", cage->project_dir);
	add_text(out, "inner_files", cage->files_dir);
	add_list(out, "shell", &cage->shell);
	add_list(out, "lock", &cage->locks);
	add_list(out, "base_env", &cage->env);
	add_number(out, "gives", cage->gives);
	add_number(out, "uid", cage->uid);
	add_number(out, "gid", cage->gid);
}

static void
add_limits(struct buf *out, const struct limits *limits)
{
	add_number(out, "memory_limit", limits->memory.value);
	add_text(out, "memory_limit_from", limits->memory.from);
	add_number(out, "cpu_limit", limits->cpus.value);
	add_text(out, "cpu_limit_from", limits->cpus.from);
	add_number(out, "pids_limit", limits->pids.value);
	add_text(out, "pids_limit_from", limits->pids.from);
}

static void
add_file(struct buf *out, const struct spec_file *file)
{
	buf_printf(
	    out, "file %zu\n%s=", strlen(file->name) + 1 + file->content.len, file->name);
	buf_add(out, file->content.data, file->content.len);
	buf_add_char(out, '\n');
}

void
spec_write(const struct spec *spec, struct buf *out)
{
	add_number(out, "v", SPEC_VERSION);
	add_text(out, "job_dir", spec->job_dir);
	add_text(out, "trace", spec->trace);
	add_number(out, "continues", spec->continues);
	add_text(out, "marker", spec->marker);
	add_number(out, "mode", spec->mode);
	add_number(out, "userns", spec->userns);
	add_text(out, "project_dir", spec->project_dir);
	add_text(out, "source", spec->source);
	add_list(out, "lower", &spec->lowers);
	add_text(out, "upper", spec->upper);
	add_text(out, "work", spec->work);
	add_list(out, "cgroup", &spec->cgroups);
	add_limits(out, &spec->limits);
	add_text(out, "usage", spec->usage);
	add_cage(out, &spec->cage);
	add_list(out, "env", &spec->env);
	for (size_t i = 0; i < spec->file_count; i++)
		add_file(out, &spec->files[i]);
	for (size_t i = 0; i < spec->mask_count; i++)
		add_bytes(out, "mask", spec->masks[i].data, spec->masks[i].len);
	add_number(out, "timeout_ms", spec->timeout_ms);
	add_number(out, "grace_ms", spec->grace_ms);
	add_number(out, "tied", spec->tied);
	add_number(out, "hold", spec->hold);
	add_number(out, "collect", spec->collect);
	add_number(out, "keep_failed", spec->keep_failed);
	add_text(out, "last_line", spec->last_line);
	for (size_t i = 0; i < spec->step_count; i++)
		add_step(out, &spec->steps[i]);
	add_bytes(out, "end", "", 0);
}
