/* SPDX-License-Identifier: GPL-2.0-only */
/* A flight: writes of many runs of pages that are under way together. */
#ifndef FPOOL_FLIGHT_H
#define FPOOL_FLIGHT_H

#include <linux/completion.h>

#include "space.h"

/* Pages in one write: 256 KiB. */
#define FPOOL_RUN_MAX	64

/* Pages of a flight from fpool_flight_get(). */
#define FPOOL_FLIGHT_MAX	128

struct fpool_flight;

/**
 * struct fpool_run - neighbours in a space that are written in one call
 * @flight: that it is part of
 * @space: of which; the caller's reference
 * @vpn: first page
 * @err: of the device
 * @first: where its pages begin among those of the flight
 * @nr: pages, at most FPOOL_RUN_MAX
 * @nfailed: result: of these, could not be written
 * @started: it flies; else it is written by who starts the flight
 * @given_up: it is not tried, or not again, for want of a worker; its pages stay dirty
 * @write: under way
 */
struct fpool_run {
	struct fpool_flight *flight;
	struct fpool_space *space;
	fpool_vpn_t vpn;
	int err;
	u8 first;
	u8 nr;
	u8 nfailed;
	u8 started:1;
	u8 given_up:1;
	struct fpool_write write;
};

/**
 * struct fpool_flight - writes under way together
 * @max: pages that it has room for
 * @nr: runs
 * @pages: pages of these
 * @failed: result: of these, could not be written
 * @err: result: the last error
 * @flying: writes that have not ended, and one while runs are still added
 * @landed: called when the last one has ended, in any context; NULL: somebody waits
 * @nowait: who starts it waits for no lock of a file system's, and for no room on a device
 * @full: and there was none; what follows is not tried
 * @owner: for who is told
 * @done: for who waits
 * @frame: where all pages are
 * @bv: the same for the device, of each run where its pages are
 * @run: all of them, as they were added
 */
struct fpool_flight {
	unsigned int max;
	unsigned int nr;
	unsigned int pages;
	unsigned int failed;
	int err;
	atomic_t flying;
	void (*landed)(struct fpool_flight *flight);
	bool nowait;
	bool full;
	void *owner;
	struct completion done;
	fpool_frame_t *frame;
	struct bio_vec *bv;
	struct fpool_run run[];
};

static inline const fpool_frame_t *fpool_run_frames(const struct fpool_run *run)
{
	return &run->flight->frame[run->first];
}

size_t fpool_flight_bytes(unsigned int max);
struct fpool_flight *fpool_flight_make(void *mem, unsigned int max);
struct fpool_flight *fpool_flight_get(void);
void fpool_flight_put(struct fpool_flight *flight);

void fpool_flight_begin(struct fpool_flight *flight,
			void (*landed)(struct fpool_flight *flight), bool nowait);
unsigned int fpool_flight_room(const struct fpool_flight *flight);
void fpool_flight_start(struct fpool_flight *flight, struct fpool_space *space, fpool_vpn_t vpn,
			const fpool_frame_t *frame, unsigned int nr);
bool fpool_flight_all_started(struct fpool_flight *flight);
void fpool_flight_start_rest(struct fpool_flight *flight);
bool fpool_flight_launched(struct fpool_flight *flight);
void fpool_flight_wait(struct fpool_flight *flight);
bool fpool_flight_all_written(const struct fpool_flight *flight);
void fpool_flight_give_up(struct fpool_flight *flight, bool launched);
void fpool_flight_finish(struct fpool_flight *flight);

int fpool_flight_init(void);
void fpool_flight_exit(void);

#endif /* FPOOL_FLIGHT_H */
