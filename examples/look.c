// SPDX-License-Identifier: MIT
/* What there is: the pools, and what is attached to them. */
#include <framepool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	struct framepool_space space;
	struct framepool_pool pool;
	int control = framepool_open(), got;

	if (control < 0) {
		fprintf(stderr, "look: %s: %s\n", FRAMEPOOL_CONTROL, strerror(-control));
		return 1;
	}
	FRAMEPOOL_INIT(&pool);
	while ((got = framepool_next_pool(control, &pool)) > 0)
		printf("pool %s: %llu of %llu frames hold pages, %llu at most since it was made\n",
		       pool.name, (unsigned long long)pool.resident,
		       (unsigned long long)pool.bound, (unsigned long long)pool.resident_max);
	FRAMEPOOL_INIT(&space);
	while (got >= 0 && (got = framepool_next_space(control, &space)) > 0)
		printf("space %s: %llu bytes, %llu pages resident, %llu major faults\n",
		       space.name[0] ? space.name : "(unnamed)", (unsigned long long)space.bytes,
		       (unsigned long long)space.resident, (unsigned long long)space.major_faults);
	close(control);
	return got != 0;
}
