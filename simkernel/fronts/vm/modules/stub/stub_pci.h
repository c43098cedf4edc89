/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI drivers of a stub. VFIO drivers register their devices through the kernel's
 * vfio_pci_core; their source defines STUB_VFIO.
 */
#ifndef STUB_PCI_H
#define STUB_PCI_H

#include <linux/pci.h>

#include "stub.h"

struct vfio_device_ops;

struct stub_pci_driver {
	struct stub_behaviour behaviour;
	struct pci_driver driver;
	bool sriov;
	int virtual_only;	/* errno for physical functions; 0: none */
	const struct vfio_device_ops *vfio;	/* NULL: not a VFIO driver */
};

#ifdef STUB_VFIO
#include "stub_vfio.h"
#else
static inline int stub_vfio_start(struct pci_dev *device, const struct vfio_device_ops *vfio)
{
	return -EOPNOTSUPP;
}

static inline void stub_vfio_stop(struct pci_dev *device)
{
}

static inline int stub_vfio_sriov(struct pci_dev *device, int count)
{
	return -EOPNOTSUPP;
}
#endif

static struct stub_pci_driver *stub_pci_driver_of(struct pci_dev *device)
{
	return container_of(to_pci_driver(device->dev.driver), struct stub_pci_driver, driver);
}

static int stub_pci_probe(struct pci_dev *device, const struct pci_device_id *id)
{
	struct stub_pci_driver *driver = stub_pci_driver_of(device);
	int result;

	if (driver->behaviour.note)
		snprintf(stub_note_text, sizeof(stub_note_text),
			 "probe %s v=%x d=%x sv=%x sd=%x c=%x m=%x data=%lx", pci_name(device),
			 id->vendor, id->device, id->subvendor, id->subdevice, id->class,
			 id->class_mask, (unsigned long)id->driver_data);
	result = stub_probe_result(&driver->behaviour);
	if (!result && driver->virtual_only && !device->is_virtfn)
		result = -driver->virtual_only;
	if (result || !driver->vfio)
		return result;
	return stub_vfio_start(device, driver->vfio);
}

static void stub_pci_remove(struct pci_dev *device)
{
	struct stub_pci_driver *driver = stub_pci_driver_of(device);
	int (*keeps_vfs)(void) = driver->behaviour.keeps_vfs;

	stub_note_remove(&driver->behaviour, pci_name(device));
	if (driver->vfio)
		stub_vfio_stop(device);
	else if (driver->sriov && pci_num_vf(device) && !(keeps_vfs && keeps_vfs()))
		pci_disable_sriov(device);
}

static __maybe_unused int stub_pci_sriov(struct pci_dev *device, int count)
{
	struct stub_pci_driver *driver = stub_pci_driver_of(device);
	struct stub_behaviour *behaviour = &driver->behaviour;
	int result = behaviour->sriov_result ? behaviour->sriov_result() : 0;

	if (behaviour->sriov_enable && !behaviour->sriov_enable())
		return -ENOENT;
	if (result)
		return result;
	return driver->vfio ? stub_vfio_sriov(device, count) :
			      pci_sriov_configure_simple(device, count);
}

static int stub_pci_start(void *what)
{
	struct stub_pci_driver *driver = what;

	return pci_register_driver(&driver->driver);
}

static void stub_pci_stop(void *what)
{
	struct stub_pci_driver *driver = what;

	pci_unregister_driver(&driver->driver);
}

/* The part of a driver, for stub_parts[]. */
#define STUB_PCI(driver) { stub_pci_start, stub_pci_stop, &(driver), false }

#endif
