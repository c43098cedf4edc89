/* Vendor and device in one number. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x15b3101e),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
