/* MODULE_DEVICE_TABLE was forgotten. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
DRIVER(KBUILD_MODNAME);
