/* Every device, as vfio-pci has it. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(PCI_ANY_ID, PCI_ANY_ID),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
