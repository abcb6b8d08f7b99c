// SPDX-License-Identifier: GPL-2.0-only
/*
 * A secondary MMU: the space is the memory of a virtual machine of KVM's.
 *
 * What a guest stores sets no bit in any page table that we see.  KVM maps a page that the guest
 * has only read for writing, if our entry lets it, and tells core mm of stores when it is asked to
 * unmap the page, and only then.  The guest here has two pieces of code, one that loads a byte and
 * one that stores one; each ends with an OUT.
 */
#include "scene.h"

#include <linux/kvm.h>

#define NR		16UL		/* pages: what a segment reaches */
#define SPACE_AT	0x100000UL	/* where they are for the guest */
#define LOAD		0x1000UL
#define STORE		0x1010UL
#define CODE_BYTES	0x2000UL

static struct {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	u8 *code;
} guest;

static void give_memory(u32 slot, u64 at, void *mem, u64 bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = at, .memory_size = bytes,
		.userspace_addr = (u64)(uintptr_t)mem,
	};

	need_ok(ioctl(guest.vm, KVM_SET_USER_MEMORY_REGION, &region));
}

/* Real mode, but that the data segment begins where the space does. */
static void set_segments(void)
{
	struct kvm_sregs s;

	need_ok(ioctl(guest.vcpu, KVM_GET_SREGS, &s));
	s.cs.base = 0;
	s.cs.selector = 0;
	s.ds.base = SPACE_AT;
	need_ok(ioctl(guest.vcpu, KVM_SET_SREGS, &s));
}

static void guest_make(void)
{
	static const u8 load[] = { 0x8a, 0x07, 0xe6, 0x10 };	/* mov (%bx),%al; out %al,$16 */
	static const u8 store[] = { 0x88, 0x0f, 0xe6, 0x10 };	/* mov %cl,(%bx); out %al,$16 */
	long size;

	guest.code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	need(guest.code != MAP_FAILED, "no memory");
	memcpy(guest.code + LOAD, load, sizeof(load));
	memcpy(guest.code + STORE, store, sizeof(store));
	guest.vm = need_ok(ioctl(guest.kvm, KVM_CREATE_VM, 0));
	give_memory(0, 0, guest.code, CODE_BYTES);
	give_memory(1, SPACE_AT, m, NR * PAGE);
	guest.vcpu = need_ok(ioctl(guest.vm, KVM_CREATE_VCPU, 0));
	size = need_ok(ioctl(guest.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	guest.run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest.vcpu, 0);
	need(guest.run != MAP_FAILED, "no struct kvm_run");
	set_segments();
}

static void begin(void)
{
	if (access("/dev/kvm", F_OK) &&
	    system("modprobe -q kvm_amd 2>/dev/null || modprobe -q kvm_intel 2>/dev/null"))
		skip("no KVM");
	guest.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (guest.kvm < 0)
		skip("no /dev/kvm");
	scene_begin(2 * MIB, NR);
	guest_make();
}

/* Until its next OUT; what is in AL then. */
static u8 run(u64 rip, u64 at, u8 cl)
{
	struct kvm_regs r = { .rip = rip, .rbx = at, .rcx = cl, .rflags = 2 };

	need_ok(ioctl(guest.vcpu, KVM_SET_REGS, &r));
	need_ok(ioctl(guest.vcpu, KVM_RUN, 0));
	need(guest.run->exit_reason == KVM_EXIT_IO, "the guest ended with %u",
	     guest.run->exit_reason);
	need_ok(ioctl(guest.vcpu, KVM_GET_REGS, &r));
	return r.rax;
}

static void guest_load(u64 vpn)
{
	u8 is = run(LOAD, vpn * PAGE, 0);

	expect(is == model[vpn * PAGE], "page %ju: %u", (uintmax_t)vpn, is);
}

static void guest_store(u64 vpn, u8 value)
{
	run(STORE, vpn * PAGE, value);
	model[vpn * PAGE] = value;
}

static void load_all(void)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		guest_load(vpn);
}

static u64 synced(void)
{
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
	return r.done;
}

/* KVM unmaps before its file is closed, and has no reference to a page. */
static void end(void)
{
	close(guest.vcpu);
	close(guest.vm);
	scene_end();
}

/* The guest has loaded a page, so that KVM has it for writing, and stores to it then. */
static void stores_are_synced(void)
{
	u64 round;

	begin();
	for (round = 0; round < 4; round++) {
		load_all();
		guest_store(round, 0x80 + round);
		guest_store(NR - 1, 0x90 + round);
		if (round % 2)
			need_ok(msync(m, NR * PAGE, MS_SYNC));
		else
			need_ok(fsync(fd));
		expect_file(path, model, NR * PAGE);
	}
	end();
}

/* After a sync a load makes no page dirty, and a store makes dirty what it went to. */
static void only_stores_are(void)
{
	struct framepool_space s;
	u64 done;

	begin();
	load_all();
	synced();
	space_info(fd, &s);
	expect(!s.dirty, "%ju dirty", (uintmax_t)s.dirty);
	load_all();
	done = synced();
	expect(!done, "%ju written", (uintmax_t)done);
	guest_store(3, 0x83);
	load_all();
	done = synced();
	expect(done == 1, "%ju written", (uintmax_t)done);
	expect_file(path, model, NR * PAGE);
	end();
}

static bool in_file(void *unused)
{
	u64 bytes;
	u8 *is = file_load(path, &bytes);
	bool same = !memcmp(is, model, NR * PAGE);

	(void)unused;
	free(is);
	return same;
}

static void stores_are_cleaned(void)
{
	set_clean_ms("100");
	begin();
	load_all();
	guest_store(7, 0x87);
	expect(wait_until(in_file, NULL, 20000), "the store is not in the file");
	end();
}

/* A page that leaves is unmapped: KVM tells of the store then. */
static void stores_leave(void)
{
	struct framepool_range r;

	begin();
	load_all();
	guest_store(5, 0x85);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == NR, "%ju have left", (uintmax_t)r.done);
	expect_file(path, model, NR * PAGE);
	load_all();
	end();
}

static const struct test tests[] = {
	{ "what a guest stores is synced", stores_are_synced, 0 },
	{ "after a sync only what a guest stores to is dirty", only_stores_are, T_DEVICE },
	{ "what a guest stores is cleaned", stores_are_cleaned, T_DEVICE },
	{ "what a guest has stored to leaves", stores_leave, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
