/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file /sys/kernel/<module>/cmd. Recorded programs write commands to it that plug and
 * unplug functions, in hexadecimal numbers:
 *
 *   add BUS SLOT FUNCTION VENDOR DEVICE SUBVENDOR SUBDEVICE CLASS FLAGS
 *   del BUS SLOT FUNCTION
 *
 * simpci runs them. The module is not linked with simpci, so that its dependencies are
 * those of the scenario.
 */
#ifndef STUB_CONTROL_H
#define STUB_CONTROL_H

#include <linux/bits.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "stub.h"

int simpci_command(const char *line);

enum {
	CONTROL_ACS = BIT(0), CONTROL_SRIOV = BIT(1), CONTROL_FLR = BIT(2),
	CONTROL_NO_EXPRESS = BIT(3), CONTROL_NO_MSI = BIT(4),
};

static struct kobject *stub_control_folder;

static int stub_control_call(const char *line)
{
	int (*command)(const char *line) = symbol_get(simpci_command);
	int result;

	if (!command)
		return -ENODEV;
	result = command(line);
	symbol_put(simpci_command);
	return result;
}

/* Replaces an existing function. */
static int stub_control_add(const unsigned int *n)
{
	unsigned int flags = n[8];
	char place[16], line[256], sriov[32] = "";
	int result;

	snprintf(place, sizeof(place), "0000:%02x:%02x.%x", n[0], n[1], n[2]);
	snprintf(line, sizeof(line), "del %s", place);
	result = stub_control_call(line);
	if (result && result != -ENOENT)
		return result;
	if (flags & CONTROL_SRIOV)
		snprintf(sriov, sizeof(sriov), " sriov=8,8,1,%x", n[4] + 1);
	snprintf(line, sizeof(line),
		 "add %s vendor=%x device=%x subvendor=%x subdevice=%x class=%x"
		 " express=%d acs=%d flr=%d msi=%d lost_with_bus=1%s",
		 place, n[3], n[4], n[5], n[6], n[7], !(flags & CONTROL_NO_EXPRESS),
		 !!(flags & CONTROL_ACS), !!(flags & CONTROL_FLR),
		 !(flags & (CONTROL_NO_MSI | CONTROL_NO_EXPRESS)), sriov);
	return stub_control_call(line);
}

static ssize_t stub_control_store(struct kobject *kobject, struct kobj_attribute *attribute,
				  const char *text, size_t length)
{
	unsigned int n[9];
	char line[32];
	int result = -EINVAL;

	if (sscanf(text, "add %x %x %x %x %x %x %x %x %x", &n[0], &n[1], &n[2], &n[3], &n[4],
		   &n[5], &n[6], &n[7], &n[8]) == 9) {
		result = stub_control_add(n);
	} else if (sscanf(text, "del %x %x %x", &n[0], &n[1], &n[2]) == 3) {
		snprintf(line, sizeof(line), "del 0000:%02x:%02x.%x", n[0], n[1], n[2]);
		result = stub_control_call(line);
	}
	return result ? result : length;
}

static struct kobj_attribute stub_control_cmd = __ATTR(cmd, 0200, NULL, stub_control_store);

static int stub_control_start(void *what)
{
	int result;

	stub_control_folder = kobject_create_and_add(KBUILD_MODNAME, kernel_kobj);
	if (!stub_control_folder)
		return -ENOMEM;
	result = sysfs_create_file(stub_control_folder, &stub_control_cmd.attr);
	if (result)
		kobject_put(stub_control_folder);
	return result;
}

static void stub_control_stop(void *what)
{
	kobject_put(stub_control_folder);
}

/* The part of the file, for stub_parts[]. */
#define STUB_CONTROL { stub_control_start, stub_control_stop, NULL, true }

#endif
