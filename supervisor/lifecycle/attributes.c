// SPDX-License-Identifier: GPL-2.0
/*
 * Read-only state of a subOS, for people and scripts:
 *
 *   /sys/class/misc/rainforest/subos/NAME/    one directory per subOS
 *       id state cause reason stage cpus cpus_online apic_ids memory low_slice
 *       member starts restarts_left on_crash on_reboot beat_age_ms functions
 */
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "agent/agent.h"
#include "lifecycle/internal.h"
#include "pci/pci.h"

static struct kobject *rf_subos_dir;

static const char *const rf_state_names[] = {
	[RF_STATE_DEFINED] = "defined",	  [RF_STATE_LOADED] = "loaded",
	[RF_STATE_BOOTING] = "booting",	  [RF_STATE_RUNNING] = "running",
	[RF_STATE_STOPPING] = "stopping", [RF_STATE_STOPPED] = "stopped",
	[RF_STATE_CRASHED] = "crashed",	  [RF_STATE_LOST] = "lost",
};

static const char *const rf_cause_names[RF_CAUSE_NR] = {
	[RF_CAUSE_NONE] = "none",	    [RF_CAUSE_OPERATOR] = "operator",
	[RF_CAUSE_POWEROFF] = "poweroff",   [RF_CAUSE_HALT] = "halt",
	[RF_CAUSE_REBOOT] = "reboot",	    [RF_CAUSE_PANIC] = "panic",
	[RF_CAUSE_EMERGENCY] = "emergency", [RF_CAUSE_ACPI_RESET] = "acpi-reset",
	[RF_CAUSE_ACPI_SLEEP] = "acpi-sleep", [RF_CAUSE_AGENT] = "agent",
	[RF_CAUSE_NO_ENTRY] = "no-entry",   [RF_CAUSE_SUPERVISOR] = "supervisor",
	[RF_CAUSE_HANG] = "hang",
};

static const char *const rf_policy_names[] = {
	[RF_POLICY_KEEP] = "keep",
	[RF_POLICY_RESTART] = "restart",
	[RF_POLICY_DESTROY] = "destroy",
};

static const char *const rf_stage_names[RF_STAGE_NR] = {
	[RF_STAGE_NONE] = "none",	    [RF_STAGE_REAL_MODE] = "real-mode",
	[RF_STAGE_LONG_MODE] = "long-mode", [RF_STAGE_CUSTOM] = "custom",
	[RF_STAGE_MSRS] = "msrs",	    [RF_STAGE_PAGE_TABLES] = "page-tables",
	[RF_STAGE_KERNEL] = "kernel",	    [RF_STAGE_AGENT] = "agent",
	[RF_STAGE_CPUS] = "cpus",	    [RF_STAGE_RUNNING] = "running",
};

enum rf_attr_index {
	RF_ATTR_ID, RF_ATTR_STATE, RF_ATTR_CAUSE, RF_ATTR_REASON, RF_ATTR_STAGE, RF_ATTR_CPUS,
	RF_ATTR_CPUS_ONLINE, RF_ATTR_APIC_IDS, RF_ATTR_MEMORY, RF_ATTR_LOW_SLICE, RF_ATTR_MEMBER,
	RF_ATTR_STARTS, RF_ATTR_RESTARTS_LEFT, RF_ATTR_ON_CRASH, RF_ATTR_ON_REBOOT,
	RF_ATTR_BEAT_AGE, RF_ATTR_FUNCTIONS, RF_ATTR_NR
};

struct rf_attr {
	struct attribute attr;
	enum rf_attr_index index;
};

#define RF_ATTR_MODE(_name, _index, _mode) \
	static struct rf_attr rf_attr_##_name = { { .name = #_name, .mode = _mode }, _index }
#define RF_ATTR(_name, _index)	RF_ATTR_MODE(_name, _index, 0444)
RF_ATTR(id, RF_ATTR_ID);
RF_ATTR(state, RF_ATTR_STATE);
RF_ATTR(cause, RF_ATTR_CAUSE);
RF_ATTR(reason, RF_ATTR_REASON);
RF_ATTR(stage, RF_ATTR_STAGE);
RF_ATTR(cpus, RF_ATTR_CPUS);
RF_ATTR(cpus_online, RF_ATTR_CPUS_ONLINE);
RF_ATTR(apic_ids, RF_ATTR_APIC_IDS);
RF_ATTR(memory, RF_ATTR_MEMORY);
RF_ATTR_MODE(low_slice, RF_ATTR_LOW_SLICE, 0400);	/* an address */
RF_ATTR(member, RF_ATTR_MEMBER);
RF_ATTR(starts, RF_ATTR_STARTS);
RF_ATTR(restarts_left, RF_ATTR_RESTARTS_LEFT);
RF_ATTR(on_crash, RF_ATTR_ON_CRASH);
RF_ATTR(on_reboot, RF_ATTR_ON_REBOOT);
RF_ATTR(beat_age_ms, RF_ATTR_BEAT_AGE);
RF_ATTR(functions, RF_ATTR_FUNCTIONS);

