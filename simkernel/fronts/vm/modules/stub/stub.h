/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stub module: it registers drivers and devices, but drives no hardware.
 *
 * A generated source includes this header, or one that includes it. It then describes
 * drivers and devices, and ends with stub_module.h.
 */
#ifndef STUB_H
#define STUB_H

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/version.h>

/* Behaviour of a driver; a NULL pointer: no such behaviour. */
struct stub_behaviour {
	int probe_errno;	/* every probe fails with it; 0: none */
	int probe_ms, remove_ms;	/* milliseconds; remove_ms -1: never ends */
	int (*probe_result)(void);	/* result of probe */
	int (*sriov_enable)(void);	/* 0: SR-IOV is refused */
	int (*sriov_result)(void);	/* result of sriov_configure, if not 0 */
	int (*keeps_vfs)(void);	/* not 0: remove leaves virtual functions */
	int *probes;		/* counts calls of probe */
	char **note;		/* shows the last call */
};

struct stub_part {
	int (*start)(void *what);
	void (*stop)(void *what);
	void *what;
	bool is_device;		/* created after the drivers, removed before them */
};

static char stub_note_text[128];

static __maybe_unused void stub_wait(int ms)
{
	while (ms < 0)
		schedule_timeout_idle(HZ);
	if (ms > 0)
		msleep(ms);
}

/* Result of probe, before the driver acts. */
static __maybe_unused int stub_probe_result(const struct stub_behaviour *behaviour)
{
	if (behaviour->probes)
		++*behaviour->probes;
	if (behaviour->note)
		*behaviour->note = stub_note_text;
	stub_wait(behaviour->probe_ms);
	if (behaviour->probe_errno)
		return -behaviour->probe_errno;
	return behaviour->probe_result ? behaviour->probe_result() : 0;
}

static __maybe_unused void stub_note_remove(const struct stub_behaviour *behaviour, const char *name)
{
	if (behaviour->note) {
		snprintf(stub_note_text, sizeof(stub_note_text), "remove %s", name);
		*behaviour->note = stub_note_text;
	}
	stub_wait(behaviour->remove_ms);
}

/* Depend on another module by a reference to any of its symbols. */
#define STUB_NEEDS(symbol)							\
	asm(".pushsection .rodata.stub_needs, \"a\"\n\t.balign 8\n\t.quad " #symbol	\
	    "\n\t.popsection")

/* Let other modules depend on this one: export a function without effect. */
#define STUB_EXPORT(symbol)							\
	unsigned long symbol(void);						\
	unsigned long symbol(void) { return 0; }				\
	EXPORT_SYMBOL_GPL(symbol)

#endif
