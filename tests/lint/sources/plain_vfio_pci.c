/* PCI_DEVICE where PCI_DRIVER_OVERRIDE_DEVICE_VFIO was meant. */
#include "driver.h"

static const struct pci_device_id table[] = {
	{ PCI_DEVICE(0x15b3, 0x101e) },
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
