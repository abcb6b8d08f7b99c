// SPDX-License-Identifier: GPL-2.0-only
/* A file in a pool of its own, mapped whole, and a model of its bytes. */
#include "scene.h"

char *path;
u8 *m, *model;
int fd;
u32 id;
static u64 bytes;

static void begin(const char *file, u64 region, u64 pages, int oflags)
{
	int prot = oflags == O_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;

	bytes = pages * PAGE;
	pool_use(region);
	path = file_make(file, bytes, 1);
	model = model_make(bytes, 1);
	fd = space_attach(path, oflags);
	id = space_id(fd);
	m = map(fd, bytes, prot, MAP_SHARED);
}

void scene_begin(u64 region, u64 pages)
{
	scene_begin_as(region, pages, O_RDWR);
}

void scene_begin_as(u64 region, u64 pages, int oflags)
{
	begin("file", region, pages, oflags);
}

void scene_begin_at(const char *where, u64 region, u64 pages)
{
	begin(where, region, pages, O_RDWR);
}

void scene_close(void)
{
	need_ok(munmap(m, bytes));
	space_gone(fd, id);
	expect_file(path, model, bytes);
}

void scene_end(void)
{
	expect(bytes_are(m, model, bytes, 0), "the mapping in the end");
	scene_close();
}

void store(u64 vpn, u64 version)
{
	page_fill(m + vpn * PAGE, vpn, version);
	page_fill(model + vpn * PAGE, vpn, version);
}
