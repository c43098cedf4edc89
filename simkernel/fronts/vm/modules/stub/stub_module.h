/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end of a generated source: loading starts its parts, unloading stops them.
 *
 * The source above it defines:
 *   static const struct stub_part stub_parts[], the drivers before the devices
 *   STUB_INIT_MS     milliseconds that loading takes
 *   STUB_INIT_ERRNO  errno of loading; 0: success
 *   STUB_LATE_MS     delay of the parts after loading, in milliseconds; 0: none
 */
#include <linux/workqueue.h>

static unsigned int stub_started;

static void stub_stop_some(bool devices)
{
	unsigned int i;

	for (i = 0; i < stub_started; i++) {
		/* devices in order of creation, drivers in reverse */
		unsigned int at = devices ? i : stub_started - 1 - i;

		if (stub_parts[at].is_device == devices)
			stub_parts[at].stop(stub_parts[at].what);
	}
}

static void stub_stop(void)
{
	stub_stop_some(true);
	stub_stop_some(false);
	stub_started = 0;
}

static int stub_start(void)
{
	int result;

	for (; stub_started < ARRAY_SIZE(stub_parts); stub_started++) {
		result = stub_parts[stub_started].start(stub_parts[stub_started].what);
		if (result) {
			stub_stop();
			return result;
		}
	}
	return 0;
}

static void stub_start_late(struct work_struct *work)
{
	stub_start();
}
static DECLARE_DELAYED_WORK(stub_late, stub_start_late);

static int __init stub_init(void)
{
	stub_wait(STUB_INIT_MS);
	if (STUB_INIT_ERRNO)
		return -STUB_INIT_ERRNO;
	if (!STUB_LATE_MS)
		return stub_start();
	schedule_delayed_work(&stub_late, msecs_to_jiffies(STUB_LATE_MS));
	return 0;
}

static void __exit stub_exit(void)
{
	cancel_delayed_work_sync(&stub_late);
	stub_stop();
}

module_init(stub_init);
module_exit(stub_exit);
