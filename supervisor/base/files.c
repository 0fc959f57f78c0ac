// SPDX-License-Identifier: GPL-2.0
/* The state of a memory block can only be changed through a file: device_online() is not exported. */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "base/internal.h"

#define RF_WRITE_TRIES	20

static int rf_file_write_once(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t written;

	if (IS_ERR(file))
		return PTR_ERR(file);
	written = kernel_write(file, text, strlen(text), &pos);
	filp_close(file, NULL);
	return written < 0 ? written : 0;
}

/**
 * rf_file_write() - write a file
 * @path: absolute
 * @text: NUL-terminated
 *
 * While another task hotplugs, the kernel's files of cores and memory blocks ask for the system
 * call to be restarted: no one does that for us, and the mark which makes the return to user
 * space look for it would stay, with a worker for good, and end interruptible waits.
 *
 * Context: Process context of a task that has a root directory, may sleep, as hotplug does: until
 *	    those who hotplug already are done.
 * Return: 0 or a negative errno; -EBUSY others hotplugged all the time.
 */
int rf_file_write(const char *path, const char *text)
{
	int rc, tries;

	for (tries = 0; tries < RF_WRITE_TRIES; tries++) {
		rc = rf_file_write_once(path, text);
		if (rc != -ERESTARTNOINTR)
			return rc;
		spin_lock_irq(&current->sighand->siglock);
		recalc_sigpending();
		spin_unlock_irq(&current->sighand->siglock);
		/* Others who find the way barred there sleep for a while, and we come first. */
		rf_hotplug_pass();
	}
	return -EBUSY;
}
