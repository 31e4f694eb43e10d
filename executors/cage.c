/* Owning a cage's lists. */
#include "executors/cage.h"

#include <unistd.h>

void
cage_clear(struct cage *cage)
{
	for (size_t i = 0; i < cage->mount_count; i++)
		strlist_clear(&cage->mounts[i].lowers);
	for (size_t i = 0; i < cage->service_count; i++) {
		strlist_clear(&cage->services[i].argv);
		strlist_clear(&cage->services[i].run);
		strlist_clear(&cage->services[i].env);
		strlist_clear(&cage->services[i].health);
		strlist_clear(&cage->services[i].ports);
	}
	free(cage->services);
	free(cage->mounts);
	strlist_clear(&cage->argv);
	strlist_clear(&cage->shell);
	strlist_clear(&cage->locks);
	strlist_clear(&cage->env);
	for (size_t i = 0; i < cage->held_count; i++)
		cage->held[i].release(cage->held[i].thing);
	free(cage->held);
	if (cage->program > 0)
		close(cage->program);
	*cage = (struct cage){ .mounts = NULL };
}

void
cage_hold(struct cage *cage, void (*release)(void *thing), void *thing)
{
	GROW(cage->held, cage->held_count, cage->held_cap);
	cage->held[cage->held_count++] = (struct cage_held){ release, thing };
}

struct cage_service *
cage_add_service(struct cage *cage, const char *name)
{
	struct cage_service *service;

	GROW(cage->services, cage->service_count, cage->service_cap);
	service = &cage->services[cage->service_count++];
	*service = (struct cage_service){ .name = name };
	return service;
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
