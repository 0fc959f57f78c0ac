// SPDX-License-Identifier: GPL-2.0
/*
 * The ways down. Reset lines, power buttons and keyboard controllers belong to
 * the whole machine, so a subOS must never come as far as using them. Each way
 * is caught here, its cause is reported to the supervisor, and the core is parked:
 * the supervisor answers a cause by sending INIT to all cores of the subOS.
 *
 *   reboot, halt, poweroff   syscore shutdown, after devices were shut down
 *   emergency restart        kprobe (sysrq b; the restart that follows a panic)
 *   kexec, crash kernel      kprobe: the next kernel would run without an agent.
 *                            The command line forbids to load one; probes on the
 *                            system calls say why
 *   panic                    panic notifier; not parked, so that the rest of the
 *                            panic still reaches the kernel log
 *   suspend, hibernation     vetoed: a core that sleeps is one that hangs for the
 *                            supervisor, and what would wake it is not ours
 *
 * Before these are in place, and should one fail, the kernel's own restart and
 * power-off write the ACPI registers in the mailbox instead.
 */
#include <linux/irqflags.h>
#include <linux/kexec.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>

#include "rf_subos.h"

/* Why the orderly shutdown under way is one; set before devices go down. */
static enum rf_cause rf_orderly_cause = RF_CAUSE_HALT;
static char rf_orderly_reason[RF_REASON_MAX];

/* Interrupts off for good. An NMI wakes the core; it goes back to sleep. */
static void __noreturn rf_park(void)
{
	local_irq_disable();
	for (;;)
		native_halt();
}

static int rf_orderly(struct notifier_block *nb, unsigned long action, void *command)
{
	switch (action) {
	case SYS_RESTART:
		rf_orderly_cause = RF_CAUSE_REBOOT;
		break;
	case SYS_HALT:
		rf_orderly_cause = RF_CAUSE_HALT;
		break;
	case SYS_POWER_OFF:
		rf_orderly_cause = RF_CAUSE_POWEROFF;
		break;
	}
	scnprintf(rf_orderly_reason, sizeof(rf_orderly_reason), "asked for by %s[%d]%s%s",
		  current->comm, task_pid_nr(current), command ? ": " : "",
		  command ? (char *)command : "");
	return NOTIFY_DONE;
}

static struct notifier_block rf_reboot_nb = {
	.notifier_call = rf_orderly,
};

static void rf_syscore_shutdown(void)
{
	pr_info("going down, %s\n", rf_orderly_reason);
	rf_report_cause(rf_orderly_cause, rf_orderly_reason);
	rf_park();
}

static struct syscore_ops rf_syscore_ops = {
	.shutdown = rf_syscore_shutdown,
};

static int rf_panic(struct notifier_block *nb, unsigned long action, void *message)
{
	rf_report_cause(RF_CAUSE_PANIC, message);
	return NOTIFY_DONE;
}

static struct notifier_block rf_panic_nb = {
	.notifier_call = rf_panic,
	.priority = INT_MAX,	/* others may hang */
};

