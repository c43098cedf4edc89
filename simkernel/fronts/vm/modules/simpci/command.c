// SPDX-License-Identifier: GPL-2.0
/*
 * Commands, one per line. ADDRESS is DOMAIN:BUS:DEVICE.FUNCTION in hexadecimal digits,
 * such as 0000:3b:00.0.
 *
 *   add ADDRESS KEY=VALUE...   plug a function in; the next rescan finds it
 *   del ADDRESS                unplug it; it reads as all ones afterwards
 *   pose ADDRESS KEY=VALUE...  give an existing device other ids for its next enumeration
 *   clear                      remove all functions and all posing devices; the next
 *                              rescan finds the real devices
 *
 * Keys: vendor device subvendor subdevice class revision (hexadecimal, without 0x);
 * express acs flr pm msi lost_with_bus (0 or 1);
 * sriov=TOTAL,OFFSET,STRIDE,DEVICE[,SUBDEVICE] (three decimal numbers, two hexadecimal).
 * ``pose`` accepts the keys of the first line. Defaults: express 1, msi the same as
 * express, all others 0.
 *
 * Errors: EINVAL, unknown command or key, or invalid value; ENODEV, no such bus, or no
 * such device for ``pose``; ENOENT, no function to unplug; EEXIST, the function exists;
 * EOPNOTSUPP, the bus has other accessors, or a bridge cannot show subsystem ids; ENOSPC,
 * too many functions.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "simpci.h"

static const char * const key_names[] = {
	[SIMPCI_VENDOR] = "vendor", [SIMPCI_DEVICE] = "device",
	[SIMPCI_SUBVENDOR] = "subvendor", [SIMPCI_SUBDEVICE] = "subdevice",
	[SIMPCI_CLASS] = "class", [SIMPCI_REVISION] = "revision",
	[SIMPCI_EXPRESS] = "express", [SIMPCI_ACS] = "acs", [SIMPCI_FLR] = "flr",
	[SIMPCI_PM] = "pm", [SIMPCI_MSI] = "msi",
	[SIMPCI_LOST_WITH_BUS] = "lost_with_bus", [SIMPCI_SRIOV] = "sriov",
};

#define IDENTITY (BIT(SIMPCI_REVISION + 1) - 1)	/* keys up to revision */

static int parse_class(const char *text, u32 *class)
{
	return kstrtou32(text, 16, class) || *class > 0xffffff ? -EINVAL : 0;
}

static int parse_sriov(char *text, struct simpci_settings *settings)
{
	const char *total = strsep(&text, ","), *offset = strsep(&text, ",");
	const char *stride = strsep(&text, ","), *device = strsep(&text, ",");

	if (!device || kstrtou16(total, 10, &settings->total_vfs) ||
	    kstrtou16(offset, 10, &settings->vf_offset) ||
	    kstrtou16(stride, 10, &settings->vf_stride) ||
	    kstrtou16(device, 16, &settings->vf_device))
		return -EINVAL;
	settings->vf_subdevice = settings->subdevice;
	return text ? kstrtou16(text, 16, &settings->vf_subdevice) : 0;
}

static int parse_value(enum simpci_key key, char *text, struct simpci_settings *settings)
{
	switch (key) {
	case SIMPCI_VENDOR: return kstrtou16(text, 16, &settings->vendor);
	case SIMPCI_DEVICE: return kstrtou16(text, 16, &settings->device);
	case SIMPCI_SUBVENDOR: return kstrtou16(text, 16, &settings->subvendor);
	case SIMPCI_SUBDEVICE: return kstrtou16(text, 16, &settings->subdevice);
	case SIMPCI_CLASS: return parse_class(text, &settings->class);
	case SIMPCI_REVISION: return kstrtou8(text, 16, &settings->revision);
	case SIMPCI_EXPRESS: return kstrtobool(text, &settings->express);
	case SIMPCI_ACS: return kstrtobool(text, &settings->acs);
	case SIMPCI_FLR: return kstrtobool(text, &settings->flr);
	case SIMPCI_PM: return kstrtobool(text, &settings->pm);
	case SIMPCI_MSI: return kstrtobool(text, &settings->msi);
	case SIMPCI_LOST_WITH_BUS: return kstrtobool(text, &settings->lost_with_bus);
	case SIMPCI_SRIOV: return parse_sriov(text, settings);
	}
	return -EINVAL;
}

