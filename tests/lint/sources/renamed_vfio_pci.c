/* A driver whose name has nothing to do with that of the module. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
ANNOUNCED_DRIVER("acme-vfio");