static int rf_sleep(struct notifier_block *nb, unsigned long event, void *unused)
{
	if (event != PM_SUSPEND_PREPARE && event != PM_HIBERNATION_PREPARE &&
	    event != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;
	pr_notice("a subOS cannot sleep: use 'rfm stop' on the supervisor\n");
	return notifier_from_errno(-EOPNOTSUPP);
}

static struct notifier_block rf_sleep_nb = {
	.notifier_call = rf_sleep,
	.priority = INT_MAX,	/* before anybody prepares */
};

static int rf_emergency(struct kprobe *probe, struct pt_regs *regs)
{
	rf_report_cause(RF_CAUSE_EMERGENCY, in_task() ? current->comm : "from an interrupt");
	rf_park();
	return 0;
}

static int rf_kexec(struct kprobe *probe, struct pt_regs *regs)
{
	const struct kimage *image = (const struct kimage *)regs_get_kernel_argument(regs, 0);

	if (image->type == KEXEC_TYPE_CRASH)
		rf_report_cause(RF_CAUSE_PANIC, "crash kernel not started: not possible in a subOS");
	else
		rf_report_cause(RF_CAUSE_REBOOT, "kexec is not possible in a subOS");
	rf_park();
	return 0;
}

static int rf_kexec_load(struct kprobe *probe, struct pt_regs *regs)
{
	pr_warn_ratelimited("kexec is not possible inside a subOS: use 'rfm restart' or 'rfm dump' on the supervisor\n");
	return 0;
}

static struct kprobe rf_emergency_probe = {
	.symbol_name = "native_machine_emergency_restart",
	.pre_handler = rf_emergency,
};

static struct kprobe rf_kexec_probe = {
	.symbol_name = "machine_kexec",
	.pre_handler = rf_kexec,
};

static struct kprobe rf_load_probe = {
	.symbol_name = "__x64_sys_kexec_load",
	.pre_handler = rf_kexec_load,
};

static struct kprobe rf_file_load_probe = {
	.symbol_name = "__x64_sys_kexec_file_load",
	.pre_handler = rf_kexec_load,
};

/* These only talk: the kernel refuses by itself, and a subOS can do without. */
static struct kprobe *const rf_talking_probes[] = {
	IS_ENABLED(CONFIG_KEXEC) ? &rf_load_probe : NULL,
	IS_ENABLED(CONFIG_KEXEC_FILE) ? &rf_file_load_probe : NULL,
};

static void rf_talk(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rf_talking_probes); i++) {
		struct kprobe *probe = rf_talking_probes[i];

		err = probe ? register_kprobe(probe) : 0;
		if (err)
			pr_notice("cannot place a probe on %s: error %d\n", probe->symbol_name,
				  err);
	}
}

static void rf_talk_no_more(void)
{
	unsigned int i;

	/* Harmless for one that was not registered. */
	for (i = 0; i < ARRAY_SIZE(rf_talking_probes); i++)
		if (rf_talking_probes[i])
			unregister_kprobe(rf_talking_probes[i]);
}

static int rf_probe(struct kprobe *probe)
{
	int err = register_kprobe(probe);

	if (err)
		rf_refuse("cannot place a probe on %s: error %d", probe->symbol_name, err);
	return err;
}

/**
 * rf_shutdown_hook() - catch every way down.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error; the reason was reported.
 */
int rf_shutdown_hook(void)
{
	int err;

	err = rf_probe(&rf_emergency_probe);
	if (err)
		return err;

	if (IS_ENABLED(CONFIG_KEXEC_CORE)) {
		err = rf_probe(&rf_kexec_probe);
		if (err)
			goto unprobe_emergency;
	}

	err = register_reboot_notifier(&rf_reboot_nb);
	if (err) {
		rf_refuse("cannot register the reboot notifier: error %d", err);
		goto unprobe_kexec;
	}
	err = register_pm_notifier(&rf_sleep_nb);
	if (err) {
		rf_refuse("cannot register the suspend notifier: error %d", err);
		goto unregister_reboot;
	}
	atomic_notifier_chain_register(&panic_notifier_list, &rf_panic_nb);
	/* Registered last, called first: nothing after it needs to run. */
	register_syscore_ops(&rf_syscore_ops);
	rf_talk();
	return 0;

unregister_reboot:
	unregister_reboot_notifier(&rf_reboot_nb);
unprobe_kexec:
	if (IS_ENABLED(CONFIG_KEXEC_CORE))
		unregister_kprobe(&rf_kexec_probe);
unprobe_emergency:
	unregister_kprobe(&rf_emergency_probe);
	return err;
}

void rf_shutdown_unhook(void)
{
	rf_talk_no_more();
	unregister_syscore_ops(&rf_syscore_ops);
	atomic_notifier_chain_unregister(&panic_notifier_list, &rf_panic_nb);
	unregister_pm_notifier(&rf_sleep_nb);
	unregister_reboot_notifier(&rf_reboot_nb);
	if (IS_ENABLED(CONFIG_KEXEC_CORE))
		unregister_kprobe(&rf_kexec_probe);
	unregister_kprobe(&rf_emergency_probe);
}

/* RF_OP_STOP: user space goes down in order, the hooks above catch the end. */
int rf_shutdown_begin(struct rf_request *request, const s64 *args, s64 *results)
{
	switch (args[0]) {
	case RF_STOP_POWEROFF:
		pr_notice("the supervisor asks for a power-off\n");
		orderly_poweroff(false);
		return 0;
	case RF_STOP_REBOOT:
		pr_notice("the supervisor asks for a reboot\n");
		orderly_reboot();
		return 0;
	}
	return -EINVAL;
}
