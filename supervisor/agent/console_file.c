// SPDX-License-Identifier: GPL-2.0
/* Console descriptors: read() output from the log, write() input to the subOS. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "agent/internal.h"

#define RF_CONSOLE_CHUNK	1024	/* bytes copied from or to user space at a time */
#define RF_CONSOLE_ROOM_WAIT	msecs_to_jiffies(100)

struct rf_console_viewer {
	struct rf_subos *subos;		/* with a reference */
	bool writer;
	struct mutex lock;		/* of the rest: one read or write at a time */
	u64 position;			/* in the log */
	u8 chunk[RF_CONSOLE_CHUNK];
};

/* Copy the next part of the log to the viewer's chunk. Return: bytes. */
static u32 rf_viewer_copy(struct rf_console_viewer *viewer, size_t room)
{
	struct rf_console_log *log = viewer->subos->console;
	u32 length;

	mutex_lock(&log->lock);
	viewer->position = max(viewer->position, rf_log_oldest(log));
	length = min_t(u64, log->head - viewer->position, min_t(size_t, room, RF_CONSOLE_CHUNK));
	rf_bytes_get(log->bytes, RF_SCROLLBACK, viewer->position, viewer->chunk, length);
	mutex_unlock(&log->lock);
	return length;
}

static bool rf_viewer_readable(struct rf_console_viewer *viewer)
{
	struct rf_console_log *log = viewer->subos->console;

	return READ_ONCE(log->head) != READ_ONCE(viewer->position) || READ_ONCE(log->ended);
}

static ssize_t rf_viewer_read_some(struct rf_console_viewer *viewer, char __user *buf, size_t len)
{
	ssize_t done = 0;
	u32 length;

	if (mutex_lock_interruptible(&viewer->lock))
		return -ERESTARTSYS;
	while (done < len) {
		length = rf_viewer_copy(viewer, len - done);
		if (!length)
			break;
		if (copy_to_user(buf + done, viewer->chunk, length)) {
			done = done ?: -EFAULT;
			break;
		}
		WRITE_ONCE(viewer->position, viewer->position + length);
		done += length;
	}
	mutex_unlock(&viewer->lock);
	return done;
}

static ssize_t rf_console_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	ssize_t done;

	len = min_t(size_t, len, RF_SCROLLBACK);
	if (!len)
		return 0;
	for (;;) {
		bool ended = READ_ONCE(log->ended);	/* nothing is added after that */

		done = rf_viewer_read_some(viewer, buf, len);
		if (done || ended)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(log->wait, rf_viewer_readable(viewer)))
			return -ERESTARTSYS;
	}
}

/* Can input still be read by a kernel in the subOS? */
static bool rf_viewer_alive(struct rf_console_viewer *viewer)
{
	return rf_phase_live(rf_subos_phase(viewer->subos)) &&
	       !READ_ONCE(viewer->subos->console->ended);
}

/* Put the viewer's chunk into the input ring. Return: bytes; -EAGAIN if full; -EPIPE. */
static ssize_t rf_viewer_type(struct rf_console_viewer *viewer, u32 length)
{
	struct rf_console_log *log = viewer->subos->console;
	ssize_t done = -EPIPE;

	mutex_lock(&log->lock);
	if (!log->ring || !rf_viewer_alive(viewer))
		goto unlock;
	done = rf_byte_ring_put(&log->in, viewer->chunk, length);
	if (!done) {
		WRITE_ONCE(log->input_full, true);
		done = -EAGAIN;
		goto unlock;
	}
	/*
	 * Pairs with the delivery of the doorbell's interrupt: rf_get_chars() (subos/console.c),
	 * which the interrupt triggers, must see our head.
	 */
	smp_mb();
	rf_doorbell_ring(viewer->subos->member, RF_DOORBELL_CONSOLE);
unlock:
	mutex_unlock(&log->lock);
	return done;
}

static ssize_t rf_viewer_write_some(struct rf_console_viewer *viewer, const char __user *buf,
				    size_t len)
{
	ssize_t done;

	if (mutex_lock_interruptible(&viewer->lock))
		return -ERESTARTSYS;
	len = min_t(size_t, len, RF_CONSOLE_CHUNK);
	done = copy_from_user(viewer->chunk, buf, len) ? -EFAULT : rf_viewer_type(viewer, len);
	mutex_unlock(&viewer->lock);
	return done;
}

