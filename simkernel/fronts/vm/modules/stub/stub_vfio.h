/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VFIO part of a stub's PCI driver: the kernel's vfio_pci_core, as in a variant driver
 * without additions.
 */
#ifndef STUB_VFIO_H
#define STUB_VFIO_H

#include <linux/err.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

static int stub_vfio_open(struct vfio_device *device)
{
	struct vfio_pci_core_device *core =
		container_of(device, struct vfio_pci_core_device, vdev);
	int result = vfio_pci_core_enable(core);

	if (!result)
		vfio_pci_core_finish_enable(core);
	return result;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define STUB_IOMMUFD								\
	.bind_iommufd = vfio_iommufd_physical_bind,				\
	.unbind_iommufd = vfio_iommufd_physical_unbind,				\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,			\
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define STUB_IOMMUFD								\
	.bind_iommufd = vfio_iommufd_physical_bind,				\
	.unbind_iommufd = vfio_iommufd_physical_unbind,				\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#else
#define STUB_IOMMUFD
#endif

/* Operations of a driver; its name becomes the driver_override of virtual functions. */
#define STUB_VFIO_OPERATIONS(text)						\
{										\
	.name = text,								\
	.init = vfio_pci_core_init_dev,						\
	.release = vfio_pci_core_release_dev,					\
	.open_device = stub_vfio_open,						\
	.close_device = vfio_pci_core_close_device,				\
	.ioctl = vfio_pci_core_ioctl,						\
	.device_feature = vfio_pci_core_ioctl_feature,				\
	.read = vfio_pci_core_read,						\
	.write = vfio_pci_core_write,						\
	.mmap = vfio_pci_core_mmap,						\
	.request = vfio_pci_core_request,					\
	.match = vfio_pci_core_match,						\
	STUB_IOMMUFD								\
}

static int stub_vfio_start(struct pci_dev *device, const struct vfio_device_ops *vfio)
{
	struct vfio_pci_core_device *core =
		vfio_alloc_device(vfio_pci_core_device, vdev, &device->dev, vfio);
	int result;

	if (IS_ERR(core))
		return PTR_ERR(core);
	dev_set_drvdata(&device->dev, core);
	result = vfio_pci_core_register_device(core);
	if (result)
		vfio_put_device(&core->vdev);
	return result;
}

static void stub_vfio_stop(struct pci_dev *device)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&device->dev);

	vfio_pci_core_unregister_device(core);
	vfio_put_device(&core->vdev);
}

static __maybe_unused int stub_vfio_sriov(struct pci_dev *device, int count)
{
	return vfio_pci_core_sriov_configure(dev_get_drvdata(&device->dev), count);
}

#endif
