/* Nothing in its name says VFIO. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
