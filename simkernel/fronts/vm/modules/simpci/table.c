// SPDX-License-Identifier: GPL-2.0
/*
 * The table of synthetic functions.
 *
 * The accessors look up under RCU; table_mutex protects changes. A removed function may be
 * in use until a grace period has passed.
 */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "simpci.h"

static DEFINE_XARRAY(functions);
static DEFINE_MUTEX(table_mutex);
static unsigned int count;

struct simpci_function *simpci_find(unsigned long place)
{
	return xa_load(&functions, place);
}

static int insert(unsigned long place, struct simpci_function *function)
{
	int result = xa_insert(&functions, place, function, GFP_KERNEL);

	if (result)
		return result == -EBUSY ? -EEXIST : result;
	count++;
	return 0;
}

static void take_out(unsigned long place, struct simpci_function *function)
{
	if (xa_cmpxchg(&functions, place, function, NULL, GFP_KERNEL) == function)
		count--;
}

static unsigned long virtual_place(unsigned long place, struct simpci_function *physical,
				   u16 index)
{
	u16 first = physical->config[(physical->sriov + PCI_SRIOV_VF_OFFSET) / 4];
	u16 stride = physical->config[(physical->sriov + PCI_SRIOV_VF_OFFSET) / 4] >> 16;

	return place + first + (unsigned long)index * stride;
}

/* Remove a function, after its virtual functions. */
static void release(unsigned long place, struct simpci_function *function)
{
	u16 index;

	for (index = 0; function->virtuals && index < function->total_vfs; index++) {
		struct simpci_function *virtual = function->virtuals[index];

		if (!virtual)
			continue;
		take_out(virtual_place(place, function, index), virtual);
		kfree_rcu(virtual, rcu);
	}
	take_out(place, function);
	/* The accessors read the array, too: wait for them. */
	if (function->virtuals)
		synchronize_rcu();
	kvfree(function->virtuals);
	kfree_rcu(function, rcu);
}

static struct simpci_function *make(const struct simpci_settings *settings,
				    struct simpci_function *physical, u8 devfn, bool on_root)
{
	struct simpci_function *function = kzalloc(sizeof(*function), GFP_KERNEL);

	if (!function)
		return NULL;
	function->physical = physical;
	function->present = true;
	function->lost_with_bus = settings->lost_with_bus;
	function->total_vfs = settings->total_vfs;
	simpci_config_build(function, settings, devfn, on_root);
	return function;
}

/*
 * A virtual function has no own ids: the kernel reads them from the physical function's
 * capability. It always supports reset and has its own IOMMU group.
 */
static struct simpci_settings virtual_settings(const struct simpci_settings *settings)
{
	return (struct simpci_settings){
		.vendor = 0xffff,
		.device = 0xffff,
		.subvendor = settings->subvendor,
		.subdevice = settings->vf_subdevice,
		.class = settings->class,
		.revision = settings->revision,
		.express = true,
		.acs = true,
		.flr = true,
		.msi = settings->msi,
	};
}

static int add_virtuals(unsigned long place, struct simpci_function *physical,
			const struct simpci_settings *settings, bool on_root)
{
	struct simpci_settings own = virtual_settings(settings);
	u16 index;
	int result;

	physical->virtuals = kvcalloc(physical->total_vfs, sizeof(*physical->virtuals),
				      GFP_KERNEL);
	if (!physical->virtuals)
		return -ENOMEM;
	for (index = 0; index < physical->total_vfs; index++) {
		unsigned long where = virtual_place(place, physical, index);
		struct simpci_function *virtual = make(&own, physical, where & 0xff, on_root);

		if (!virtual)
			return -ENOMEM;
		virtual->index = index;
		result = insert(where, virtual);
		if (result) {
			kfree(virtual);
			return result;
		}
		physical->virtuals[index] = virtual;
	}
	return 0;
}

static int add_new(int domain, unsigned int rid, const struct simpci_settings *settings,
		   bool on_root)
{
	unsigned long place = simpci_place(domain, rid);
	struct simpci_function *function;
	int result;

	if (count + 1 + settings->total_vfs > SIMPCI_LIMIT)
		return -ENOSPC;
	function = make(settings, NULL, rid & 0xff, on_root);
	if (!function)
		return -ENOMEM;
	function->present = false;	/* until its virtual functions are inserted */
	result = insert(place, function);
	if (result) {
		kfree(function);
		return result;
	}
	if (settings->total_vfs)
		result = add_virtuals(place, function, settings, on_root);
	if (result) {
		release(place, function);
		return result;
	}
	WRITE_ONCE(function->present, true);
	return 0;
}

/* Replaces an unplugged function; an unplugged virtual function is plugged in again. */
int simpci_add(struct pci_bus *bus, u8 devfn, const struct simpci_settings *settings)
{
	int domain = pci_domain_nr(bus);
	unsigned int rid = bus->number << 8 | devfn;
	unsigned long place = simpci_place(domain, rid);
	struct simpci_function *old;
	int result;

	mutex_lock(&table_mutex);
	old = simpci_find(place);
	if (old && old->present) {
		result = -EEXIST;
	} else if (old && old->physical) {
		WRITE_ONCE(old->present, true);
		result = 0;
	} else {
		if (old)
			release(place, old);
		result = add_new(domain, rid, settings, pci_is_root_bus(bus));
	}
	mutex_unlock(&table_mutex);
	return result;
}

/* Unplug a function: it reads as all ones afterwards. */
int simpci_del(int domain, unsigned int rid)
{
	struct simpci_function *function;
	int result = -ENOENT;

	mutex_lock(&table_mutex);
	function = simpci_find(simpci_place(domain, rid));
	if (function && function->present) {
		WRITE_ONCE(function->present, false);
		result = 0;
	}
	mutex_unlock(&table_mutex);
	return result;
}

/* Remove the functions that are lost with their bus. */
void simpci_bus_lost(int domain, u8 bus)
{
	unsigned long first = simpci_place(domain, bus << 8);
	struct simpci_function *function;
	unsigned long place;

	mutex_lock(&table_mutex);
	xa_for_each_range(&functions, place, function, first, first + 0xff)
		if (!function->physical && function->lost_with_bus)
			release(place, function);
	mutex_unlock(&table_mutex);
}

/*
 * Remove a function from the kernel. A driver may leave virtual functions behind, even
 * when the physical function is removed. The last virtual function then has the last
 * reference to the physical one, so SR-IOV must be disabled before that is released.
 */
static void remove_device(unsigned long place, bool is_virtual)
{
	struct pci_dev *device = pci_get_domain_bus_and_slot(place >> 16, place >> 8 & 0xff,
							     place & 0xff);
	struct pci_dev *physical;

	if (!device)
		return;
	if (is_virtual) {
		physical = pci_dev_get(pci_physfn(device));
		pci_disable_sriov(physical);
		pci_dev_put(physical);
	} else {
		pci_stop_and_remove_bus_device(device);
	}
	pci_dev_put(device);
}

/* Remove all functions from the kernel, then from the table. */
void simpci_clear(void)
{
	struct simpci_function *function;
	unsigned long place;

	pci_lock_rescan_remove();
	xa_for_each(&functions, place, function)
		if (function->physical)
			remove_device(place, true);
	xa_for_each(&functions, place, function)
		if (!function->physical)
			remove_device(place, false);
	mutex_lock(&table_mutex);
	xa_for_each(&functions, place, function)
		if (!function->physical)
			release(place, function);
	mutex_unlock(&table_mutex);
	pci_unlock_rescan_remove();
}
