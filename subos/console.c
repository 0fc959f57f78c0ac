// SPDX-License-Identifier: GPL-2.0
/*
 * The console: a backend of the kernel's hvc driver over the byte rings of
 * wire/console.h in the own home segment. It is the first hvc backend here, so it
 * becomes hvc0; with console=hvc0 on the command line the kernel then replays its
 * whole log into it.
 *
 * Nothing here waits for the supervisor: printk comes through with interrupts off,
 * and from a panic. What finds no room is dropped and counted.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat/hvc.h"
#include "kernel/ficm.h"
#include "rf_subos.h"
#include "wire/console.h"

#define RF_CONSOLE_VTERM	0
#define RF_CONSOLE_OUTBUF	256
/* ^O: hvc takes the character after it for a SysRq, but two of them for a single ^O. */
#define RF_CONSOLE_SYSRQ	0x0f
/* A holder copies some 100 bytes; longer than this only a stopped core holds it. */
#define RF_CONSOLE_SPINS	100000

static struct rf_console *rf_console;
static struct hvc_struct *rf_hvc;
static struct rf_doorbell *rf_console_bell;

/* Guards what is ours of the output ring: printk and the tty write side by side. */
static DEFINE_RAW_SPINLOCK(rf_out_lock);
static u32 rf_out_head;
static u32 rf_out_dropped;

static u32 rf_in_tail;			/* hvc calls get_chars under its own lock */

/* Copy into a ring of @size bytes (a power of 2) at position @head. */
static void rf_ring_fill(u8 *ring, u32 size, u32 head, const void *from, u32 count)
{
	u32 at = head & (size - 1);
	u32 first = min(count, size - at);

	memcpy(ring + at, from, first);
	memcpy(ring, from + first, count - first);
}

static bool rf_out_trylock(void)
{
	int i;

	for (i = 0; i < RF_CONSOLE_SPINS; i++) {
		if (raw_spin_trylock(&rf_out_lock))
			return true;
		cpu_relax();
	}
	return false;
}

/* All of it or as much as there is room for; the rest is dropped. */
static void rf_out_put(const void *buf, u32 count)
{
	u32 used = rf_out_head - READ_ONCE(rf_console->out_tail);
	/* If the tail makes no sense, the reader goes on where we are. */
	u32 room = used > RF_CONSOLE_OUT_SIZE ? RF_CONSOLE_OUT_SIZE : RF_CONSOLE_OUT_SIZE - used;
	u32 fits = min(count, room);

	rf_ring_fill(rf_console->out, RF_CONSOLE_OUT_SIZE, rf_out_head, buf, fits);
	rf_out_head += fits;
	/* Who sees the head sees the bytes. */
	smp_store_release(&rf_console->out_head, rf_out_head);
	if (fits < count) {
		rf_out_dropped += count - fits;
		WRITE_ONCE(rf_console->out_dropped, rf_out_dropped);
	}
}

static rf_hvc_result rf_put_chars(uint32_t vtermno, const rf_hvc_char *buf, rf_hvc_count count)
{
	unsigned long flags;
	bool locked;

	local_irq_save(flags);
	locked = rf_out_trylock();
	/* In an oops the holder may never come back: then better mixed than lost. */
	if (locked || oops_in_progress)
		rf_out_put(buf, count);
	if (locked)
		raw_spin_unlock(&rf_out_lock);
	local_irq_restore(flags);

	smp_mb();	/* first the bytes, then who waits for them */
	if (READ_ONCE(rf_console->out_waiting))
		rf_doorbell_ring(RF_SUPERVISOR, RF_DOORBELL_CONSOLE);
	/* What was dropped is gone: hvc must not try again. */
	return count;
}

/* Somebody may have overwritten our head. hvc looks for input now and then; so do we. */
static void rf_out_restore(void)
{
	if (READ_ONCE(rf_console->out_head) == READ_ONCE(rf_out_head) ||
	    !raw_spin_trylock(&rf_out_lock))
		return;
	smp_store_release(&rf_console->out_head, rf_out_head);
	raw_spin_unlock(&rf_out_lock);
}

/*
 * Take up to @there bytes of input, and double each ^O: what comes through the arena is
 * typed to whoever reads the terminal, and never a command to the kernel.
 * Return: characters in @buf.
 */
