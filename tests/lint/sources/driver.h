/* What every module here has but what it is about: a driver that uses vfio-pci-core. */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vfio_pci_core.h>

#define VARIANT(ven, dev) { PCI_DRIVER_OVERRIDE_DEVICE_VFIO(ven, dev) }

#ifdef WITHOUT_CORE
static int probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	return -ENODEV;
}
#else
static int probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	return vfio_pci_core_register_device(pci_get_drvdata(dev));
}
#endif

#define DRIVER(called) \
	static struct pci_driver variant = { \
		.name = called, \
		.id_table = table, \
		.probe = probe, \
		.driver_managed_dma = true, \
	}; \
	module_pci_driver(variant); \
	MODULE_LICENSE("GPL"); \
	MODULE_DESCRIPTION("for a test")

#define ANNOUNCED_DRIVER(called) \
	MODULE_DEVICE_TABLE(pci, table); \
	DRIVER(called)
