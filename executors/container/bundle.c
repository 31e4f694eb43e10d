/* From an image to a container that a supervisor can start. */
#include "executors/container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/path.h"
#include "executors/container/image_terms.h"
#include "executors/container/image_volume.h"
#include "executors/container/runtime_copy.h"
#include "executors/init/program.h"
#include "executors/sandbox_filter.h"
#include "executors/volume.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define IMAGES_MAX_BYTES (UINT64_C(30) << 30) /* of images that are kept */

/* ---- the image ------------------------------------------------------------- */

static int
open_store(struct executor_machine *m, struct image_store **out, struct error *err)
{
	struct image_store_settings s = { .dir = m->settings->images_dir };
	int rc = 0;

	if (m->settings->registries != NULL)
		s.registries = *m->settings->registries;
	if (s.registries.high_bytes == 0)
		s.registries.high_bytes = IMAGES_MAX_BYTES;
	pthread_mutex_lock(&m->lock);
	if (m->images == NULL)
		rc = image_store_open(&s, &m->images, err);
	*out = m->images;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static void
say(const char *line, void *data)
{
	const struct bundle *b = data;

	if (b->job->say != NULL)
		b->job->say(line, b->job->data);
}

static int
get_image(struct bundle *b, struct image **out, struct error *err)
{
	const struct executor_settings *settings = b->machine->settings;
	struct image_terms terms;
	struct image_request request = { .name = b->name,
		.policies = terms.policies,
		.platform = b->wanted->docker_platform,
		.auth = &terms.auth,
		.local_dir = settings->local_images_dir };
	struct image_store *store;
	int rc;

	if (open_store(b->machine, &store, err) < 0)
		return err->code;
	image_terms_init(&terms, b->job->payload, b->wanted, settings->pull_policy);
	request.policy_count = terms.policy_count;
	rc = image_store_get(store, &request, say, b, b->job->cancel, out, err);
	image_terms_clear(&terms);
	return rc;
}

static void
release_image(void *image)
{
	image_free(image);
}

/* As long as the job lives nobody removes it, also when its runner has gone. */
static void
hold_image(struct bundle *b, struct image *image)
{
	char link[64], file[4096];
	ssize_t n;

	(void)snprintf(
	    link, sizeof(link), "/proc/self/fd/%d", image_hold_fd(image->hold));
	n = readlink(link, file, sizeof(file) - 1);
	if (n > 0) {
		file[n] = '\0';
		strlist_add(&b->cage->locks, file);
	}
	cage_hold(b->cage, release_image, image);
	b->image = image;
	for (size_t i = 0; i < image->layers.count; i++)
		strlist_add(&b->lowers, image->layers.items[i]);
}

static int
find_user(struct bundle *b, struct error *err)
{
	const char *wanted = b->wanted->docker_user;

	if (wanted == NULL || *wanted == '\0')
		wanted = b->image->config.user;
	if (image_user_find(wanted, &b->lowers, &b->user, err) < 0)
		return error_wrap(err, "image %s", b->image->name);
	if (b->user.uid != 0 && b->job->userns)
		return error_set(err, ERR_ENVIRONMENT,
		    "image %s: what runs in it runs as user \"%s\" (%u), but this runner has "
		    "one user id alone, which is root's in there; run it as root, or say "
		    "`docker: {user: root}` below `image:`",
		    b->image->name, wanted, (unsigned)b->user.uid);
	return 0;
}

/* All the job's containers are made by the same one. */
static void
copy_runtime(struct bundle *b)
{
	struct executor_machine *m = b->machine;

	if (!b->runtime.is_crun || b->cage->program > 0)
		return;
	pthread_mutex_lock(&m->lock);
	if (m->runtime == NULL)
		m->runtime = runtime_copy_new();
	b->cage->program = runtime_copy_open(m->runtime, b->runtime.program);
	pthread_mutex_unlock(&m->lock);
	if (b->cage->program > 0)
		b->cage->open_program = b->runtime.program;
}

/* In a user namespace nobody may make groups. */
static int
find_runtime(struct bundle *b, struct error *err)
{
	const struct executor_settings *settings = b->machine->settings;

	return runtime_find(
	    settings->runtime, settings->privileged && !b->job->userns, &b->runtime, err);
}

void
bundle_bind(
    struct bundle *b, const char *from, const char *to, bool read_only, bool no_setuid)
{
	if (b->bind_count < BUNDLE_BINDS)
		b->binds[b->bind_count++] =
		    (struct oci_bind){ from, to, read_only, no_setuid };
}

/* They come first, so that what is bound later may lie in one of them. */
static int
bind_image_volumes(struct bundle *b, struct error *err)
{
	const struct image_strings *wanted = &b->image->config.volumes;

	for (size_t i = 0; i < wanted->count && i < IMAGE_VOLUMES_MAX; i++) {
		cleanup_free char *name = xasprintf("image-volume-%zu", i);
		struct error ignored = ERROR_INIT;
		const char *folder;
		struct volume v;
		struct stat as;

		if (volume_parse(wanted->items[i], b->job->arena, &v, &ignored) < 0 ||
		    v.source != NULL || !image_volume_is_empty(v.target, &b->lowers, &as))
			continue;
		folder = executor_folder(b->job, b->dir, name, as.st_mode & 07777, err);
		if (folder == NULL)
			return err->code;
		if (!b->job->userns && chown(folder, as.st_uid, as.st_gid) < 0)
			return error_errno(err, "cannot give %s its owner", folder);
		bundle_bind(b, folder, v.target, false, false);
	}
	return 0;
}

int
bundle_open(struct bundle *b, struct error *err)
{
	struct image *image = NULL;

	if (find_runtime(b, err) < 0 || init_program_path(&b->init, err) < 0)
		return err->code;
	if (get_image(b, &image, err) < 0 || image == NULL) {
		b->job->reason = REASON_IMAGE_PULL_FAILURE;
		return err->code;
	}
	b->job->image_digest = arena_strdup(b->job->arena, image->digest);
	hold_image(b, image);
	if (find_user(b, err) < 0)
		return err->code;
	return bind_image_volumes(b, err);
}

void
bundle_clear(struct bundle *b)
{
	image_user_clear(&b->user);
	strlist_clear(&b->lowers);
	strlist_clear(&b->args);
	strlist_clear(&b->env);
	free(b->init);
}

/* ---- what it is made of ---------------------------------------------------- */

static int
add_root(struct bundle *b, const char **root, struct error *err)
{
	struct cage_mount *mount;
	const char *target = executor_folder(b->job, b->dir, "rootfs", 0755, err);
	const char *upper = executor_folder(b->job, b->dir, "root-upper", 0755, err);
	const char *work = executor_folder(b->job, b->dir, "root-work", 0700, err);

	if (target == NULL || upper == NULL || work == NULL)
		return err->code;
	mount = cage_add_mount(b->cage, CAGE_MOUNT_OVERLAY, target);
	for (size_t i = 0; i < b->lowers.count; i++)
		strlist_add(&mount->lowers, b->lowers.items[i]);
	mount->upper = upper;
	mount->work = work;
	*root = target;
	return 0;
}

void
bundle_fill_env(struct bundle *b)
{
	const struct image_strings *own = &b->image->config.env;

	for (size_t i = 0; i < own->count; i++)
		strlist_add(&b->env, own->items[i]);
	if (!strlist_names(&b->env, "PATH="))
		strlist_add(&b->env, "PATH=" PATH_DEFAULT);
	if (!strlist_names(&b->env, "HOME="))
		strlist_add_take(&b->env, xasprintf("HOME=%s", b->user.home));
}

static int
bind_volumes(struct bundle *b, struct error *err)
{
	const struct executor_settings *settings = b->machine->settings;

	for (size_t i = 0; i < settings->volume_count; i++) {
		cleanup_free char *name = xasprintf("volume-%zu", i);
		struct volume v;

		if (volume_parse(settings->volumes[i], b->job->arena, &v, err) < 0)
			return err->code;
		if (v.source == NULL) /* whoever the job and its services run as */
			v.source =
			    executor_folder(b->job, b->job->job_dir, name, 01777, err);
		else if (access(v.source, F_OK) < 0)
			(void)error_errno(err, "volume %s", settings->volumes[i]);
		if (err->code != 0)
			return err->code;
		bundle_bind(b, v.source, v.target, v.read_only, false);
	}
	return 0;
}

/*
 * Left to itself runc makes one beside the group it is started in, crun at the top, where
 * that one's limits do not hold. Source: runc's libcontainer/cgroups/fs2/defaultpath.go.
 */
static char *
group_of(struct bundle *b, const char *name)
{
	if (b->job->group == NULL || (b->runtime.is_crun && !b->runtime.own_groups))
		return NULL;
	b->cage->makes_group = true;
	return path_join(b->job->group, name);
}

static int
write_config(struct bundle *b, const char *root, const char *name, const char *folder,
    struct error *err)
{
	const struct executor_settings *settings = b->machine->settings;
	cleanup_free char *file = path_join(folder, "config.json");
	cleanup_free char *group = group_of(b, name);
	cleanup_buf struct buf text = BUF_INIT, filter = BUF_INIT;
	struct oci_config config = { .root = root,
		.group = group,
		.hostname = "job",
		.args = b->args,
		.env = b->env,
		.uid = b->user.uid,
		.gid = b->user.gid,
		.groups = b->user.groups,
		.group_count = b->user.group_count,
		.binds = b->binds,
		.bind_count = b->bind_count,
		.userns = b->job->userns,
		.own_network = settings->offline && b->job->payload->service_count == 0,
		.privileged = settings->privileged };

	if (b->runtime.is_crun) {
		base64_encode(sandbox_filter, sizeof(sandbox_filter), &filter);
		config.filter = buf_str(&filter);
	}
	oci_config_write(&config, &text);
	return path_write_file(file, text.data, text.len, 0600, err);
}

/* What the runtime must not see; once for all containers of a job. */
static void
hide(struct bundle *b)
{
	const char *path = runtime_hidden(&b->runtime, b->job->userns);

	for (size_t i = 0; path != NULL && i < b->cage->mount_count; i++)
		if (str_eq(b->cage->mounts[i].target, path))
			return;
	if (path != NULL)
		cage_add_mount(b->cage, CAGE_MOUNT_HIDE, path);
}

int
bundle_write(struct bundle *b, struct strlist *argv, struct error *err)
{
	const char *folder = executor_folder(b->job, b->dir, "bundle", 0700, err);
	const char *state = executor_folder(b->job, b->dir, RUNTIME_STATE, 0700, err);
	const char *root = NULL;
	char id[HASH_SHA256_HEX], name[32]; /* runc names the cgroup by it */

	if (folder == NULL || state == NULL || add_root(b, &root, err) < 0 ||
	    bind_volumes(b, err) < 0)
		return err->code;
	bundle_bind(b, b->init, BUNDLE_INIT, true, true);
	bundle_bind(b, b->job->hosts_file, "/etc/hosts", false, true);
	if (access(b->job->resolver_file, R_OK) == 0)
		bundle_bind(b, b->job->resolver_file, "/etc/resolv.conf", true, true);
	init_program_argv(BUNDLE_INIT, &b->args);
	hide(b);
	hash_sha256_hex(b->dir, strlen(b->dir), id);
	(void)snprintf(name, sizeof(name), RUNTIME_NAME "%.16s", id);
	if (write_config(b, root, name, folder, err) < 0)
		return err->code;
	copy_runtime(b);
	runtime_argv(&b->runtime, folder, state, name, argv);
	return 0;
}
