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
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat/hvc.h"
#include "kernel/byte_ring.h"
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

/* Guards our end of the output ring: printk and the tty write side by side. */
static DEFINE_RAW_SPINLOCK(rf_out_lock);
static struct rf_byte_ring rf_out;
static u32 rf_out_dropped;

static struct rf_byte_ring rf_in;	/* hvc calls get_chars under its own lock */

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
	u32 fits = rf_byte_ring_put(&rf_out, buf, count);

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

	/*
	 * Pairs with the barrier in the supervisor's rf_console_drain(): either we see that it
	 * waits, or it sees our head.
	 */
	smp_mb();
	if (READ_ONCE(rf_console->out_waiting))
		rf_doorbell_ring(RF_SUPERVISOR, RF_DOORBELL_CONSOLE);
	/* What was dropped is gone: hvc must not try again. */
	return count;
}

/*
 * Take up to @there bytes of input, and double each ^O: what comes through the arena is
 * typed to whoever reads the terminal, and never a command to the kernel.
 * Return: characters in @buf.
 */
static u32 rf_in_take(u32 there, rf_hvc_char *buf, u32 count)
{
	u32 taken = 0, used;

	for (used = 0; used < there && taken < count; used++) {
		u8 byte = rf_byte_ring_at(&rf_in, used);

		if (byte == RF_CONSOLE_SYSRQ) {
			if (count == 1)
				continue;	/* there will never be room for two */
			if (taken + 2 > count)
				break;
			buf[taken++] = byte;
		}
		buf[taken++] = byte;
	}
	rf_byte_ring_advance(&rf_in, used);
	return taken;
}

/* With interrupts off. */
static rf_hvc_result rf_get_chars(uint32_t vtermno, rf_hvc_char *buf, rf_hvc_count count)
{
	u32 there, taken;

	rf_byte_ring_used(&rf_in, &there);
	taken = rf_in_take(there, buf, count);
	/* Our head may have been overwritten. hvc looks for input now and then; so do we. */
	rf_byte_ring_restore_head(&rf_out);
	return taken;
}

static const struct hv_ops rf_console_ops = {
	.get_chars = rf_get_chars,
	.put_chars = rf_put_chars,
};

/* There is input. Hard interrupt: wakes hvc's thread, which also polls now and then. */
static void rf_console_rung(void *data)
{
	hvc_kick();
}

/* Begin where the supervisor is: nothing was printed, nothing typed. */
static void rf_rings_start(struct rf_console *console)
{
	rf_console = console;
	rf_byte_ring_attach(&rf_out, &console->out_head, &console->out_tail, console->out,
			    sizeof(console->out));
	rf_byte_ring_attach(&rf_in, &console->in_head, &console->in_tail, console->in,
			    sizeof(console->in));
	rf_out_dropped = 0;
	WRITE_ONCE(console->out_dropped, 0);
	rf_byte_ring_start_reader(&rf_in);
	rf_byte_ring_start_writer(&rf_out);
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
	rf_rings_start(home + RF_HOME_CONSOLE_OFF);
	rf_hvc = hvc_alloc(RF_CONSOLE_VTERM, 0, &rf_console_ops, RF_CONSOLE_OUTBUF);
	if (IS_ERR(rf_hvc)) {
		err = PTR_ERR(rf_hvc);
		rf_hvc = NULL;
		rf_refuse("cannot allocate the hvc console: error %d", err);
		return err;
	}
	rf_console_bell = rf_doorbell_create(RF_DOORBELL_CONSOLE, 0, "rf_console",
					     rf_console_rung, NULL);
	if (IS_ERR(rf_console_bell)) {
		err = PTR_ERR(rf_console_bell);
		rf_refuse("cannot create the doorbell of the console: error %d", err);
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