static ssize_t rf_console_write(struct file *file, const char __user *buf, size_t len,
				loff_t *pos)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	ssize_t done = 0;
	long rc;

	while (done < len) {
		rc = rf_viewer_write_some(viewer, buf + done, len - done);
		if (rc > 0) {
			done += rc;
			continue;
		}
		if (rc != -EAGAIN || done || (file->f_flags & O_NONBLOCK))
			return done ?: rc;
		/* The subOS may die without a wakeup: poll now and then. */
		rc = wait_event_interruptible_timeout(log->wait, !READ_ONCE(log->input_full),
						      RF_CONSOLE_ROOM_WAIT);
		if (rc < 0)
			return rc;
	}
	return done;
}

static __poll_t rf_console_ready(struct file *file, poll_table *table)
{
	struct rf_console_viewer *viewer = file->private_data;
	struct rf_console_log *log = viewer->subos->console;
	__poll_t events = 0;

	poll_wait(file, &log->wait, table);
	if (rf_viewer_readable(viewer))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(log->ended))
		events |= EPOLLHUP;
	if (!viewer->writer)
		return events;
	mutex_lock(&log->lock);
	if (!log->ring || !rf_viewer_alive(viewer) || rf_byte_ring_room(&log->in))
		events |= EPOLLOUT | EPOLLWRNORM;
	else
		WRITE_ONCE(log->input_full, true);
	mutex_unlock(&log->lock);
	return events;
}

static void rf_viewer_free(struct rf_console_viewer *viewer)
{
	struct rf_console_log *log = viewer->subos->console;

	mutex_lock(&log->lock);
	if (viewer->writer)
		log->writer = false;
	atomic_dec(&log->viewers);
	rf_log_drop(log);
	mutex_unlock(&log->lock);
	kobject_put(&viewer->subos->kobj);
	kfree(viewer);
}

static int rf_console_release(struct inode *inode, struct file *file)
{
	rf_viewer_free(file->private_data);
	return 0;
}

static const struct file_operations rf_console_fops = {
	.owner = THIS_MODULE,
	.read = rf_console_read,
	.write = rf_console_write,
	.poll = rf_console_ready,
	.release = rf_console_release,
	.llseek = noop_llseek,
};

/* A viewer as requested by @flags, or an error pointer. */
static struct rf_console_viewer *rf_viewer_new(struct rf_subos *subos, u32 flags)
{
	struct rf_console_log *log = subos->console;
	struct rf_console_viewer *viewer;
	int rc;

	if (!log)
		return ERR_PTR(-ENOENT);	/* its create failed before the console */
	viewer = kzalloc(sizeof(*viewer), GFP_KERNEL);
	if (!viewer)
		return ERR_PTR(-ENOMEM);
	viewer->subos = subos;
	viewer->writer = flags & RF_CONSOLE_WRITE;
	mutex_init(&viewer->lock);
	mutex_lock(&log->lock);
	if (log->gone || (viewer->writer && log->writer)) {
		rc = log->gone ? -ENOENT : -EBUSY;
		mutex_unlock(&log->lock);
		kfree(viewer);
		return ERR_PTR(rc);
	}
	log->writer |= viewer->writer;
	viewer->position = flags & RF_CONSOLE_LIVE ? log->head : rf_log_oldest(log);
	atomic_inc(&log->viewers);
	mutex_unlock(&log->lock);
	kobject_get(&subos->kobj);
	return viewer;
}

/**
 * rf_console_fd() - prepare a descriptor of a subOS's console
 * @subos: the subOS; the descriptor takes a reference of its own
 * @flags: RF_CONSOLE_*
 * @filp: the file to install
 *
 * Context: Process context.
 * Return: a reserved descriptor number for fd_install(), or a negative errno.
 */
int rf_console_fd(struct rf_subos *subos, u32 flags, struct file **filp)
{
	struct rf_console_viewer *viewer;
	int fd;

	if (flags & ~(RF_CONSOLE_WRITE | RF_CONSOLE_LIVE))
		return -EINVAL;
	viewer = rf_viewer_new(subos, flags);
	if (IS_ERR(viewer))
		return PTR_ERR(viewer);
	*filp = anon_inode_getfile("[rainforest console]", &rf_console_fops, viewer,
				   (viewer->writer ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (IS_ERR(*filp)) {
		rf_viewer_free(viewer);
		return PTR_ERR(*filp);
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(*filp);
	return fd;
}
