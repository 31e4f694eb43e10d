/* From `services:` to containers, addresses and names. */
#include "executors/container/services.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/bundle.h"

#define WAIT_MS 30000 /* as wait_for_services_timeout of GitLab's runner */
#define RESOLVER "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
#define HOSTS_MAX ((size_t)1 << 20)

/*
 * Addresses of services, by their numbers: in runner/supervisor/network.h's, after those
 * of the job and of slirp4netns, which answers names. Source: slirp4netns(1).
 */
#define ADDRESS "172.31.255.%u"
#define ADDRESS_FIRST 10
#define UPLINK_RESOLVER "nameserver 172.31.255.3\n"

/* As Docker writes it. */
static const char hosts_head[] = "127.0.0.1\tlocalhost job\n"
				 "::1\tlocalhost ip6-localhost ip6-loopback\n"
				 "fe00::0\tip6-localnet\n"
				 "ff00::0\tip6-mcastprefix\n"
				 "ff02::1\tip6-allnodes\n"
				 "ff02::2\tip6-allrouters\n";

/* ---- names ----------------------------------------------------------------- */

/*
 * What follows a colon or an @ of the last part is no name; a slash becomes two
 * underscores, or a dash. Source: docs.gitlab.com/ci/services, "Accessing the services".
 */
void
services_host_names(const char *image, char **first, char **second)
{
	const char *slash = strrchr(image, '/');
	size_t head = slash == NULL ? 0 : (size_t)(slash - image);
	size_t len = head + strcspn(image + head, ":@");
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		if (image[i] == ':') { /* the port of a registry */
			i += strcspn(image + i, "/") - 1;
			continue;
		}
		if (image[i] == '/') {
			buf_add_str(&a, "__");
			buf_add_char(&b, '-');
			continue;
		}
		buf_add_char(&a, image[i]);
		buf_add_char(&b, image[i]);
	}
	*first = buf_take(&a);
	*second = buf_take(&b);
}

void
services_add_names(const char *image, const char *alias, struct strlist *out)
{
	cleanup_free char *first = NULL, *second = NULL;

	services_host_names(image, &first, &second);
	strlist_add(out, first);
	if (!str_eq(first, second))
		strlist_add(out, second);
	for (const char *at = alias; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, " ,\t");

		if (n > 0)
			strlist_add_take(out, xstrndup(at, n));
		at += n;
		at += strspn(at, " ,\t");
	}
}

/* ---- one service ----------------------------------------------------------- */

static void
add_words(struct strlist *list, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strlist_add(list, words[i]);
}

/* As `docker run` puts them together: another entrypoint takes the image's command away.
 */
static void
fill_run(const struct image_config *own, const struct job_image *wanted,
    struct cage_service *service)
{
	bool replaced = wanted->entrypoint_count > 0;

	if (replaced)
		add_words(&service->run, wanted->entrypoint, wanted->entrypoint_count);
	else
		add_words(&service->run, own->entrypoint.items, own->entrypoint.count);
	if (wanted->command_count > 0)
		add_words(&service->run, wanted->command, wanted->command_count);
	else if (!replaced)
		add_words(&service->run, own->cmd.items, own->cmd.count);
}

static void
fill_health(const struct image_config *config, struct cage_service *service)
{
	const struct image_strings *test = &config->health.test;

	if (test->count > 1 && str_eq(test->items[0], "CMD-SHELL")) {
		strlist_add(&service->health, "/bin/sh");
		strlist_add(&service->health, "-c");
		strlist_add(&service->health, test->items[1]);
	} else if (test->count > 1 && str_eq(test->items[0], "CMD")) {
		add_words(&service->health, test->items + 1, test->count - 1);
	}
}

/* "5432/tcp". */
static void
list_ports(const struct image_config *config, struct strlist *out)
{
	for (size_t i = 0; i < config->ports.count; i++) {
		const char *text = config->ports.items[i];
		size_t n = strspn(text, "0123456789");
		char *digits = xstrndup(text, n);
		int64_t port;

		strlist_add_take(out, digits);
		if ((text[n] != '\0' && !str_eq(text + n, "/tcp")) ||
		    !str_to_int64(digits, &port) || port <= 0 || port > 65535)
			free(out->items[--out->count]);
	}
}

int
services_fill(const struct image_config *image, const struct job_image *wanted,
    struct arena *arena, struct cage_service *service, struct error *err)
{
	fill_run(image, wanted, service);
	fill_health(image, service);
	if (service->health.count == 0)
		list_ports(image, &service->ports);
	service->dir =
	    *image->workdir == '\0' ? "/" : arena_strdup(arena, image->workdir);
	for (size_t i = 0; i < wanted->variable_count; i++)
		strlist_add_take(&service->env,
		    xasprintf(
			"%s=%s", wanted->variables[i].key, wanted->variables[i].value));
	if (service->run.count == 0)
		return error_set(err, ERR_INVALID,
		    "the image says nothing to run, and neither does `command:`");
	return 0;
}

