/* From a job's image to its bundle: what the runtime is told, and what is mounted for it.
 */
#include "executors/container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/overlay.h"
#include "base/path.h"
#include "executors/container/image_store.h"
#include "executors/container/image_user.h"
#include "executors/container/oci_config.h"
#include "executors/container/runtime.h"
#include "executors/init/program.h"
#include "executors/sandbox_filter.h"
#include "executors/shell.h"

#define INIT_INSIDE "/run/pawl-init"
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define AUTH_MAX ((size_t)1 << 20)
#define POLICIES_MAX 8
#define IMAGES_MAX_BYTES (UINT64_C(30) << 30) /* of images that are kept */

/* A job on its way into a container. */
struct making {
	const struct executor_job *job;
	const struct executor_settings *settings;
	struct runtime runtime;
	struct image *image;
	struct image_user user;
	struct strlist lowers;
	char *init;
	struct cage *cage;
};

/* ---- the image ------------------------------------------------------------- */

static int
probe(const struct executor_settings *settings, struct error *err)
{
	cleanup_free char *init = NULL;
	struct runtime runtime;

	if (runtime_find(settings->runtime, &runtime, err) < 0)
		return err->code;
	return init_program_path(&init, err);
}

static int
open_store(struct executor_machine *m, struct image_store **out, struct error *err)
{
	struct image_store_settings s = { .dir = m->settings->images_dir,
		.keep_bytes = IMAGES_MAX_BYTES };
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	if (m->images == NULL)
		rc = image_store_open(&s, &m->images, err);
	*out = m->images;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* Of this user; "" when there is none. */
static void
read_own_auth(struct buf *out)
{
	const char *home = getenv("HOME");
	cleanup_free char *file =
	    home == NULL ? NULL : path_join(home, ".docker/config.json");
	struct error ignored = ERROR_INIT;

	if (file == NULL || buf_read_file(out, file, AUTH_MAX, &ignored) < 0)
		buf_reset(out);
}

/* Source: runner-protocol.md, pull policies: what the job asks for, else the runner's. */
static size_t
fill_policies(const struct making *m, enum image_policy policies[POLICIES_MAX])
{
	const struct job_image *image = &m->job->payload->image;
	size_t n = 0;

	for (size_t i = 0; i < image->pull_policy_count && n < POLICIES_MAX; i++)
		if (image_policy_parse(image->pull_policy[i], &policies[n]))
			n++;
	if (n == 0)
		n += m->settings->pull_policy != NULL &&
		    image_policy_parse(m->settings->pull_policy, &policies[n]);
	if (n == 0)
		policies[n++] = IMAGE_IF_NOT_PRESENT;
	return n;
}

static void
say(const char *line, void *data)
{
	const struct making *m = data;

	if (m->job->say != NULL)
		m->job->say(line, m->job->data);
}

static int
get_image(struct executor_machine *machine, struct making *m, struct error *err)
{
	const struct job_payload *payload = m->job->payload;
	const char *given = job_payload_variable(payload, "DOCKER_AUTH_CONFIG");
	cleanup_buf struct buf own = BUF_INIT;
	struct image_auth_source sources[2];
	struct image_auth auth = { .sources = sources,
		.credentials = payload->credentials,
		.credential_count = payload->credential_count };
	enum image_policy policies[POLICIES_MAX];
	struct image_request request = { .name = m->job->image,
		.policies = policies,
		.platform = payload->image.docker_platform,
		.auth = &auth,
		.local_dir = m->settings->local_images_dir };
	struct image_store *store;

	if (open_store(machine, &store, err) < 0)
		return err->code;
	read_own_auth(&own);
	if (given != NULL)
		sources[auth.source_count++] =
		    (struct image_auth_source){ "DOCKER_AUTH_CONFIG", given, false };
	if (own.len > 0)
		sources[auth.source_count++] =
		    (struct image_auth_source){ "~/.docker/config.json", buf_str(&own),
			    true };
	request.policy_count = fill_policies(m, policies);
	return image_store_get(store, &request, say, m, m->job->cancel, &m->image, err);
}

static void
release_image(void *image)
{
	image_free(image);
}

/* As long as the job lives nobody removes it, also when its runner has gone. */
static void
hold_image(struct making *m)
{
	char link[64], file[4096];
	ssize_t n;

	(void)snprintf(
	    link, sizeof(link), "/proc/self/fd/%d", image_hold_fd(m->image->hold));
	n = readlink(link, file, sizeof(file) - 1);
	if (n > 0) {
		file[n] = '\0';
		strlist_add(&m->cage->locks, file);
	}
	m->cage->release = release_image;
	m->cage->held = m->image;
}

/* ---- what it is made of ---------------------------------------------------- */

static char *
make_dir(const struct making *m, const char *name, mode_t mode, struct error *err)
{
	char *path = arena_printf(m->job->arena, "%s/%s", m->job->job_dir, name);

	if ((mkdir(path, mode) < 0 && errno != EEXIST) || chmod(path, mode) < 0) {
		(void)error_errno(err, "cannot create %s", path);
		return NULL;
	}
	return path;
}

static int
add_root(struct making *m, const char **root, struct error *err)
{
	struct cage_mount *mount;
	const char *target = make_dir(m, "rootfs", 0755, err);
	const char *upper = make_dir(m, "root-upper", 0755, err);
	const char *work = make_dir(m, "root-work", 0700, err);

	if (target == NULL || upper == NULL || work == NULL)
		return err->code;
	mount = cage_add_mount(m->cage, CAGE_MOUNT_OVERLAY, target);
	for (size_t i = 0; i < m->lowers.count; i++)
		strlist_add(&mount->lowers, m->lowers.items[i]);
	mount->upper = upper;
	mount->work = work;
	*root = target;
	return 0;
}

/* As Docker writes it. */
static int
write_hosts(const struct making *m, const char **file, struct error *err)
{
	static const char text[] = "127.0.0.1\tlocalhost job\n"
				   "::1\tlocalhost ip6-localhost ip6-loopback\n"
				   "fe00::0\tip6-localnet\n"
				   "ff00::0\tip6-mcastprefix\n"
				   "ff02::1\tip6-allnodes\n"
				   "ff02::2\tip6-allrouters\n";

	*file = arena_printf(m->job->arena, "%s/hosts", m->job->job_dir);
	return path_write_file(*file, text, sizeof(text) - 1, 0644, err);
}

static bool
has_variable(const struct strlist *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
			return true;
	return false;
}

static void
fill_env(const struct making *m, struct strlist *env)
{
	const struct image_strings *own = &m->image->config.env;

	for (size_t i = 0; i < own->count; i++)
		strlist_add(env, own->items[i]);
	if (!has_variable(env, "PATH"))
		strlist_add(env, "PATH=" PATH_DEFAULT);
	if (!has_variable(env, "HOME"))
		strlist_add_take(env, xasprintf("HOME=%s", m->user.home));
	strlist_add(env, "HOSTNAME=job");
}

/* Source: runner-protocol.md section 9: what `image:entrypoint` says replaces the
 * image's, and an empty one means none. */
static void
fill_args(const struct making *m, struct strlist *args)
{
	const struct job_image *wanted = &m->job->payload->image;
	const struct image_strings *own = &m->image->config.entrypoint;

	if (wanted->entrypoint_count > 0) {
		for (size_t i = 0; i < wanted->entrypoint_count; i++)
			if (wanted->entrypoint[i][0] != '\0' ||
			    wanted->entrypoint_count > 1)
				strlist_add(args, wanted->entrypoint[i]);
	} else {
		for (size_t i = 0; i < own->count; i++)
			strlist_add(args, own->items[i]);
	}
	init_program_argv(INIT_INSIDE, args);
}

static int
write_config(struct making *m, const char *root, const char *bundle, struct error *err)
{
	const char *files = make_dir(m, CAGE_FILES_NAME, 0700, err);
	const char *hosts = NULL;
	cleanup_free char *file = path_join(bundle, "config.json");
	cleanup_buf struct buf text = BUF_INIT, filter = BUF_INIT;
	struct oci_config config = { .root = root,
		.hostname = "job",
		.uid = m->user.uid,
		.gid = m->user.gid,
		.groups = m->user.groups,
		.group_count = m->user.group_count,
		.userns = m->job->userns,
		.own_network = m->settings->offline,
		.privileged = m->settings->privileged };
	struct oci_bind binds[16];
	size_t n = 0;

	if (files == NULL || write_hosts(m, &hosts, err) < 0)
		return err->code;
	binds[n++] = (struct oci_bind){ m->init, INIT_INSIDE, true, true };
	binds[n++] = (struct oci_bind){ hosts, "/etc/hosts", false, true };
	if (access("/etc/resolv.conf", R_OK) == 0)
		binds[n++] = (struct oci_bind){ "/etc/resolv.conf", "/etc/resolv.conf",
			true, true };
	binds[n++] =
	    (struct oci_bind){ m->job->work_dir, m->cage->project_dir, false, false };
	binds[n++] = (struct oci_bind){ files, m->cage->files_dir, false, true };
	for (size_t i = 0; i < m->job->shown->count && n < ARRAY_LEN(binds); i++)
		binds[n++] = (struct oci_bind){ m->job->shown->items[i],
			m->job->shown->items[i], true, true };
	config.binds = binds;
	config.bind_count = n;
	fill_env(m, &config.env);
	fill_args(m, &config.args);
	if (m->runtime.is_crun) {
		base64_encode(sandbox_filter, sizeof(sandbox_filter), &filter);
		config.filter = buf_str(&filter);
	}
	oci_config_write(&config, &text);
	for (size_t i = 0; i < config.env.count; i++)
		strlist_add(&m->cage->env, config.env.items[i]);
	strlist_clear(&config.env);
	strlist_clear(&config.args);
	return path_write_file(file, text.data, text.len, 0600, err);
}

/* ---- all of it ------------------------------------------------------------- */

static int
find_user(struct making *m, struct error *err)
{
	const char *wanted = m->job->payload->image.docker_user;

	if (wanted == NULL || *wanted == '\0')
		wanted = m->image->config.user;
	if (image_user_find(wanted, &m->lowers, &m->user, err) < 0)
		return error_wrap(err, "image %s", m->image->name);
	if (m->user.uid != 0 && m->job->userns)
		return error_set(err, ERR_ENVIRONMENT,
		    "image %s: jobs in it run as user \"%s\" (%u), but this runner has one "
		    "user id alone, which is root's in there; run it as root, or say "
		    "`docker: {user: root}` below `image:`",
		    m->image->name, wanted, (unsigned)m->user.uid);
	m->cage->gives = m->user.uid != 0 || m->user.gid != 0;
	m->cage->uid = m->user.uid;
	m->cage->gid = m->user.gid;
	return 0;
}

static int
fill_cage(struct making *m, struct error *err)
{
	const char *hidden = runtime_hidden(&m->runtime, m->job->userns);
	const char *bundle = make_dir(m, "bundle", 0700, err);
	const char *state = make_dir(m, "runtime", 0700, err);
	const char *root = NULL;

	if (bundle == NULL || state == NULL || find_user(m, err) < 0 ||
	    add_root(m, &root, err) < 0 || write_config(m, root, bundle, err) < 0)
		return err->code;
	if (hidden != NULL)
		cage_add_mount(m->cage, CAGE_MOUNT_HIDE, hidden);
	runtime_argv(&m->runtime, bundle, state, "job", &m->cage->argv);
	return 0;
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	struct making m = { .job = job, .settings = machine->settings, .cage = out };
	int rc;

	out->project_dir = job->project_dir != NULL
	    ? job->project_dir
	    : arena_printf(job->arena, "/builds/%s", job->project_name);
	out->files_dir = arena_printf(job->arena, "%s.tmp", out->project_dir);
	if (*job->image == '\0')
		return error_set(err, ERR_ENVIRONMENT,
		    "this job has no image; give it one (`image:`), or run it by another "
		    "executor");
	if (runtime_find(machine->settings->runtime, &m.runtime, err) < 0 ||
	    init_program_path(&m.init, err) < 0)
		return err->code;
	if (get_image(machine, &m, err) < 0) {
		job->reason = REASON_IMAGE_PULL_FAILURE;
		free(m.init);
		return err->code;
	}
	for (size_t i = 0; i < m.image->layers.count; i++)
		strlist_add(&m.lowers, m.image->layers.items[i]);
	hold_image(&m);
	rc = fill_cage(&m, err);
	image_user_clear(&m.user);
	strlist_clear(&m.lowers);
	free(m.init);
	return rc;
}

static int
accepts(const struct job_payload *job, bool chosen_by_user, struct error *err)
{
	(void)chosen_by_user;
	if (job->service_count > 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "needs the service %s; the executor container runs jobs without "
		    "services",
		    job->services[0].name);
	return 0;
}

const struct executor executor_container = {
	.name = "container",
	.summary = "scripts run in a container of the job's image, without a daemon",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.is_slow = true,
	.env = EXECUTOR_ENV_OWN,
	.is_shared = false,
};
