/* A mask that modpost cannot print. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{ .vendor = 0x15b3, .device = 0x1020, .subvendor = PCI_ANY_ID,
	  .subdevice = PCI_ANY_ID, .class = 0x020000, .class_mask = 0xfffff0,
	  .override_only = PCI_ID_F_VFIO_DRIVER_OVERRIDE },
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
