/* A module as far as lint looks at it, with the layouts of several kernels. */
typedef unsigned int u32;

struct pci_device_id {
	u32 vendor, device, subvendor, subdevice;
	u32 class, class_mask;
	unsigned long driver_data;
#ifndef BEFORE_5_16
	u32 override_only;
#endif
};

struct pci_driver {
#ifdef WITH_NODE
	void *node[2];
#endif
	const char *name;
	const struct pci_device_id *id_table;
	int (*probe)(void);
	char rest[200];
};

static const struct pci_device_id table[] = {
	{ .vendor = 0x15b3, .device = 0x101e, .subvendor = ~0u, .subdevice = ~0u },
	{ .vendor = 0x8086, .device = 0x1234, .subvendor = ~0u, .subdevice = ~0u,
	  .class = 0x020000, .class_mask = 0xffff00 },
	{}
};
TABLE_SYMBOL(table);

extern int vfio_pci_core_enable(void);

static struct pci_driver first __attribute__((used)) = {
	.name = "an-acme-driver", .id_table = table, .probe = vfio_pci_core_enable,
};
static struct pci_driver second __attribute__((used)) = {
	.name = "another", .id_table = table, .probe = vfio_pci_core_enable,
};
static const char info[] __attribute__((used, section(".modinfo"))) =
	"name=acme\0depends=vfio-pci-core\0license=GPL\0"
	"alias=pci:v000015B3d0000101Esv*sd*bc*sc*i*\0"
	"alias=pci:v00008086d00001234sv*sd*bc02sc00i*";
