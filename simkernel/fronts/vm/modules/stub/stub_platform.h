/* SPDX-License-Identifier: GPL-2.0 */
/* Platform drivers and devices of a stub. */
#ifndef STUB_PLATFORM_H
#define STUB_PLATFORM_H

#include <linux/err.h>
#include <linux/mod_devicetable.h>
#include <linux/platform_device.h>

#include "stub.h"

struct stub_platform_driver {
	struct stub_behaviour behaviour;
	struct platform_driver driver;
};

struct stub_platform_device {
	const char *name;
	int id;		/* a number, PLATFORM_DEVID_NONE or PLATFORM_DEVID_AUTO */
	struct platform_device *device;
};

static struct stub_platform_driver *stub_platform_driver_of(struct platform_device *device)
{
	return container_of(to_platform_driver(device->dev.driver),
			    struct stub_platform_driver, driver);
}

static __maybe_unused int stub_platform_probe(struct platform_device *device)
{
	struct stub_platform_driver *driver = stub_platform_driver_of(device);

	if (driver->behaviour.note)
		snprintf(stub_note_text, sizeof(stub_note_text), "probe %s",
			 dev_name(&device->dev));
	return stub_probe_result(&driver->behaviour);
}

static __maybe_unused void stub_platform_removed(struct platform_device *device)
{
	stub_note_remove(&stub_platform_driver_of(device)->behaviour, dev_name(&device->dev));
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define stub_platform_remove stub_platform_removed
#else
static __maybe_unused int stub_platform_remove(struct platform_device *device)
{
	stub_platform_removed(device);
	return 0;
}
#endif

static __maybe_unused int stub_platform_start(void *what)
{
	struct stub_platform_driver *driver = what;

	return platform_driver_register(&driver->driver);
}

static __maybe_unused void stub_platform_stop(void *what)
{
	struct stub_platform_driver *driver = what;

	platform_driver_unregister(&driver->driver);
}

static __maybe_unused int stub_device_start(void *what)
{
	struct stub_platform_device *it = what;

	it->device = platform_device_register_simple(it->name, it->id, NULL, 0);
	return PTR_ERR_OR_ZERO(it->device);
}

static __maybe_unused void stub_device_stop(void *what)
{
	struct stub_platform_device *it = what;

	platform_device_unregister(it->device);
}

/* The parts of a driver and of a device, for stub_parts[]. */
#define STUB_PLATFORM(driver) { stub_platform_start, stub_platform_stop, &(driver), false }
#define STUB_DEVICE(device) { stub_device_start, stub_device_stop, &(device), true }

#endif