static u32 rf_in_take(u32 there, rf_hvc_char *buf, u32 count)
{
	u32 taken = 0;

	for (; there && taken < count; there--, rf_in_tail++) {
		u8 byte = READ_ONCE(rf_console->in[rf_in_tail & (RF_CONSOLE_IN_SIZE - 1)]);

		if (byte == RF_CONSOLE_SYSRQ) {
			if (count == 1)
				continue;	/* there will never be room for two */
			if (taken + 2 > count)
				break;
			buf[taken++] = byte;
		}
		buf[taken++] = byte;
	}
	return taken;
}

/* With interrupts off. */
static rf_hvc_result rf_get_chars(uint32_t vtermno, rf_hvc_char *buf, rf_hvc_count count)
{
	/* The bytes are read after the head that covers them. */
	u32 head = smp_load_acquire(&rf_console->in_head);
	u32 there = head - rf_in_tail;
	u32 taken;

	if (there > RF_CONSOLE_IN_SIZE) {
		/* The supervisor's word makes no sense: go on where it is. */
		rf_in_tail = head;
		there = 0;
	}
	taken = rf_in_take(there, buf, count);
	/* Who sees the tail may write over the bytes. */
	smp_store_release(&rf_console->in_tail, rf_in_tail);
	rf_out_restore();
	return taken;
}

static const struct hv_ops rf_console_ops = {
	.get_chars = rf_get_chars,
	.put_chars = rf_put_chars,
};

/* There is input. Hard interrupt; wakes hvc's thread, which also polls now and then. */
static void rf_console_rung(void *data)
{
	hvc_kick();
}

/**
 * rf_console_start() - put the console in place.
 *
 * Context: process context, may sleep. FICM joined.
 * Return: 0 or a negative error, with everything undone; the reason was reported.
 */
int rf_console_start(void)
{
	void *home = rf_ficm_segment(rf_ficm_self());
	int err;

	if (!home) {
		rf_refuse("no home segment for the console");
		return -ENXIO;
	}
	rf_console = home + RF_HOME_CONSOLE_OFF;
	/* Begin where the supervisor is: nothing was printed, nothing typed. */
	rf_out_head = READ_ONCE(rf_console->out_tail);
	rf_in_tail = READ_ONCE(rf_console->in_head);
	rf_out_dropped = 0;
	WRITE_ONCE(rf_console->out_dropped, 0);
	WRITE_ONCE(rf_console->in_tail, rf_in_tail);
	WRITE_ONCE(rf_console->out_head, rf_out_head);

	rf_hvc = hvc_alloc(RF_CONSOLE_VTERM, 0, &rf_console_ops, RF_CONSOLE_OUTBUF);
	if (IS_ERR(rf_hvc)) {
		err = PTR_ERR(rf_hvc);
		rf_hvc = NULL;
		rf_refuse("no hvc console possible: error %d", err);
		return err;
	}
	rf_console_bell = rf_doorbell_create(RF_DOORBELL_CONSOLE, 0, "rf_console",
					     rf_console_rung, NULL);
	if (IS_ERR(rf_console_bell)) {
		err = PTR_ERR(rf_console_bell);
		rf_refuse("no doorbell for the console possible: error %d", err);
		goto remove_hvc;
	}
	return 0;

remove_hvc:
	hvc_remove(rf_hvc);
	rf_hvc = NULL;
	return err;
}

/* Only on the way out of a failed init, when nobody can have opened it yet. */
void rf_console_stop(void)
{
	rf_doorbell_destroy(rf_console_bell);
	hvc_remove(rf_hvc);
	rf_hvc = NULL;
}

bool rf_console_there(void)
{
	return rf_hvc;
}

/* RF_OP_WINDOW. Context: process context. */
int rf_console_window(struct rf_request *request, const s64 *args, s64 *results)
{
	struct winsize window = { .ws_row = args[0], .ws_col = args[1] };

	if (!rf_hvc)
		return -EOPNOTSUPP;
	if (args[0] < 0 || args[0] > U16_MAX || args[1] < 0 || args[1] > U16_MAX)
		return -EINVAL;
	hvc_resize(rf_hvc, window);
	return 0;
}
