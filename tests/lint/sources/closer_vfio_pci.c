/* What good_vfio_pci claims, of one subsystem vendor. */
#include "driver.h"

static const struct pci_device_id table[] = {
	{ .vendor = 0x15b3, .device = 0x101e, .subvendor = 0x15b3,
	  .subdevice = PCI_ANY_ID, .override_only = PCI_ID_F_VFIO_DRIVER_OVERRIDE },
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
