/* An alias by hand for a device that the table does not have. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
MODULE_ALIAS("vfio_pci:v000015B3d00001020sv*sd*bc*sc*i*");