static struct attribute *rf_subos_attrs[] = {
	&rf_attr_id.attr,	   &rf_attr_state.attr,	   &rf_attr_cause.attr,
	&rf_attr_reason.attr,	   &rf_attr_stage.attr,	   &rf_attr_cpus.attr,
	&rf_attr_cpus_online.attr, &rf_attr_apic_ids.attr, &rf_attr_memory.attr,
	&rf_attr_low_slice.attr,   &rf_attr_member.attr,   &rf_attr_starts.attr,
	&rf_attr_restarts_left.attr, &rf_attr_on_crash.attr, &rf_attr_on_reboot.attr,
	&rf_attr_beat_age_ms.attr, &rf_attr_functions.attr, NULL,
};
ATTRIBUTE_GROUPS(rf_subos);

static ssize_t rf_show_list(char *buf, const u32 *list, u32 count)
{
	ssize_t at = 0;
	u32 i;

	for (i = 0; i < count; i++)
		at += sysfs_emit_at(buf, at, "%s%u", i ? "," : "", list[i]);
	return at + sysfs_emit_at(buf, at, "\n");
}

static ssize_t rf_show_functions(char *buf, const struct rf_status *status)
{
	char text[RF_PCI_TEXT];
	ssize_t at = 0;
	u32 i;

	for (i = 0; i < status->nr_functions; i++) {
		rf_pci_text(status->functions[i], text, sizeof(text));
		at += sysfs_emit_at(buf, at, "%s%s", i ? "," : "", text);
	}
	return at + sysfs_emit_at(buf, at, "\n");
}

static ssize_t rf_show_attr(char *buf, enum rf_attr_index index, struct rf_status *status)
{
	switch (index) {
	case RF_ATTR_ID:
		return sysfs_emit(buf, "%u\n", status->id);
	case RF_ATTR_STATE:
		return sysfs_emit(buf, "%s\n", rf_state_names[status->state]);
	case RF_ATTR_CAUSE:
		return sysfs_emit(buf, "%s\n", rf_cause_names[status->cause]);
	case RF_ATTR_REASON:
		rf_hide_addresses(status->reason);	/* everybody reads this */
		return sysfs_emit(buf, "%s\n", status->reason);
	case RF_ATTR_STAGE:
		return sysfs_emit(buf, "%s\n", rf_stage_names[status->stage]);
	case RF_ATTR_CPUS:
		return rf_show_list(buf, status->cpus, status->nr_cpus);
	case RF_ATTR_CPUS_ONLINE:
		return sysfs_emit(buf, "%u\n", status->cpus_online);
	case RF_ATTR_APIC_IDS:
		return rf_show_list(buf, status->apic_ids, status->nr_cpus);
	case RF_ATTR_MEMORY:
		return sysfs_emit(buf, "%llu\n", status->memory);
	case RF_ATTR_LOW_SLICE:
		return sysfs_emit(buf, "0x%llx\n", status->low_slice);
	case RF_ATTR_MEMBER:
		return sysfs_emit(buf, "%u\n", status->member);
	case RF_ATTR_STARTS:
		return sysfs_emit(buf, "%u\n", status->starts);
	case RF_ATTR_RESTARTS_LEFT:
		return sysfs_emit(buf, "%u\n", status->restarts_left);
	case RF_ATTR_ON_CRASH:
		return sysfs_emit(buf, "%s\n", rf_policy_names[status->on_crash]);
	case RF_ATTR_ON_REBOOT:
		return sysfs_emit(buf, "%s\n", rf_policy_names[status->on_reboot]);
	case RF_ATTR_BEAT_AGE:
		return sysfs_emit(buf, "%llu\n", div_u64(status->beat_age_ns, NSEC_PER_MSEC));
	case RF_ATTR_FUNCTIONS:
		return rf_show_functions(buf, status);
	case RF_ATTR_NR:
		break;
	}
	return -EIO;
}

static ssize_t rf_subos_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct rf_subos *subos = container_of(kobj, struct rf_subos, kobj);
	struct rf_status *status = kzalloc(sizeof(*status), GFP_KERNEL);
	u32 generation;
	ssize_t rc;

	if (!status)
		return -ENOMEM;
	rc = rf_subos_status(subos, status, &generation);
	if (!rc)
		rc = rf_show_attr(buf, container_of(attr, struct rf_attr, attr)->index, status);
	kfree(status);
	return rc;
}

static void rf_subos_free(struct kobject *kobj)
{
	struct rf_subos *subos = container_of(kobj, struct rf_subos, kobj);

	rf_console_free(subos);
	kvfree(subos->definition);
	kfree(subos);
}

static const struct sysfs_ops rf_subos_sysfs_ops = { .show = rf_subos_show };

const struct kobj_type rf_subos_ktype = {
	.release = rf_subos_free,
	.sysfs_ops = &rf_subos_sysfs_ops,
	.default_groups = rf_subos_groups,
};

/* Add a subOS's directory. LIST and OPEN only find the subOS once all its files exist. */
int rf_attributes_add(struct rf_subos *subos)
{
	return kobject_add(&subos->kobj, rf_subos_dir, "%s", subos->name);
}

/**
 * rf_attributes_init() - create the parent directory of all subOSes
 * @parent: kobject of the misc device
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM.
 */
int rf_attributes_init(struct kobject *parent)
{
	rf_subos_dir = kobject_create_and_add("subos", parent);
	return rf_subos_dir ? 0 : -ENOMEM;
}

void rf_attributes_exit(void)
{
	kobject_put(rf_subos_dir);
}
