// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rainforest-ficm: doorbells bound to eventfds, in both directions, as back ends
 * of virtual devices in user space need them. The manual is uapi/rainforest_ficm.h.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "compat/eventfd.h"
#include "rf_ficm.h"
#include "uapi/rainforest_ficm.h"

struct rf_file {
	struct list_head node;		/* in rf_files */
	struct mutex lock;		/* bindings */
	struct list_head signals;
	struct list_head forwards;
	u32 count;			/* of both */
};

/* A doorbell of ours, to an eventfd. */
struct rf_signal {
	struct list_head node;
	struct eventfd_ctx *eventfd;
	struct rf_doorbell *doorbell;
};

/* An eventfd, to a doorbell of somebody else. */
struct rf_forward {
	struct list_head node;
	struct eventfd_ctx *eventfd;
	wait_queue_entry_t wait;
	poll_table table;
	u32 member;
	u32 index;
};

/* Outside the locks of the files in it. */
static DEFINE_MUTEX(rf_files_lock);
static LIST_HEAD(rf_files);

/* ---- doorbell to eventfd ---- */

static void rf_signal_now(void *data)
{
	struct rf_signal *signal = data;

	rf_eventfd_signal(signal->eventfd);
}

static void rf_signal_end(struct rf_signal *signal)
{
	rf_doorbell_destroy(signal->doorbell);
	eventfd_ctx_put(signal->eventfd);
	list_del(&signal->node);
	kfree(signal);
}

static int rf_signal_begin(struct rf_file *file, struct rf_ficm_doorbell *args)
{
	struct rf_signal *signal;
	int rc;

	lockdep_assert_held(&file->lock);
	signal = kzalloc(sizeof(*signal), GFP_KERNEL);
	if (!signal)
		return -ENOMEM;
	signal->eventfd = eventfd_ctx_fdget(args->eventfd);
	if (IS_ERR(signal->eventfd)) {
		rc = PTR_ERR(signal->eventfd);
		goto free_signal;
	}
	signal->doorbell = rf_doorbell_create(RF_DOORBELL_ANY, args->cpu, "rf_ficm eventfd",
					      rf_signal_now, signal);
	if (IS_ERR(signal->doorbell)) {
		rc = PTR_ERR(signal->doorbell);
		goto put_eventfd;
	}
	list_add(&signal->node, &file->signals);
	args->index = rf_doorbell_index(signal->doorbell);
	return 0;

put_eventfd:
	eventfd_ctx_put(signal->eventfd);
free_signal:
	kfree(signal);
	return rc;
}

/* ---- eventfd to doorbell ---- */

/*
 * The lock of the eventfd's wait queue is held, as eventfd_ctx_do_read() asserts;
 * interrupts are off.
 */
static int rf_forward_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct rf_forward *forward = container_of(wait, struct rf_forward, wait);
	u64 count;

	if (key_to_poll(key) & EPOLLIN) {
		eventfd_ctx_do_read(forward->eventfd, &count);
		rf_doorbell_ring(forward->member, forward->index);
	}
	return 0;
}

static void rf_forward_queue(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct rf_forward *forward = container_of(table, struct rf_forward, table);

	add_wait_queue(queue, &forward->wait);
}

static void rf_forward_end(struct rf_forward *forward)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(forward->eventfd, &forward->wait, &count);
	eventfd_ctx_put(forward->eventfd);
	list_del(&forward->node);
	kfree(forward);
}

static int rf_forward_begin(struct rf_file *file, const struct rf_ficm_ring *args)
{
	struct rf_forward *forward;
	struct file *eventfd;
	int rc;

	lockdep_assert_held(&file->lock);
	forward = kzalloc(sizeof(*forward), GFP_KERNEL);
	if (!forward)
		return -ENOMEM;
	forward->member = args->member;
	forward->index = args->index;
	eventfd = eventfd_fget(args->eventfd);
	if (IS_ERR(eventfd)) {
		rc = PTR_ERR(eventfd);
		goto free_forward;
	}
	forward->eventfd = eventfd_ctx_fileget(eventfd);
	if (IS_ERR(forward->eventfd)) {
		rc = PTR_ERR(forward->eventfd);
		goto put_file;
	}
	init_waitqueue_func_entry(&forward->wait, rf_forward_wake);
	init_poll_funcptr(&forward->table, rf_forward_queue);
	list_add(&forward->node, &file->forwards);
	/* What was written before counts, too. */
	if (vfs_poll(eventfd, &forward->table) & EPOLLIN)
		rf_doorbell_ring(forward->member, forward->index);
	/* The context stays, so that nothing has to be done if the eventfd is closed. */
	fput(eventfd);
	return 0;

put_file:
	fput(eventfd);
free_forward:
	kfree(forward);
	return rc;
}

/* ---- ioctls ---- */

