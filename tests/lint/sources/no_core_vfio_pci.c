/* A VFIO driver by its aliases alone. */
#define WITHOUT_CORE
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
