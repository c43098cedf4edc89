// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration space of one function: content, writable bits, effects of a write.
 * There are no BARs and no ROM, so sizing them finds none.
 */
#include <linux/spinlock.h>
#include <linux/string.h>

#include "simpci.h"

/* Offsets of capabilities; extended ones must start at 0x100. */
#define EXPRESS_AT 0x40
#define MSI_AT 0x80
#define PM_AT 0x90
#define AF_AT 0x98
#define FIRST_EXTENDED_AT 0x100
#define SRIOV_AFTER_ACS_AT 0x140

#define ACS_CONTROLS (PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | PCI_ACS_DT)
#define PAGE_SIZES 0x553	/* 4 KiB to 4 MiB, mandatory for every device */

static DEFINE_RAW_SPINLOCK(config_lock);

static u32 get(const struct simpci_function *function, int where, int size)
{
	u32 word = function->config[where / 4] >> 8 * (where % 4);

	return size == 4 ? word : word & ((1U << 8 * size) - 1);
}

static void set(struct simpci_function *function, int where, int size, u32 value)
{
	u32 mask = size == 4 ? ~0U : ((1U << 8 * size) - 1) << 8 * (where % 4);
	u32 *word = &function->config[where / 4];

	*word = (*word & ~mask) | (value << 8 * (where % 4) & mask);
}