static int
add_service(struct executor_machine *machine, struct executor_job *job, size_t i,
    struct cage *out, struct error *err)
{
	cleanup_free char *name = xasprintf("service-%zu", i);
	struct cage_service *service;
	struct bundle b = { .machine = machine,
		.job = job,
		.wanted = &job->payload->services[i],
		.name = job->service_images[i],
		.cage = out };
	int rc;

	b.dir = executor_folder(job, job->job_dir, name, 0700, err);
	if (b.dir == NULL)
		return err->code;
	rc = bundle_open(&b, err);
	if (rc == 0) {
		service = cage_add_service(out, arena_strdup(job->arena, b.name));
		service->address =
		    arena_printf(job->arena, ADDRESS, ADDRESS_FIRST + (unsigned)i);
		rc = services_fill(&b.image->config, b.wanted, job->arena, service, err);
		bundle_fill_env(&b);
		/* as GitLab's runner does: a service's program can read what the job made
		 */
		bundle_bind(&b, job->work_dir, out->project_dir, false, false);
		if (rc == 0)
			rc = bundle_write(&b, &service->argv, err);
	}
	bundle_clear(&b);
	return rc < 0 ? error_wrap(err, "service %s", job->service_images[i]) : 0;
}

/* ---- all of them ----------------------------------------------------------- */

/* The address a line of hosts(5) has for name; NULL: none. Breaks the line up. */
static const char *
address_in(char *line, const char *name)
{
	char *at, *address, *word;

	line[strcspn(line, "#")] = '\0';
	address = strtok_r(line, " \t", &at);
	while (address != NULL && (word = strtok_r(NULL, " \t", &at)) != NULL)
		if (str_eq(word, name))
			return address;
	return NULL;
}

/*
 * In the machine's network its name leads where it leads the machine, to a server that
 * runs on it: many have it in this file alone.
 */
static void
add_machine(const struct executor_machine *machine, const struct executor_job *job,
    struct buf *hosts)
{
	char name[HOST_NAME_MAX + 1] = "", *at;
	cleanup_buf struct buf own = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (machine->settings->offline || job->payload->service_count > 0 ||
	    gethostname(name, sizeof(name) - 1) < 0 ||
	    buf_read_file(&own, HOSTS, HOSTS_MAX, &ignored) < 0 || own.len == 0)
		return;
	for (char *line = strtok_r(own.data, "\n", &at); line != NULL;
	     line = strtok_r(NULL, "\n", &at)) {
		const char *address = address_in(line, name);

		if (address != NULL)
			buf_printf(hosts, "%s\t%s\n", address, name);
	}
}

static int
write_hosts(
    const struct executor_machine *machine, struct executor_job *job, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, hosts_head);
	add_machine(machine, job, &text);
	for (size_t i = 0; i < job->payload->service_count; i++) {
		cleanup_strlist struct strlist names = STRLIST_INIT;

		services_add_names(
		    job->service_images[i], job->payload->services[i].alias, &names);
		buf_printf(&text, ADDRESS "\t", ADDRESS_FIRST + (unsigned)i);
		for (size_t k = 0; k < names.count; k++)
			buf_printf(&text, "%s%s", k > 0 ? " " : "", names.items[k]);
		buf_add_char(&text, '\n');
	}
	job->hosts_file = arena_printf(job->arena, "%s/hosts", job->job_dir);
	return path_write_file(job->hosts_file, text.data, text.len, 0644, err);
}

static const char *
find_uplink(void)
{
	static const char *const places[] = { "/usr/bin/slirp4netns",
		"/usr/local/bin/slirp4netns" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static int
add_uplink(const struct executor_machine *machine, struct executor_job *job,
    struct cage *out, struct error *err)
{
	if (machine->settings->offline)
		return 0;
	out->uplink = find_uplink();
	if (out->uplink == NULL) {
		if (job->say != NULL)
			job->say(
			    "Jobs with services reach nothing but these: slirp4netns is "
			    "not installed",
			    job->data);
		return 0;
	}
	job->resolver_file = arena_printf(job->arena, "%s/resolv.conf", job->job_dir);
	return path_write_file(
	    job->resolver_file, UPLINK_RESOLVER, sizeof(UPLINK_RESOLVER) - 1, 0644, err);
}

int
services_begin(const struct executor_job *job, struct cage *out, struct error *err)
{
	size_t count = job->payload->service_count;
	const char *shown = job_payload_variable(job->payload, "CI_DEBUG_SERVICES");

	if (count == 0)
		return 0;
	if (count > SERVICES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the job has %zu services; %d are the most", count, SERVICES_MAX);
	out->service_wait_ms = WAIT_MS;
	out->shows_services = shown != NULL && str_eq(shown, "true");
	return 0;
}

int
services_prepare(struct executor_machine *machine, struct executor_job *job,
    struct cage *out, struct error *err)
{
	size_t count = job->payload->service_count;

	job->resolver_file = RESOLVER;
	if (services_begin(job, out, err) < 0 || write_hosts(machine, job, err) < 0)
		return err->code;
	if (count == 0)
		return 0;
	if (add_uplink(machine, job, out, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (add_service(machine, job, i, out, err) < 0)
			return err->code;
	return 0;
}
