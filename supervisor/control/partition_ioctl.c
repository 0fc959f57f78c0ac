// SPDX-License-Identifier: GPL-2.0
/* The ioctls of partition descriptors: lifecycle, definition, resizes, queries to the agent. */
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "agent/agent.h"
#include "control/internal.h"
#include "kernel/ficm.h"
#include "lifecycle/lifecycle.h"
#include "resize/resize.h"

#define RF_ASK_MS	2000	/* for an agent to answer a query */

static void rf_partition_built(struct rf_partition *partition)
{
	mutex_lock(&partition->lock);
	if (partition->building != RF_BUILDING_NOTHING)
		rf_subos_builder_done();
	partition->building = RF_BUILDING_NOTHING;
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
	if (!rf_caller_is_admin())
		rf_status_hide(arg);
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

static int rf_ioctl_policy(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_subos *subos = partition->subos;
	unsigned long flags;
	int rc = rf_policy_check(arg);

	if (rc)
		return rc;
	spin_lock_irqsave(&rf_state_lock, flags);
	if (rf_subos_phase(subos) == RF_PHASE_GONE) {
		rc = -ENOENT;
	} else {
		subos->policies = *(struct rf_policies *)arg;
		subos->restarts_left = subos->policies.restarts;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

static int rf_ioctl_define(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_subos *subos = partition->subos;
	struct rf_definition *args = arg;
	char *text = NULL;
	int rc = 0;

	if (args->length > RF_DEFINITION_MAX)
		return -E2BIG;
	if (args->length)
		text = vmemdup_user(u64_to_user_ptr(args->text), args->length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&rf_ledger_lock);
	if (rf_subos_phase(subos) == RF_PHASE_GONE) {
		rc = -ENOENT;
	} else {
		swap(subos->definition, text);
		subos->definition_length = args->length;
	}
	mutex_unlock(&rf_ledger_lock);
	kvfree(text);
	return rc;
}

static int rf_ioctl_definition(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_subos *subos = partition->subos;
	struct rf_definition *args = arg;
	u32 room = args->length;
	void *text;
	int rc = 0;

	text = kvmalloc(RF_DEFINITION_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	mutex_lock(&rf_ledger_lock);
	if (rf_subos_phase(subos) == RF_PHASE_GONE)
		rc = -ENOENT;
	args->length = subos->definition ? subos->definition_length : 0;
	if (args->length)
		memcpy(text, subos->definition, args->length);
	mutex_unlock(&rf_ledger_lock);
	if (!rc && args->length > room)
		rc = -ENOSPC;
	if (!rc && copy_to_user(u64_to_user_ptr(args->text), text, args->length))
		rc = -EFAULT;
	kvfree(text);
	return rc;
}

/* Fields that op does not use must be 0; nr_cpus of a memory op never had to be. */
static int rf_resize_check(const struct rf_resize *resize)
{
	bool pci = resize->op == RF_RESIZE_PCI_ADD || resize->op == RF_RESIZE_PCI_REMOVE;

	if (resize->op < RF_RESIZE_CORES_ADD || resize->op > RF_RESIZE_PCI_REMOVE ||
	    resize->nr_cpus > RF_CPUS_MAX || resize->flags & ~RF_SPLIT_SIBLINGS)
		return -EINVAL;
	if (resize->flags && (pci || resize->op == RF_RESIZE_MEMORY_ADD ||
			      resize->op == RF_RESIZE_MEMORY_REMOVE))
		return -EINVAL;
	if (pci ? !resize->nr_functions || resize->nr_functions > RF_FUNCTIONS_MAX ||
		  resize->nr_cpus
		: resize->nr_functions || resize->function_flags)
		return -EINVAL;
	return 0;
}

/* The list of units that are to change hands, to be freed with kfree(); NULL: none. */
static u32 *rf_resize_units(const struct rf_resize *resize)
{
	u64 from = resize->nr_functions ? resize->functions : resize->cpus;
	u32 count = resize->nr_functions ?: resize->nr_cpus;

	return count ? memdup_user(u64_to_user_ptr(from), count * sizeof(u32)) : NULL;
}

static int rf_ioctl_resize(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_resize *resize = arg;
	struct rf_subos *to = NULL;
	u32 *units;
	int rc;

	resize->cpus_done = resize->culprit = 0;
	resize->memory_done = 0;
	resize->available = U64_MAX;
	resize->error = 0;
	resize->functions_done = resize->culprit_function = resize->problem = 0;
	resize->drivers = 0;
	rc = rf_resize_check(resize);
	if (rc)
		return rc;
	if (resize->op == RF_RESIZE_MOVE || resize->op == RF_RESIZE_BORROW)
		to = rf_subos_of_fd(resize->to_fd);
	if (IS_ERR(to))
		return PTR_ERR(to);
	units = rf_resize_units(resize);
	if (IS_ERR(units)) {
		rc = PTR_ERR(units);
	} else {
		rc = rf_subos_resize(partition->subos, resize, units, to);
		kfree(units);
	}
	if (to)
		kobject_put(&to->kobj);
	return rc;
}

static int rf_ioctl_stop(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_stop_args *stop = arg;

	return rf_subos_stop(partition->subos, stop->flags);
}

static int rf_ioctl_reset(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_reset *reset = arg;
	int rc = -EBUSY;

	mutex_lock(&partition->lock);
	if (partition->building == RF_BUILDING_NOTHING)
		rc = rf_subos_reset(partition->subos, reset->flags);
	if (!rc)
		partition->building = RF_BUILDING_AGAIN;
	mutex_unlock(&partition->lock);
	return rc;
}

/* Send a query to the agent of a running subOS. */
static int rf_partition_ask(struct rf_subos *subos, struct rf_ask ask)
{
	int rc;

	if (rf_subos_phase(subos) == RF_PHASE_GONE)
		return -ENOENT;
	if (!rf_phase_adjustable(rf_subos_phase(subos)))
		return -EBUSY;
	ask.timeout_ms = RF_ASK_MS;
	rc = rf_supcon_ask(subos, &ask);
	return rc == -ENOTCONN ? -EOPNOTSUPP : rc;
}

static int rf_statistics_ask(struct rf_subos *subos, bool insist)
{
	return rf_partition_ask(subos, (struct rf_ask){ .op = RF_OP_STATISTICS, .insist = insist });
}

static int rf_ioctl_statistics(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_subos *subos = partition->subos;
	struct rf_endpoint *endpoint;
	struct rf_stats *stats = arg;
	char *c;
	int rc;

	if (stats->reserved)
		return -EINVAL;
	rc = rf_caller_is_admin() ? rf_statistics_ask(subos, false)
				  : rf_members_ask(subos, rf_statistics_ask);
	if (rc)
		return rc;
	down_read(&subos->memory_sem);	/* keeps its home segment in place */
	endpoint = subos->member ? rf_ficm_endpoint(subos->member) : NULL;
	if (endpoint)
		memcpy(&stats->inside, &endpoint->statistics, sizeof(stats->inside));
	up_read(&subos->memory_sem);
	stats->inside.release[sizeof(stats->inside.release) - 1] = '\0';
	for (c = stats->inside.release; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
	return endpoint ? 0 : -EPIPE;
}

static int rf_ioctl_window(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_window *window = arg;
	const struct rf_ask ask = {
		.op = RF_OP_WINDOW,
		.args = { window->rows, window->columns },
	};

	return rf_partition_ask(partition->subos, ask);
}

static int rf_ioctl_console(struct file *file, void *arg)
{
	struct rf_partition *partition = file->private_data;
	struct rf_console_open *console = arg;
	struct file *opened;

	if (console->reserved)
		return -EINVAL;
	if (rf_subos_phase(partition->subos) == RF_PHASE_GONE)
		return -ENOENT;
	console->fd = rf_console_fd(partition->subos, console->flags, &opened);
	if (console->fd < 0)
		return console->fd;
	fd_install(console->fd, opened);
	return 0;
}

static const struct rf_ioctl rf_partition_ioctls[] = {
	RF_IOCTL(RF_IOC_STATUS, rf_status, size, rf_ioctl_status),
	RF_IOCTL(RF_IOC_LOAD, rf_load, reserved, rf_ioctl_load),
	RF_IOCTL(RF_IOC_START, rf_start, boot_params, rf_ioctl_start),
	{ RF_IOC_PUBLISH, 0, 0, rf_ioctl_publish },
	RF_IOCTL(RF_IOC_DESTROY, rf_destroy, memory_returned, rf_ioctl_destroy),
	RF_IOCTL(RF_IOC_POLICY, rf_policies, reserved, rf_ioctl_policy),
	RF_IOCTL(RF_IOC_DEFINE, rf_definition, text, rf_ioctl_define),
	RF_IOCTL(RF_IOC_DEFINITION, rf_definition, text, rf_ioctl_definition),
	RF_IOCTL(RF_IOC_RESIZE, rf_resize, flags, rf_ioctl_resize),
	RF_IOCTL(RF_IOC_STOP, rf_stop_args, flags, rf_ioctl_stop),
	RF_IOCTL(RF_IOC_RESET, rf_reset, flags, rf_ioctl_reset),
	RF_IOCTL(RF_IOC_STATISTICS, rf_stats, inside.release, rf_ioctl_statistics),
	RF_IOCTL(RF_IOC_WINDOW, rf_window, columns, rf_ioctl_window),
	RF_IOCTL(RF_IOC_CONSOLE, rf_console_open, reserved, rf_ioctl_console),
};

/* Context: process. Return: as uapi/rainforest.h says of each. */
long rf_partition_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return rf_ioctl_dispatch(rf_partition_ioctls, ARRAY_SIZE(rf_partition_ioctls), file, cmd,
				 arg);
}