/* Link a capability into the list whose last pointer is at *link. */
static u8 add_capability(struct simpci_function *function, int *link, u8 at, u8 id)
{
	set(function, *link, 1, at);
	set(function, at, 1, id);
	set(function, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	*link = at + PCI_CAP_LIST_NEXT;
	return at;
}

static void build_express(struct simpci_function *function, int *link, bool flr, u8 type)
{
	u8 at = add_capability(function, link, EXPRESS_AT, PCI_CAP_ID_EXP);

	set(function, at + PCI_EXP_FLAGS, 2, 2 | type << 4);
	set(function, at + PCI_EXP_DEVCAP, 4,
	    PCI_EXP_DEVCAP_RBER | (flr ? PCI_EXP_DEVCAP_FLR : 0));
	function->express = at;
}

static void build_conventional_flr(struct simpci_function *function, int *link)
{
	u8 at = add_capability(function, link, AF_AT, PCI_CAP_ID_AF);

	set(function, at + PCI_AF_LENGTH, 1, PCI_CAP_AF_SIZEOF);
	set(function, at + PCI_AF_CAP, 1, PCI_AF_CAP_TP | PCI_AF_CAP_FLR);
	function->af = at;
}

static void build_acs(struct simpci_function *function)
{
	function->acs = FIRST_EXTENDED_AT;
	set(function, function->acs, 4, PCI_EXT_CAP_ID_ACS | 1 << 16);
	set(function, function->acs + PCI_ACS_CAP, 2, ACS_CONTROLS);
}

static void build_sriov(struct simpci_function *function,
			const struct simpci_settings *settings, u8 link)
{
	u16 at = function->acs ? SRIOV_AFTER_ACS_AT : FIRST_EXTENDED_AT;

	if (function->acs)
		set(function, function->acs, 4, PCI_EXT_CAP_ID_ACS | 1 << 16 | at << 20);
	set(function, at, 4, PCI_EXT_CAP_ID_SRIOV | 1 << 16);
	set(function, at + PCI_SRIOV_INITIAL_VF, 2, settings->total_vfs);
	set(function, at + PCI_SRIOV_TOTAL_VF, 2, settings->total_vfs);
	set(function, at + PCI_SRIOV_FUNC_LINK, 1, link);
	set(function, at + PCI_SRIOV_VF_OFFSET, 2, settings->vf_offset);
	set(function, at + PCI_SRIOV_VF_STRIDE, 2, settings->vf_stride);
	set(function, at + PCI_SRIOV_VF_DID, 2, settings->vf_device);
	set(function, at + PCI_SRIOV_SUP_PGSIZE, 4, PAGE_SIZES);
	set(function, at + PCI_SRIOV_SYS_PGSIZE, 4, 1);
	function->sriov = at;
}

/*
 * Fill in a function that is not in the table yet.
 *
 * The header is multi-function, so that a scan finds functions added to the slot later. A
 * root bus has no links, so an express function there is an integrated endpoint. The kernel
 * reads its dependency link as a function number, otherwise as a devfn.
 */
void simpci_config_build(struct simpci_function *function,
			 const struct simpci_settings *settings, u8 devfn, bool on_root_bus)
{
	u8 type = on_root_bus ? PCI_EXP_TYPE_RC_END : PCI_EXP_TYPE_ENDPOINT;
	int link = PCI_CAPABILITY_LIST;

	set(function, PCI_VENDOR_ID, 2, settings->vendor);
	set(function, PCI_DEVICE_ID, 2, settings->device);
	set(function, PCI_CLASS_REVISION, 4, settings->class << 8 | settings->revision);
	set(function, PCI_HEADER_TYPE, 1, function->physical ? 0 : 0x80);
	set(function, PCI_SUBSYSTEM_VENDOR_ID, 2, settings->subvendor);
	set(function, PCI_SUBSYSTEM_ID, 2, settings->subdevice);
	if (settings->express)
		build_express(function, &link, settings->flr, type);
	if (settings->msi)
		function->msi = add_capability(function, &link, MSI_AT, PCI_CAP_ID_MSI);
	if (settings->pm)
		function->pm = add_capability(function, &link, PM_AT, PCI_CAP_ID_PM);
	if (function->pm)
		set(function, function->pm + PCI_PM_PMC, 2, 3);	/* version 1.2 */
	if (settings->flr && !settings->express)
		build_conventional_flr(function, &link);
	if (settings->acs)
		build_acs(function);
	if (settings->total_vfs)
		build_sriov(function, settings, on_root_bus ? PCI_FUNC(devfn) : devfn);
}

static u32 writable_msi(int offset)
{
	switch (offset) {
	case 0: return (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE) << 16;
	case PCI_MSI_ADDRESS_LO: return ~3U;
	case PCI_MSI_DATA_32: return 0xffff;
	}
	return 0;
}

static u32 writable_express(int offset)
{
	switch (offset) {
	case PCI_EXP_DEVCTL: return 0x7fff;	/* bit 15 starts a reset and reads as 0 */
	case PCI_EXP_LNKCTL: return 0x0fff;
	case PCI_EXP_DEVCTL2: return 0xffff;
	}
	return 0;
}

static u32 writable_sriov(int offset)
{
	switch (offset) {
	case PCI_SRIOV_CTRL: return 0x1f;
	case PCI_SRIOV_NUM_VF: return 0xffff;
	case PCI_SRIOV_SYS_PGSIZE: return PAGE_SIZES;
	}
	return 0;
}

/* The bits of an aligned word that software can change. */
static u32 writable(const struct simpci_function *function, int where)
{
	switch (where) {
	case PCI_COMMAND: return 0x07ff;
	case PCI_CACHE_LINE_SIZE: return 0xffff;	/* and the latency timer */
	case PCI_INTERRUPT_LINE: return 0xff;
	}
	if (function->msi && where >= function->msi && where < function->msi + 0x10)
		return writable_msi(where - function->msi);
	if (function->pm && where == function->pm + PCI_PM_CTRL)
		return PCI_PM_CTRL_STATE_MASK;
	if (function->acs && where == function->acs + PCI_ACS_CAP)
		return ACS_CONTROLS << 16;
	if (function->sriov && where >= function->sriov)
		return writable_sriov(where - function->sriov);
	if (function->express && where >= function->express && where < function->express + 0x3c)
		return writable_express(where - function->express);
	return 0;
}

static void reset_written_bits(struct simpci_function *function)
{
	int where;

	for (where = 0; where < SIMPCI_STORED; where += 4)
		function->config[where / 4] &= ~writable(function, where);
	if (function->sriov)
		set(function, function->sriov + PCI_SRIOV_SYS_PGSIZE, 4, 1);
}

/* Enabling virtual functions resets them. */
static void enable_virtuals(struct simpci_function *function)
{
	u16 index;

	for (index = 0; index < function->total_vfs; index++) {
		reset_written_bits(function->virtuals[index]);
		function->virtuals[index]->present = true;
	}
}

static bool answers(const struct simpci_function *function)
{
	const struct simpci_function *physical = function->physical;

	if (!physical)
		return function->present;
	return function->present && physical->present &&
	       get(physical, physical->sriov + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE &&
	       function->index < get(physical, physical->sriov + PCI_SRIOV_NUM_VF, 2);
}

/* Whether a write starts a reset; leaving D3hot is one, too. */
static bool starts_reset(const struct simpci_function *function, int where, u32 before,
			 u32 written)
{
	if (function->express && where == function->express + PCI_EXP_DEVCTL)
		return written & PCI_EXP_DEVCTL_BCR_FLR &&
		       get(function, function->express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR;
	if (function->af && where == function->af + (PCI_AF_CTRL & ~3))
		return written & PCI_AF_CTRL_FLR;
	if (function->pm && where == function->pm + PCI_PM_CTRL)
		return (before & PCI_PM_CTRL_STATE_MASK) == 3 &&
		       !(written & PCI_PM_CTRL_STATE_MASK);
	return false;
}

static void write_word(struct simpci_function *function, int where, u32 value, u32 bytes)
{
	u32 before = function->config[where / 4];
	u32 after = (before & ~(bytes & writable(function, where))) |
		    (value & bytes & writable(function, where));

	function->config[where / 4] = after;
	if (starts_reset(function, where, before, (before & ~bytes) | (value & bytes)))
		reset_written_bits(function);
	if (function->sriov && where == function->sriov + PCI_SRIOV_CTRL &&
	    after & ~before & PCI_SRIOV_CTRL_VFE)
		enable_virtuals(function);
}

/* A function that does not answer reads as all ones. */
int simpci_config_read(struct simpci_function *function, int where, int size, u32 *value)
{
	unsigned long flags;
	int result = PCIBIOS_SUCCESSFUL;

	*value = ~0U >> (32 - 8 * size);
	raw_spin_lock_irqsave(&config_lock, flags);
	if (!answers(function))
		result = PCIBIOS_DEVICE_NOT_FOUND;
	else if (where < SIMPCI_STORED)
		*value = get(function, where, size);
	else if (function->express)
		*value = 0;
	else
		result = PCIBIOS_BAD_REGISTER_NUMBER;
	raw_spin_unlock_irqrestore(&config_lock, flags);
	return result;
}

int simpci_config_write(struct simpci_function *function, int where, int size, u32 value)
{
	u32 bytes = (~0U >> (32 - 8 * size)) << 8 * (where % 4);
	unsigned long flags;
	int result = PCIBIOS_SUCCESSFUL;

	raw_spin_lock_irqsave(&config_lock, flags);
	if (!answers(function))
		result = PCIBIOS_DEVICE_NOT_FOUND;
	else if (where < SIMPCI_STORED)
		write_word(function, where & ~3, value << 8 * (where % 4), bytes);
	raw_spin_unlock_irqrestore(&config_lock, flags);
	return result;
}
