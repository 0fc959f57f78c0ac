// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/rainforest: machine descriptors. This interface is documented in
 * uapi/rainforest.h.
 */
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include "control/control.h"
#include "control/internal.h"
#include "cores/cores.h"
#include "lifecycle/lifecycle.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "shared/shared.h"

struct rf_machine_file {
	u64 seen;			/* sequence number of the last event that was read */
};

static int rf_ioctl_info(struct file *file, void *arg)
{
	struct rf_info *info = arg;
	struct rf_memory_figures figures;
	struct rf_looker looker;
	struct rf_subos *subos;
	unsigned long flags;

	info->abi = RF_ABI_VERSION;
	strscpy(info->version, RF_VERSION, sizeof(info->version));
	info->apic_mode = RF_APIC_XAPIC_PHYSICAL;
	info->bsp_apic_id = per_cpu(x86_cpu_to_apicid, 0);
	info->tsc_khz = tsc_khz;
	info->smt_shift = rf_books.cores.smt_shift;
	info->memory_block_size = rf_block_size();
	info->locked_down = security_locked_down(LOCKDOWN_KEXEC) != 0;
	info->last_event = rf_events_last();

	if (rf_ledger_look(&looker))
		return -EINTR;
	rf_lowmem_figures(&info->low_slices, &info->low_slices_free);
	rf_ledger_memory_figures(&rf_books.memory, -1, &figures);
	info->arena = rf_arena_size();
	rf_ledger_look_end(&looker);
	info->pool_total = figures.total;
	info->pool_free = figures.free;
	info->pool_reserved = figures.reserved;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node)
		info->nr_subos++;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return 0;
}

static int rf_ioctl_memory(struct file *file, void *arg)
{
	struct rf_memory *memory = arg;
	struct rf_memory_figures figures;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rf_ledger_memory_figures(&rf_books.memory, memory->node, &figures);
	rf_blocks_figures(memory);
	memory->shared = rf_arena_need();
	memory->available = rf_pool_at_best(memory, 0);
	mutex_unlock(&rf_ledger_lock);
	memory->pool_free = figures.free;
	memory->largest_free = figures.largest;
	memory->available -= min(memory->available, memory->shared);
	return 0;
}

#define RF_LIST_MAX	64

static int rf_ioctl_list(struct file *file, void *arg)
{
	struct rf_list *list = arg;
	struct rf_subos *subos;
	unsigned long flags;
	char (*names)[RF_NAME_MAX];
	u32 capacity = min_t(u32, list->capacity, RF_LIST_MAX);
	int rc = 0;

	if (list->reserved)
		return -EINVAL;
	names = kcalloc(RF_LIST_MAX, RF_NAME_MAX, GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	list->count = 0;
	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (list->count < capacity)
			memcpy(names[list->count], subos->name, RF_NAME_MAX);
		list->count++;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (copy_to_user(u64_to_user_ptr(list->names), names,
			 min(capacity, list->count) * RF_NAME_MAX))
		rc = -EFAULT;
	kfree(names);
	return rc;
}

static int rf_ioctl_cores(struct file *file, void *arg)
{
	struct rf_cores *args = arg;
	u32 capacity = min_t(u32, args->capacity, nr_cpu_ids);
	struct rf_core *cores;
	int rc = 0;

	if (args->reserved)
		return -EINVAL;
	cores = kvcalloc(nr_cpu_ids, sizeof(*cores), GFP_KERNEL);
	if (!cores)
		return -ENOMEM;
	args->count = 0;
	rf_cores_list(cores, capacity, &args->count);
	if (copy_to_user(u64_to_user_ptr(args->cores), cores,
			 min(capacity, args->count) * sizeof(*cores)))
		rc = -EFAULT;
	kvfree(cores);
	return rc;
}

static int rf_ioctl_events(struct file *file, void *arg)
{
	struct rf_machine_file *machine = file->private_data;
	struct rf_events *events = arg;
	u64 after = events->after;
	int rc;

	rc = rf_events_read(events, !rf_caller_is_admin());
	if (!rc)
		WRITE_ONCE(machine->seen, min(events->after, rf_events_last()));
	events->after = after;
	return rc;
}

static int rf_ioctl_functions(struct file *file, void *arg)
{
	return rf_pci_list(arg);
}

/* Wrap @subos in a descriptor. Consumes the caller's reference. */
static int rf_install(struct rf_subos *subos, bool builder, s32 *fd)
{
	struct rf_destroy unused = {};
	struct file *file;
	int rc;

	rc = rf_partition_fd(subos, builder, &file);
	if (rc < 0) {
		if (builder) {
			rf_subos_destroy(subos, &unused);
			rf_subos_builder_done();
		}
		kobject_put(&subos->kobj);
		return rc;
	}
	*fd = rc;
	fd_install(rc, file);
	return 0;
}

/* @count is at most RF_FUNCTIONS_MAX; allocates, to be freed with kfree(), even if it is 0. */
static u32 *rf_functions_copy(u64 from, u32 count)
{
	u32 *functions = kcalloc(RF_FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);

	if (!functions)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(functions, u64_to_user_ptr(from), count * sizeof(*functions))) {
		kfree(functions);
		return ERR_PTR(-EFAULT);
	}
	return functions;
}

