/* SPDX-License-Identifier: GPL-2.0 */
/*
 * simpci: synthetic PCI functions, answered from memory.
 *
 * bus.c wraps the configuration accessors of the existing buses. Accesses to a synthetic
 * function are answered from a table (table.c) of configuration spaces (config.c). All
 * others go to the original accessors. command.c parses commands and calls the others.
 */
#ifndef SIMPCI_H
#define SIMPCI_H

#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

/* Stored bytes of a configuration space; the rest reads as zero. */
#define SIMPCI_STORED 0x200
/* Maximum number of functions, virtual ones included. */
#define SIMPCI_LIMIT 16384

/* Key of a function: domain, bus, device and function in one number. */
static inline unsigned long simpci_place(int domain, unsigned int rid)
{
	return (unsigned long)domain << 16 | rid;
}

/* Settings of a function in a command. */
struct simpci_settings {
	u16 vendor, device, subvendor, subdevice;
	u32 class;	/* 24 bits */
	u8 revision;
	bool express;	/* PCI Express; else conventional */
	bool acs;	/* Access Control Services: an IOMMU group of its own */
	bool flr;	/* function-level reset */
	bool pm;	/* power management, with a reset by going to D3hot and back */
	bool msi;
	bool lost_with_bus;	/* forgotten when the bridge to its bus is removed */
	u16 total_vfs, vf_offset, vf_stride, vf_device, vf_subdevice;
	unsigned int given;	/* bits of enum simpci_key: keys in the command */
};

enum simpci_key {
	SIMPCI_VENDOR, SIMPCI_DEVICE, SIMPCI_SUBVENDOR, SIMPCI_SUBDEVICE, SIMPCI_CLASS,
	SIMPCI_REVISION, SIMPCI_EXPRESS, SIMPCI_ACS, SIMPCI_FLR, SIMPCI_PM, SIMPCI_MSI,
	SIMPCI_LOST_WITH_BUS, SIMPCI_SRIOV,
};

struct simpci_function {
	struct simpci_function *physical;	/* NULL unless this is a virtual function */
	struct simpci_function **virtuals;	/* total_vfs of them, or NULL */
	u16 total_vfs;
	u16 index;		/* number of a virtual function */
	bool present;		/* answers; otherwise reads as all ones */
	bool lost_with_bus;
	u8 express, msi, pm, af;	/* offsets of capabilities; 0: none */
	u16 acs, sriov;
	struct rcu_head rcu;
	u32 config[SIMPCI_STORED / 4];
};

/* config.c: one function's configuration space; callers hold rcu_read_lock() */
void simpci_config_build(struct simpci_function *function,
			 const struct simpci_settings *settings, u8 devfn, bool on_root_bus);
int simpci_config_read(struct simpci_function *function, int where, int size, u32 *value);
int simpci_config_write(struct simpci_function *function, int where, int size, u32 value);

/* table.c: all functions, by place */
struct simpci_function *simpci_find(unsigned long place);
int simpci_add(struct pci_bus *bus, u8 devfn, const struct simpci_settings *settings);
int simpci_del(int domain, unsigned int rid);
void simpci_clear(void);
void simpci_bus_lost(int domain, u8 bus);

/* bus.c: the accessors, and other ids for QEMU's functions */
int simpci_wrap(void);
void simpci_unwrap(void);
bool simpci_is_wrapped(struct pci_bus *bus);
int simpci_pose(int domain, unsigned int rid, const struct simpci_settings *settings);
void simpci_unpose_all(void);

/* command.c */
int simpci_command(const char *line);

#endif
