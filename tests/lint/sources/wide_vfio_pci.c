/* All devices of a vendor. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, PCI_ANY_ID),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