static int rf_ioctl_create(struct file *file, void *arg)
{
	struct rf_create *create = arg;
	struct rf_subos *subos;
	u32 *cpus, *functions;
	int rc;

	create->available = U64_MAX;
	create->culprit = create->culprit_function = create->problem = 0;
	if (!create->nr_cpus || create->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	if (create->nr_functions > RF_FUNCTIONS_MAX) {
		create->problem = RF_PROBLEM_MANY;
		return -ENXIO;
	}
	cpus = memdup_user(u64_to_user_ptr(create->cpus), create->nr_cpus * sizeof(*cpus));
	if (IS_ERR(cpus))
		return PTR_ERR(cpus);
	functions = rf_functions_copy(create->functions, create->nr_functions);
	rc = PTR_ERR_OR_ZERO(functions);
	if (!rc) {
		rc = rf_subos_create(create, cpus, functions, &subos);
		kfree(functions);
	}
	kfree(cpus);
	return rc ?: rf_install(subos, true, &create->fd);
}

static int rf_ioctl_open(struct file *file, void *arg)
{
	struct rf_open *args = arg;
	struct rf_subos *subos;

	if (args->flags || args->reserved || strnlen(args->name, RF_NAME_MAX) == RF_NAME_MAX)
		return -EINVAL;
	subos = rf_subos_find(args->name);
	return subos ? rf_install(subos, false, &args->fd) : -ENOENT;
}

static const struct rf_ioctl rf_machine_ioctls[] = {
	RF_IOCTL(RF_IOC_INFO, rf_info, size, rf_ioctl_info),
	RF_IOCTL(RF_IOC_MEMORY, rf_memory, node, rf_ioctl_memory),
	RF_IOCTL(RF_IOC_LIST, rf_list, names, rf_ioctl_list),
	RF_IOCTL(RF_IOC_CREATE, rf_create, reserved, rf_ioctl_create),
	RF_IOCTL(RF_IOC_OPEN, rf_open, reserved, rf_ioctl_open),
	RF_IOCTL(RF_IOC_CORES, rf_cores, cores, rf_ioctl_cores),
	RF_IOCTL(RF_IOC_EVENTS, rf_events, events, rf_ioctl_events),
	RF_IOCTL(RF_IOC_FUNCTIONS, rf_functions, functions, rf_ioctl_functions),
};

/* Who may is said by the mode of the node; what they may then, by the dispatcher. */
static int rf_machine_open(struct inode *inode, struct file *file)
{
	struct rf_machine_file *machine;

	machine = kzalloc(sizeof(*machine), GFP_KERNEL_ACCOUNT);
	if (!machine)
		return -ENOMEM;
	file->private_data = machine;
	return 0;
}

static int rf_machine_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static __poll_t rf_machine_poll(struct file *file, poll_table *table)
{
	struct rf_machine_file *machine = file->private_data;

	poll_wait(file, &rf_events_wait, table);
	return rf_events_last() > READ_ONCE(machine->seen) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long rf_machine_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return rf_ioctl_dispatch(rf_machine_ioctls, ARRAY_SIZE(rf_machine_ioctls), file, cmd, arg);
}

static const struct file_operations rf_machine_fops = {
	.owner = THIS_MODULE,
	.open = rf_machine_open,
	.release = rf_machine_release,
	.poll = rf_machine_poll,
	.unlocked_ioctl = rf_machine_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice rf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rainforest",
	.fops = &rf_machine_fops,
	.mode = 0600,
};

int rf_control_init(void)
{
	int rc;

	rf_debugfs_init();
	rc = misc_register(&rf_misc);
	if (rc) {
		pr_err("cannot register /dev/rainforest: error %d\n", rc);
		goto remove_debugfs;
	}
	rc = rf_sysfs_init(rf_misc.this_device);
	if (rc)
		goto deregister;
	return 0;

deregister:
	misc_deregister(&rf_misc);
remove_debugfs:
	rf_debugfs_exit();
	return rc;
}

void rf_control_exit(void)
{
	rf_sysfs_exit();
	misc_deregister(&rf_misc);
	rf_debugfs_exit();
}
