/* 101e, almost. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0xe101),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
