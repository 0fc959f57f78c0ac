// SPDX-License-Identifier: GPL-2.0
/*
 * Partition descriptors: what CREATE and OPEN return. The descriptor of the
 * builder carries the unfinished partition: closing it undoes everything.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "supervisor.h"

struct rf_partition {
	struct rf_subos *subos;		/* with a reference */
	u32 seen;			/* generation at the last STATUS */
	struct mutex lock;		/* of builder */
	bool builder;			/* under construction, on this descriptor */
};

static void rf_partition_built(struct rf_partition *partition)
{
	mutex_lock(&partition->lock);
	if (partition->builder)
		rf_subos_builder_done();
	partition->builder = false;
	mutex_unlock(&partition->lock);
}

static int rf_ioctl_status(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	u32 generation;
	int rc;

	memset(arg, 0, sizeof(struct rf_status));
	rc = rf_subos_status(partition->subos, arg, &generation);
	if (!rc)
		WRITE_ONCE(partition->seen, generation);
	return rc;
}

static int rf_ioctl_load(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_load *load = arg;
	struct rf_segment *segments;
	int rc;

	if (!load->nr_segments || load->nr_segments > RF_SEGMENTS_MAX || load->reserved)
		return -EINVAL;
	segments = memdup_user(u64_to_user_ptr(load->segments),
			       load->nr_segments * sizeof(*segments));
	if (IS_ERR(segments))
		return PTR_ERR(segments);
	rc = rf_subos_load(partition->subos, segments, load->nr_segments, &load->culprit);
	kfree(segments);
	return rc;
}

static int rf_ioctl_start(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	int rc = rf_subos_start(partition->subos, arg);

	if (!rc)
		rf_partition_built(partition);
	return rc;
}

static int rf_ioctl_publish(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	int rc = rf_subos_publish(partition->subos);

	if (!rc)
		rf_partition_built(partition);
	return rc;
}

static int rf_ioctl_destroy(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_destroy *destroy = arg;
	int rc;

	if (destroy->flags)
		return -EINVAL;
	destroy->cpus_returned = destroy->culprit = 0;
	destroy->memory_returned = 0;
	rc = rf_subos_destroy(partition->subos, destroy);
	if (!rc)
		rf_partition_built(partition);
	return rc;
}

static const struct rf_ioctl rf_partition_ioctls[] = {
	{ RF_IOC_STATUS, sizeof(struct rf_status), sizeof(u32), rf_ioctl_status },
	{ RF_IOC_LOAD, sizeof(struct rf_load), sizeof(struct rf_load), rf_ioctl_load },
	{ RF_IOC_START, sizeof(struct rf_start), sizeof(struct rf_start), rf_ioctl_start },
	{ RF_IOC_PUBLISH, 0, 0, rf_ioctl_publish },
	{ RF_IOC_DESTROY, sizeof(struct rf_destroy), sizeof(struct rf_destroy),
	  rf_ioctl_destroy },
};

static long rf_partition_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return rf_ioctl_dispatch(rf_partition_ioctls, ARRAY_SIZE(rf_partition_ioctls), file, cmd,
				 arg);
}

static ssize_t rf_partition_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct rf_partition *partition = file->private_data;
	ssize_t got;

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
	if (subos->gone)
		events |= EPOLLHUP;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return events;
}

static int rf_partition_release(struct inode *inode, struct file *file)
{
	struct rf_partition *partition = file->private_data;
	struct rf_destroy unused = {};

	if (partition->builder) {
		rf_subos_destroy(partition->subos, &unused);
		rf_subos_builder_done();
	}
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
 * @builder: the descriptor carries the construction
 * @filp: the file to install
 *
 * Context: Process context.
 * Return: a reserved descriptor number for fd_install(), or a negative errno.
 */
int rf_partition_fd(struct rf_subos *subos, bool builder, struct file **filp)
{
	struct rf_partition *partition;
	int fd, rc;

	partition = kzalloc(sizeof(*partition), GFP_KERNEL);
	if (!partition)
		return -ENOMEM;
	partition->subos = subos;
	partition->builder = builder;
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
