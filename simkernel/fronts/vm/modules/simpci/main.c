// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading, and the control file /sys/kernel/simpci/cmd.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "simpci.h"

static struct kobject *directory;

static ssize_t cmd_store(struct kobject *kobject, struct kobj_attribute *attribute,
			 const char *text, size_t length)
{
	int result;

	if (strlen(text) != length)
		return -EINVAL;
	result = simpci_command(text);
	return result ? result : length;
}

static struct kobj_attribute cmd = __ATTR(cmd, 0200, NULL, cmd_store);

/* A bridge is deleted after the devices behind it. */
static int on_bus_event(struct notifier_block *block, unsigned long event, void *data)
{
	struct pci_dev *device = to_pci_dev(data);
	u8 secondary;

	if (event != BUS_NOTIFY_DEL_DEVICE || !pci_is_bridge(device))
		return NOTIFY_DONE;
	pci_read_config_byte(device, PCI_SECONDARY_BUS, &secondary);
	simpci_bus_lost(pci_domain_nr(device->bus), secondary);
	return NOTIFY_OK;
}

static struct notifier_block bus_events = { .notifier_call = on_bus_event };

static int __init simpci_init(void)
{
	int result = simpci_wrap();

	if (result)
		return result;
	result = bus_register_notifier(&pci_bus_type, &bus_events);
	if (result)
		goto unwrap;
	directory = kobject_create_and_add("simpci", kernel_kobj);
	result = directory ? sysfs_create_file(directory, &cmd.attr) : -ENOMEM;
	if (!result)
		return 0;
	kobject_put(directory);
	bus_unregister_notifier(&pci_bus_type, &bus_events);
unwrap:
	simpci_unwrap();
	return result;
}

static void __exit simpci_exit(void)
{
	kobject_put(directory);	/* waits for a running command */
	simpci_clear();
	simpci_unpose_all();
	bus_unregister_notifier(&pci_bus_type, &bus_events);
	simpci_unwrap();
}

module_init(simpci_init);
module_exit(simpci_exit);
MODULE_DESCRIPTION("Synthetic PCI functions, answered from memory");
MODULE_LICENSE("GPL");