/* One KEY=VALUE; each key once. */
static int parse_setting(char *text, struct simpci_settings *settings)
{
	char *name = strsep(&text, "=");
	int key = match_string(key_names, ARRAY_SIZE(key_names), name);

	if (key < 0 || !text || settings->given & BIT(key) ||
	    parse_value(key, text, settings))
		return -EINVAL;
	settings->given |= BIT(key);
	return 0;
}

static int parse_settings(char *text, struct simpci_settings *settings)
{
	char *word;

	*settings = (struct simpci_settings){ .express = true };
	while ((word = strsep(&text, " \t")))
		if (*word && parse_setting(word, settings))
			return -EINVAL;
	if (!(settings->given & BIT(SIMPCI_MSI)))
		settings->msi = settings->express;
	return 0;
}

static int parse_address(const char *text, int *domain, unsigned int *rid)
{
	unsigned int bus, device, function;
	char same[sizeof("00000000:00:00.0")];

	if (!text || sscanf(text, "%x:%x:%x.%x", domain, &bus, &device, &function) != 4 ||
	    *domain < 0 || bus > 0xff || device > 0x1f || function > 7)
		return -EINVAL;
	snprintf(same, sizeof(same), "%04x:%02x:%02x.%x", *domain, bus, device, function);
	*rid = bus << 8 | PCI_DEVFN(device, function);
	return strcmp(same, text) ? -EINVAL : 0;
}

/* A scan takes some ids for an empty slot. */
static bool is_found_by_a_scan(const struct simpci_settings *settings)
{
	return (settings->vendor != 0xffff && settings->vendor) ||
	       (settings->vendor == 0 && settings->device != 0 && settings->device != 0xffff);
}

static bool has_room_for_virtuals(unsigned int rid, const struct simpci_settings *settings)
{
	unsigned int last = settings->total_vfs - 1;

	if (!(settings->given & BIT(SIMPCI_SRIOV)))
		return true;
	return settings->express && settings->total_vfs && settings->vf_offset &&
	       (settings->vf_stride || !last) &&
	       (u64)rid + settings->vf_offset + (u64)last * settings->vf_stride <= 0xffff;
}

static int add(int domain, unsigned int rid, struct simpci_settings *settings)
{
	struct pci_bus *bus = pci_find_bus(domain, rid >> 8);

	if (!is_found_by_a_scan(settings) || !has_room_for_virtuals(rid, settings) ||
	    (settings->acs && !settings->express))
		return -EINVAL;
	if (!bus)
		return -ENODEV;
	if (!simpci_is_wrapped(bus))
		return -EOPNOTSUPP;
	return simpci_add(bus, rid & 0xff, settings);
}

static int run(char *line)
{
	struct simpci_settings settings;
	char *verb, *address;
	unsigned int rid;
	int domain;

	line = strim(line);
	verb = strsep(&line, " ");
	if (!strcmp(verb, "clear") && !line) {
		simpci_clear();
		simpci_unpose_all();
		return 0;
	}
	address = strsep(&line, " ");
	if (parse_address(address, &domain, &rid) || parse_settings(line, &settings))
		return -EINVAL;
	if (!strcmp(verb, "add"))
		return add(domain, rid, &settings);
	if (!strcmp(verb, "del") && !settings.given)
		return simpci_del(domain, rid);
	if (!strcmp(verb, "pose") && settings.given && !(settings.given & ~IDENTITY))
		return simpci_pose(domain, rid, &settings);
	return -EINVAL;
}

/* Run a command; the line may end in a newline. Returns 0 or a negative errno. */
int simpci_command(const char *line)
{
	char *copy = kstrdup(line, GFP_KERNEL);
	int result;

	if (!copy)
		return -ENOMEM;
	result = run(copy);
	kfree(copy);
	return result;
}
EXPORT_SYMBOL_GPL(simpci_command);
