/* The same id once for VFIO and once for anybody. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{ PCI_DEVICE(0x15b3, 0x101e) },
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
