/*
 * The store of images by hand, for tests/e2e/image-store.sh.
 *
 *     image-tool STORE get NAME [OPTION…]     progress to stderr, what came to stdout
 *     image-tool STORE sweep HIGH LOW         how many images were removed
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "executors/container/image_store.h"
#include "protocol/job.h"

struct options {
	const char *name, *platform, *local_dir, *in_use;
	enum image_policy policies[8];
	size_t policy_count;
	const char *insecure[8];
	size_t insecure_count;
	struct image_mirror mirrors[8];
	size_t mirror_count;
	struct image_auth_source sources[8];
	size_t source_count;
	struct job_credential credential;
	size_t threads, repeat;
	unsigned hold_s, cancel_ms;
	int busy_s, stall_s;
	uint64_t high_bytes;
};

static const struct option options[] = {
	{ "policy", required_argument, NULL, 'p' },
	{ "platform", required_argument, NULL, 'P' },
	{ "local", required_argument, NULL, 'l' },
	{ "insecure", required_argument, NULL, 'i' },
	{ "mirror", required_argument, NULL, 'm' },     /* PREFIX=LOCATION */
	{ "auth", required_argument, NULL, 'a' },       /* a docker config's text */
	{ "credential", required_argument, NULL, 'c' }, /* HOST USER PASSWORD */
	{ "threads", required_argument, NULL, 't' },
	{ "repeat", required_argument, NULL, 'r' }, /* say what each took */
	{ "hold", required_argument, NULL, 'h' },
	{ "cancel", required_argument, NULL, 'x' }, /* after so many ms */
	{ "busy", required_argument, NULL, 'b' },
	{ "stall", required_argument, NULL, 's' },
	{ "keep", required_argument, NULL, 'k' },   /* bytes */
	{ "in-use", required_argument, NULL, 'u' }, /* not to be swept */
	{ NULL, 0, NULL, 0 },
};

struct call {
	struct image_store *store;
	const struct options *o;
	const atomic_bool *cancel;
	struct image *image;
	struct error err;
};

static NORETURN void
usage(void)
{
	(void)fprintf(stderr, "usage: image-tool STORE get NAME | sweep HIGH LOW\n");
	exit(2);
}

static void
set_credential(struct options *o, char *text)
{
	char *save = NULL;

	o->credential = (struct job_credential){ .type = "registry",
		.url = strtok_r(text, " ", &save),
		.username = strtok_r(NULL, " ", &save),
		.password = strtok_r(NULL, " ", &save) };
}

static void
set_option(struct options *o, int option, char *value)
{
	unsigned number = (unsigned)strtoul(value, NULL, 10);
	char *equals = strchr(value, '=');

	switch (option) {
	case 'p':
		if (!image_policy_parse(value, &o->policies[o->policy_count++ % 8]))
			usage();
		break;
	case 'P':
		o->platform = value;
		break;
	case 'k':
		o->high_bytes = strtoull(value, NULL, 10);
		break;
	case 'u':
		o->in_use = value;
		break;
	case 'l':
		o->local_dir = value;
		break;
	case 'i':
		o->insecure[o->insecure_count++ % 8] = value;
		break;
	case 'm':
		if (equals == NULL)
			usage();
		*equals = '\0';
		o->mirrors[o->mirror_count++ % 8] =
		    (struct image_mirror){ .prefix = value, .location = equals + 1 };
		break;
	case 'a':
		o->sources[o->source_count++ % 8] =
		    (struct image_auth_source){ .what = "DOCKER_AUTH_CONFIG",
			    .json = value };
		break;
	case 'c':
		set_credential(o, value);
		break;
	case 't':
		o->threads = number;
		break;
	case 'r':
		o->repeat = number;
		break;
	case 'h':
		o->hold_s = number;
		break;
	case 'x':
		o->cancel_ms = number;
		break;
	case 'b':
		o->busy_s = (int)number;
		break;
	case 's':
		o->stall_s = (int)number;
		break;
	default:
		usage();
	}
}

static void
print_list(const char *what, const struct image_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)printf("%s %s\n", what, list->items[i]);
}

/* Who holds an image finds it whole. */
static bool
is_whole(const struct image *i)
{
	for (size_t n = 0; n < i->layers.count; n++)
		if (access(i->layers.items[n], F_OK) < 0) {
			(void)fprintf(stderr, "%s is gone\n", i->layers.items[n]);
			return false;
		}
	return true;
}

static void
print_image(const struct image *i)
{
	(void)printf("name %s\ndigest %s\nmanifest %s\nconfig %s\n", i->name, i->digest,
	    i->manifest_digest, i->config_digest);
	(void)printf("workdir %s\nuser %s\narchitecture %s\nowners %d\n",
	    i->config.workdir, i->config.user, i->config.architecture, i->owners > 0);
	for (size_t n = 0; n < i->layers.count; n++)
		(void)printf("layer %s\n", i->layers.items[n]);
	print_list("env", &i->config.env);
	print_list("entrypoint", &i->config.entrypoint);
	print_list("cmd", &i->config.cmd);
	print_list("port", &i->config.ports);
	print_list("volume", &i->config.volumes);
	(void)fflush(stdout);
}

