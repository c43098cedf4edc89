/* It loads another module while it runs. */
#include "driver.h"

static const struct pci_device_id table[] = {
	VARIANT(0x15b3, 0x101e),
	{}
};
static int __used ask(void)
{
	return request_module("acme_core");
}
ANNOUNCED_DRIVER(KBUILD_MODNAME);
