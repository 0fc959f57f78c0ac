// SPDX-License-Identifier: GPL-2.0
/*
 * Partition descriptors, as returned by CREATE and OPEN. The descriptor of the
 * builder owns the construction: closing it undoes what CREATE or RESET did.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "control/internal.h"
#include "lifecycle/lifecycle.h"

static const struct file_operations rf_partition_fops;

/* The subOS behind another partition descriptor, with a reference, or an error pointer. */
struct rf_subos *rf_subos_of_fd(int fd)
{
	struct rf_subos *subos = ERR_PTR(-EBADF);
	struct file *file = fget(fd);

	if (!file)
		return subos;
	if (file->f_op == &rf_partition_fops) {
		subos = ((struct rf_partition *)file->private_data)->subos;
		kobject_get(&subos->kobj);
	}
	fput(file);
	return subos;
}

static ssize_t rf_partition_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct rf_partition *partition = file->private_data;
	ssize_t got;

	if (!rf_may_read_memory(file))
		return -EPERM;
	got = len ? rf_subos_read(partition->subos, buf, len, *pos) : 0;
	if (got > 0)
		*pos += got;
	return got;
}

static __poll_t rf_partition_poll(struct file *file, poll_table *table)
{
	struct rf_partition *partition = file->private_data;
	struct rf_subos *subos = partition->subos;
	unsigned long flags;
	__poll_t events = 0;

	poll_wait(file, &subos->wait, table);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->generation != READ_ONCE(partition->seen))
		events |= EPOLLIN | EPOLLRDNORM;
	if (subos->life.phase == RF_PHASE_GONE)
		events |= EPOLLHUP;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return events;
}

static int rf_partition_release(struct inode *inode, struct file *file)
{
	struct rf_partition *partition = file->private_data;

	if (partition->building == RF_BUILDING_NEW)
		rf_subos_abandon(partition->subos);
	if (partition->building == RF_BUILDING_AGAIN)
		rf_subos_reset_undo(partition->subos);
	if (partition->building != RF_BUILDING_NOTHING)
		rf_subos_builder_done();
	kobject_put(&partition->subos->kobj);
	kfree(partition);
	return 0;
}

static const struct file_operations rf_partition_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = rf_partition_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read = rf_partition_read,
	.poll = rf_partition_poll,
	.release = rf_partition_release,
	.llseek = noop_llseek,
};

/**
 * rf_partition_fd() - prepare a descriptor of a subOS
 * @subos: the subOS; its reference goes to the descriptor on success
 * @builder: the subOS was just created, and the descriptor owns its construction
 * @filp: the file to install
 *
 * Context: Process context.
 * Return: a reserved descriptor number for fd_install(), or a negative errno.
 */
int rf_partition_fd(struct rf_subos *subos, bool builder, struct file **filp)
{
	struct rf_partition *partition;
	int fd, rc;

	partition = kzalloc(sizeof(*partition), GFP_KERNEL_ACCOUNT);
	if (!partition)
		return -ENOMEM;
	partition->subos = subos;
	partition->building = builder ? RF_BUILDING_NEW : RF_BUILDING_NOTHING;
	partition->seen = READ_ONCE(subos->generation);
	mutex_init(&partition->lock);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto free_partition;
	}
	*filp = anon_inode_getfile("[rainforest]", &rf_partition_fops, partition,
				   O_RDWR | O_CLOEXEC);
	if (IS_ERR(*filp)) {
		rc = PTR_ERR(*filp);
		goto put_fd;
	}
	(*filp)->f_mode |= FMODE_PREAD | FMODE_LSEEK;	/* an anonymous inode has neither */
	return fd;

put_fd:
	put_unused_fd(fd);
free_partition:
	kfree(partition);
	return rc;
}
