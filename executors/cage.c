/* Owning a cage's lists. */
#include "executors/cage.h"

void
cage_clear(struct cage *cage)
{
	for (size_t i = 0; i < cage->mount_count; i++)
		strlist_clear(&cage->mounts[i].lowers);
	free(cage->mounts);
	strlist_clear(&cage->argv);
	strlist_clear(&cage->shell);
	strlist_clear(&cage->locks);
	strlist_clear(&cage->env);
	if (cage->release != NULL)
		cage->release(cage->held);
	*cage = (struct cage){ .mounts = NULL };
}

struct cage_mount *
cage_add_mount(struct cage *cage, enum cage_mount_kind kind, const char *target)
{
	struct cage_mount *mount;

	GROW(cage->mounts, cage->mount_count, cage->mount_cap);
	mount = &cage->mounts[cage->mount_count++];
	*mount = (struct cage_mount){ .kind = kind, .target = target };
	return mount;
}