static void
on_progress(const char *line, void *data)
{
	(void)data;
	(void)fprintf(stderr, "%s\n", line);
}

static void *
get(void *data)
{
	struct call *c = data;
	const struct options *o = c->o;
	struct image_auth auth = { o->sources, o->source_count, &o->credential,
		o->credential.url != NULL ? 1 : 0 };
	struct image_request r = { .name = o->name,
		.policies = o->policies,
		.policy_count = o->policy_count,
		.platform = o->platform,
		.auth = &auth,
		.local_dir = o->local_dir };

	if (image_store_get(
		c->store, &r, on_progress, NULL, c->cancel, &c->image, &c->err) < 0)
		(void)fprintf(stderr, "error %d: %s\n", c->err.code, c->err.msg);
	return NULL;
}

static int
get_at_once(struct image_store *store, const struct options *o)
{
	struct call *calls = xcalloc(o->threads, sizeof(*calls));
	pthread_t *threads = xcalloc(o->threads, sizeof(*threads));
	atomic_bool cancel = false;
	int failed = 0;

	for (size_t i = 0; i < o->threads; i++) {
		calls[i] = (struct call){ .store = store, .o = o, .cancel = &cancel };
		if (pthread_create(&threads[i], NULL, get, &calls[i]) != 0)
			abort();
	}
	if (o->cancel_ms > 0) {
		(void)usleep(o->cancel_ms * 1000);
		atomic_store(&cancel, true);
	}
	for (size_t i = 0; i < o->threads; i++) {
		(void)pthread_join(threads[i], NULL);
		if (calls[i].image != NULL)
			print_image(calls[i].image);
		failed |= calls[i].image == NULL || !is_whole(calls[i].image);
	}
	(void)sleep(o->hold_s);
	for (size_t i = 0; i < o->threads; i++)
		image_free(calls[i].image);
	free(calls);
	free(threads);
	return failed;
}

/* Microseconds a present image takes, the median. */
static int
compare_times(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void
time_it(struct image_store *store, const struct options *o)
{
	int64_t *us = xcalloc(o->repeat, sizeof(*us));
	struct image_request r = {
		.name = o->name, .policies = o->policies, .policy_count = o->policy_count
	};

	for (size_t i = 0; i < o->repeat; i++) {
		struct timespec a, b;
		struct error err = ERROR_INIT;
		struct image *image = NULL;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		if (image_store_get(store, &r, NULL, NULL, NULL, &image, &err) < 0)
			(void)fprintf(stderr, "error %d: %s\n", err.code, err.msg);
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		image_free(image);
		us[i] = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
	}
	qsort(us, o->repeat, sizeof(*us), compare_times);
	(void)printf("median %" PRId64 " us\n", us[o->repeat / 2]);
	free(us);
}

static bool
is_in_use(const char *digest, void *data)
{
	const struct options *o = data;

	return o->in_use != NULL && str_eq(o->in_use, digest);
}

static int
sweep(struct image_store *store, struct options *o, char **words)
{
	struct error err = ERROR_INIT;
	size_t removed = 0;

	if (image_store_sweep(store, strtoull(words[0], NULL, 10),
		strtoull(words[1], NULL, 10), is_in_use, o, &removed, &err) < 0) {
		(void)fprintf(stderr, "error %d: %s\n", err.code, err.msg);
		return 1;
	}
	(void)printf("%zu\n", removed);
	return 0;
}

int
main(int argc, char **argv)
{
	struct options o = { .threads = 1 };
	struct image_store *store = NULL;
	struct error err = ERROR_INIT;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(&o, c, optarg == NULL ? argv[0] : optarg);
	argv += optind;
	argc -= optind;
	if (argc != 3 + (argc > 1 && str_eq(argv[1], "sweep")))
		usage();
	o.name = argv[2];
	if (image_store_open(&(struct image_store_settings){ .dir = argv[0],
				 .registries = { .insecure = o.insecure,
				     .insecure_count = o.insecure_count,
				     .mirrors = o.mirrors,
				     .mirror_count = o.mirror_count,
				     .high_bytes = o.high_bytes },
				 .busy_wait_s = o.busy_s,
				 .stall_wait_s = o.stall_s },
		&store, &err) < 0) {
		(void)fprintf(stderr, "error %d: %s\n", err.code, err.msg);
		return 1;
	}
	rc = str_eq(argv[1], "sweep") ? sweep(store, &o, argv + 2)
				      : get_at_once(store, &o);
	if (o.repeat > 0)
		time_it(store, &o);
	image_store_close(store);
	return rc;
}
