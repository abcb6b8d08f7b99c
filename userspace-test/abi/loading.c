// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of a load of the module, and of an unload, fails once: it is not loaded then,
 * or as whole as ever, and nothing is left of it afterwards; it can always be unloaded.
 */
#include "test.h"
#include "module.h"
#include "nth.h"

#define NTH_MAX	1000
#define ARGS	"size=2M"

/*
 * Where x86-64 has modules, in a kernel that stays where it was linked: the module's own place is
 * not known before it is there, and no other one asks for anything in these system calls.
 */
#define MODULES		0xffffffffa0000000ULL
#define MODULES_END	0xffffffffff000000ULL

static int module;

/* Not what the kernel asks for itself to load a module: of some of that it complains in its log. */
static void begin(void)
{
	nth_begin();
	if (!nth_only(MODULES, MODULES_END))
		skip("this kernel cannot tell who asks");
	module = module_open();
	control_close();
	need(wait_until(module_unloads, NULL, 20000), "rmmod: %s", strerror(errno));
}

static void end(void)
{
	need_ok(close(module));
	nth_end();
	module_again();
}

/* It is there, and whole. */
static void use_it(void)
{
	char *path = file_make("file", 4 * PAGE, 1);
	int fd = space_attach(path, O_RDWR);
	u32 id = space_id(fd);
	u8 page[PAGE];

	need(pread(fd, page, PAGE, PAGE) == (ssize_t)PAGE, "pread: %s", strerror(errno));
	expect(page_is(page, 1, 1), "what was read");
	space_gone(fd, id);
	free(path);
	control_close();
}

static void loads(void)
{
	unsigned int n, tried = 0, refused = 0;
	bool happened = true;
	int ret, err;

	begin();
	for (n = 1; happened && n <= NTH_MAX; n++) {
		nth_arm(n);
		ret = module_load(module, ARGS);
		err = errno;
		happened = nth_happened();
		tried += happened;
		if (ret) {
			refused++;
			expect(happened && err == ENOMEM, "allocation %u fails: %s", n,
			       strerror(err));
		} else {
			/* What it can do without, as statistics. */
			use_it();
			need_ok(module_unload());
		}
		module_no_trace();
	}
	diag("tried: %u injected failures", tried);
	diag("%u loads refused", refused);
	expect(!happened && refused, "%u of %u failures refused", refused, tried);
	end();
}

static void unloads(void)
{
	unsigned int n, tried = 0;
	bool happened = true;
	int ret, err;

	begin();
	for (n = 1; happened && n <= NTH_MAX; n++) {
		need_ok(module_load(module, ARGS));
		nth_arm(n);
		ret = module_unload();
		err = errno;
		happened = nth_happened();
		tried += happened;
		need(!ret, "allocation %u fails: rmmod: %s", n, strerror(err));
		module_no_trace();
	}
	diag("tried: %u injected failures", tried);
	expect(!happened && tried, "%u failures, and it never gets through", tried);
	end();
}

static const struct test tests[] = {
	{ "every allocation of a load fails once", loads, T_DEVICE },
	{ "every allocation of an unload fails once", unloads, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = nth_anything;
	setenv("FPOOL_LIMIT", "900", 0);
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
