// SPDX-License-Identifier: GPL-2.0
/*
 * Wraps the configuration accessors of the buses, and makes existing devices show other
 * ids ("pose").
 *
 * All existing buses are wrapped. A bus created later inherits the accessors of the bus
 * above it.
 */
#include <linux/slab.h>
#include <linux/xarray.h>

#include "simpci.h"

/* Words of a configuration space whose value replaces the device's. */
struct pose {
	struct {
		int where;
		u32 mask, value;
	} words[3];
	struct rcu_head rcu;
};

static DEFINE_XARRAY(poses);
static struct pci_ops *original;

static unsigned long place_of(struct pci_bus *bus, unsigned int devfn)
{
	return simpci_place(pci_domain_nr(bus), bus->number << 8 | devfn);
}

/* Replace bits of the value read from the device. */
static void overlay(const struct pose *pose, int where, int size, u32 *value)
{
	int i, shift = 8 * (where % 4);

	for (i = 0; i < ARRAY_SIZE(pose->words); i++) {
		if (pose->words[i].where != (where & ~3))
			continue;
		*value = (*value & ~(pose->words[i].mask >> shift)) |
			 pose->words[i].value >> shift;
		*value &= ~0U >> (32 - 8 * size);
	}
}

static int read_config(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	struct simpci_function *function;
	struct pose *pose;
	int result;

	rcu_read_lock();
	function = simpci_find(place_of(bus, devfn));
	if (function) {
		result = simpci_config_read(function, where, size, value);
	} else {
		result = original->read(bus, devfn, where, size, value);
		pose = xa_load(&poses, place_of(bus, devfn));
		if (pose && !result)
			overlay(pose, where, size, value);
	}
	rcu_read_unlock();
	return result;
}

static int write_config(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct simpci_function *function;
	int result;

	rcu_read_lock();
	function = simpci_find(place_of(bus, devfn));
	if (function)
		result = simpci_config_write(function, where, size, value);
	else
		result = original->write(bus, devfn, where, size, value);
	rcu_read_unlock();
	return result;
}

static struct pci_ops wrapper = { .read = read_config, .write = write_config };

bool simpci_is_wrapped(struct pci_bus *bus)
{
	return bus->ops == &wrapper;
}

/* Change the accessors of a bus and of all below it, where they are ``from``. */
static void exchange(struct pci_bus *bus, struct pci_ops *from, struct pci_ops *to)
{
	struct pci_bus *child;

	if (bus->ops == from)
		pci_bus_set_ops(bus, to);
	list_for_each_entry(child, &bus->children, node)
		exchange(child, from, to);
}

/* Buses whose accessors differ from those of the first root bus are not wrapped. */
int simpci_wrap(void)
{
	struct pci_bus *root = NULL;

	pci_lock_rescan_remove();
	while ((root = pci_find_next_bus(root))) {
		if (!original)
			original = root->ops;
		exchange(root, original, &wrapper);
	}
	pci_unlock_rescan_remove();
	return original ? 0 : -ENODEV;
}

void simpci_unwrap(void)
{
	struct pci_bus *root = NULL;

	pci_lock_rescan_remove();
	while ((root = pci_find_next_bus(root)))
		exchange(root, &wrapper, original);
	pci_unlock_rescan_remove();
	/* A task may have been preempted inside a wrapped accessor. */
	synchronize_rcu_tasks();
}

/* Offset of the subsystem ids; bridges have a capability for them. */
static int subsystem_at(struct pci_dev *device)
{
	int at;

	if (device->hdr_type == PCI_HEADER_TYPE_NORMAL)
		return PCI_SUBSYSTEM_VENDOR_ID;
	at = pci_find_capability(device, PCI_CAP_ID_SSVID);
	return at ? at + PCI_SSVID_VENDOR_ID : 0;
}

static int fill(struct pose *pose, struct pci_dev *device, const struct simpci_settings *settings)
{
	unsigned int given = settings->given;
	u32 low = 0xffff, high = 0xffff0000;
	int subsystem = subsystem_at(device);

	if (!subsystem && given & (BIT(SIMPCI_SUBVENDOR) | BIT(SIMPCI_SUBDEVICE)))
		return -EOPNOTSUPP;
	pose->words[0].where = PCI_VENDOR_ID;
	pose->words[0].mask = (given & BIT(SIMPCI_VENDOR) ? low : 0) |
			      (given & BIT(SIMPCI_DEVICE) ? high : 0);
	pose->words[0].value = settings->vendor | settings->device << 16;
	pose->words[1].where = PCI_CLASS_REVISION;
	pose->words[1].mask = (given & BIT(SIMPCI_REVISION) ? 0xff : 0) |
			      (given & BIT(SIMPCI_CLASS) ? 0xffffff00 : 0);
	pose->words[1].value = settings->class << 8 | settings->revision;
	pose->words[2].where = subsystem;
	pose->words[2].mask = (given & BIT(SIMPCI_SUBVENDOR) ? low : 0) |
			      (given & BIT(SIMPCI_SUBDEVICE) ? high : 0);
	pose->words[2].value = settings->subvendor | settings->subdevice << 16;
	return 0;
}

/* The kernel reads the new ids when it enumerates the device again. */
int simpci_pose(int domain, unsigned int rid, const struct simpci_settings *settings)
{
	unsigned long place = simpci_place(domain, rid);
	struct pci_dev *device = pci_get_domain_bus_and_slot(domain, rid >> 8, rid & 0xff);
	struct pose *pose;
	int result = -ENODEV;

	if (!device)
		return -ENODEV;
	pose = kzalloc(sizeof(*pose), GFP_KERNEL);
	if (!pose)
		result = -ENOMEM;
	else if (simpci_find(place))
		result = -EEXIST;
	else if (simpci_is_wrapped(device->bus))
		result = fill(pose, device, settings);
	if (!result)
		result = xa_insert(&poses, place, pose, GFP_KERNEL);
	if (result)
		kfree(pose);
	pci_dev_put(device);
	return result == -EBUSY ? -EEXIST : result;
}

/* Also remove the devices, so that the next rescan finds their real ids. */
void simpci_unpose_all(void)
{
	struct pci_dev *device;
	struct pose *pose;
	unsigned long place;

	pci_lock_rescan_remove();
	xa_for_each(&poses, place, pose) {
		device = pci_get_domain_bus_and_slot(place >> 16, place >> 8 & 0xff, place & 0xff);
		if (device)
			pci_stop_and_remove_bus_device(device);
		pci_dev_put(device);
		if (xa_cmpxchg(&poses, place, pose, NULL, GFP_KERNEL) == pose)
			kfree_rcu(pose, rcu);
	}
	pci_unlock_rescan_remove();
}
