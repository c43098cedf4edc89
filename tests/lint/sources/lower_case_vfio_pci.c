/* An alias by hand, with digits in lower case. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
ANNOUNCED_DRIVER(KBUILD_MODNAME);
MODULE_ALIAS("vfio_pci:v000015b3d0000101esv*sd*bc*sc*i*");