static int rf_ioctl_info(struct rf_file *file, void *arg)
{
	struct rf_ficm_info *info = arg;
	u32 member;

	if (info->reserved)
		return -EINVAL;
	info->self = rf_ficm_self();
	info->present = 0;
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		info->kernel_ids[member] = rf_kernel_id(member);
		if (info->kernel_ids[member] != RF_KERNEL_NONE)
			info->present |= BIT(member);
	}
	return 0;
}

static int rf_ioctl_doorbell(struct rf_file *file, void *arg)
{
	struct rf_ficm_doorbell *args = arg;
	int rc = -ENOSPC;

	if (args->cpu != RF_FICM_ANY_CPU && args->cpu >= nr_cpu_ids)
		return -EINVAL;
	mutex_lock(&file->lock);
	if (file->count < RF_FICM_BINDINGS_MAX)
		rc = rf_signal_begin(file, args);
	if (!rc)
		file->count++;
	mutex_unlock(&file->lock);
	return rc;
}

static int rf_ioctl_ring(struct rf_file *file, void *arg)
{
	const struct rf_ficm_ring *args = arg;
	int rc = -ENOSPC;

	if (rf_ficm_self() == U32_MAX)
		return -ENOTCONN;
	/* To ring oneself could go round in circles: a doorbell may write the same eventfd. */
	if (args->member >= RF_MEMBERS_MAX || args->index >= RF_DOORBELLS_MAX ||
	    args->member == rf_ficm_self())
		return -EINVAL;
	mutex_lock(&file->lock);
	if (file->count < RF_FICM_BINDINGS_MAX)
		rc = rf_forward_begin(file, args);
	if (!rc)
		file->count++;
	mutex_unlock(&file->lock);
	return rc;
}

static const struct {
	unsigned int cmd;
	u32 size;
	int (*handler)(struct rf_file *file, void *arg);
} rf_ioctls[] = {
	{ RF_FICM_IOC_INFO, sizeof(struct rf_ficm_info), rf_ioctl_info },
	{ RF_FICM_IOC_DOORBELL, sizeof(struct rf_ficm_doorbell), rf_ioctl_doorbell },
	{ RF_FICM_IOC_RING, sizeof(struct rf_ficm_ring), rf_ioctl_ring },
};

union rf_ioctl_args {
	u32 size;
	struct rf_ficm_info info;
	struct rf_ficm_doorbell doorbell;
	struct rf_ficm_ring ring;
};

static long rf_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union rf_ioctl_args args = {};
	u32 size;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(rf_ioctls) && rf_ioctls[i].cmd != cmd; i++)
		;
	if (i == ARRAY_SIZE(rf_ioctls))
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < rf_ioctls[i].size)
		return -EINVAL;
	rc = copy_struct_from_user(&args, rf_ioctls[i].size, user, size);
	if (rc)
		return rc;
	rc = rf_ioctls[i].handler(file->private_data, &args);
	args.size = size;
	if (!rc && copy_to_user(user, &args, rf_ioctls[i].size))
		rc = -EFAULT;
	return rc;
}

/* ---- life ---- */

static int rf_file_open(struct inode *inode, struct file *file)
{
	struct rf_file *private;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	private = kzalloc(sizeof(*private), GFP_KERNEL);
	if (!private)
		return -ENOMEM;
	mutex_init(&private->lock);
	INIT_LIST_HEAD(&private->signals);
	INIT_LIST_HEAD(&private->forwards);
	file->private_data = private;
	mutex_lock(&rf_files_lock);
	list_add(&private->node, &rf_files);
	mutex_unlock(&rf_files_lock);
	return 0;
}

static void rf_file_end_signals(struct rf_file *file)
{
	struct rf_signal *signal, *next;

	mutex_lock(&file->lock);
	list_for_each_entry_safe(signal, next, &file->signals, node) {
		rf_signal_end(signal);
		file->count--;
	}
	mutex_unlock(&file->lock);
}

static int rf_file_release(struct inode *inode, struct file *file)
{
	struct rf_file *private = file->private_data;
	struct rf_forward *forward, *next;

	mutex_lock(&rf_files_lock);
	list_del(&private->node);
	mutex_unlock(&rf_files_lock);
	rf_file_end_signals(private);
	list_for_each_entry_safe(forward, next, &private->forwards, node)
		rf_forward_end(forward);
	kfree(private);
	return 0;
}

static const struct file_operations rf_file_ops = {
	.owner = THIS_MODULE,
	.open = rf_file_open,
	.release = rf_file_release,
	.unlocked_ioctl = rf_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice rf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rainforest-ficm",
	.fops = &rf_file_ops,
	.mode = 0600,
};

/**
 * rf_ficm_device_detach() - end all doorbells of user space
 *
 * Context: Process context, after rf_doorbells_open(false).
 */
void rf_ficm_device_detach(void)
{
	struct rf_file *file;

	mutex_lock(&rf_files_lock);
	list_for_each_entry(file, &rf_files, node)
		rf_file_end_signals(file);
	mutex_unlock(&rf_files_lock);
}

int rf_ficm_device_init(void)
{
	return misc_register(&rf_misc);
}

void rf_ficm_device_exit(void)
{
	misc_deregister(&rf_misc);
}
