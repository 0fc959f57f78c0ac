// SPDX-License-Identifier: GPL-2.0
/*
 * The ways down. Reset lines, power buttons and keyboard controllers belong to
 * the whole machine, so a subOS must never come as far as using them. Each way
 * is caught here, its cause is reported to the supervisor, and the core is parked:
 * the supervisor answers a cause by sending INIT to all cores of the subOS.
 *
 *   reboot, halt, poweroff   syscore shutdown, after devices were shut down
 *   emergency restart        dumper of the kernel log, which emergency_restart() calls first
 *                            (sysrq b; the restart that follows a panic). A kprobe further
 *                            down catches what comes another way, but root can disarm it
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
#include <linux/sched/signal.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <linux/workqueue.h>

#include "compat/kmsg.h"
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

static void rf_emergency_end(void)
{
	rf_report_cause(RF_CAUSE_EMERGENCY, in_task() ? current->comm : "from an interrupt");
	rf_park();
}

static void rf_emergency_dump(enum kmsg_dump_reason reason)
{
	if (reason == KMSG_DUMP_EMERG)
		rf_emergency_end();
}

RF_KMSG_DUMPER(rf_emergency_dumper, rf_emergency_dump);

static int rf_emergency(struct kprobe *probe, struct pt_regs *regs)
{
	rf_emergency_end();
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

	err = kmsg_dump_register(&rf_emergency_dumper);
	if (err) {
		rf_refuse("cannot register with the kernel log: error %d", err);
		return err;
	}
	err = rf_probe(&rf_emergency_probe);
	if (err)
		goto unregister_dumper;

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
unregister_dumper:
	kmsg_dump_unregister(&rf_emergency_dumper);
	return err;
}

/* ---- stop ---- */

/* How long, and how often, the first process is looked at before nobody is asked. */
#define RF_STOP_LOOKS		60
#define RF_STOP_LOOK_MS		500

static s64 rf_stop_how;
static int rf_stop_looks;

/*
 * Can the first process be asked? An init catches signals, or blocks them and reads them from a
 * descriptor, or waits for them in sigtimedwait(), when real_blocked has what is blocked. The script
 * of an initramfs does neither: the kernel drops what is sent to it, and whoever sends does not hear
 * of that.
 */
static bool rf_init_listens(void)
{
	static const int asked[] = { SIGTERM, SIGUSR1, SIGUSR2, SIGPWR };
	const struct sighand_struct *sighand;
	const struct task_struct *init;
	bool listens = false;
	__sighandler_t handler;
	int i;

	rcu_read_lock();
	init = pid_task(find_vpid(1), PIDTYPE_TGID);
	sighand = init ? rcu_dereference(init->sighand) : NULL;
	for (i = 0; sighand && i < ARRAY_SIZE(asked); i++) {
		handler = READ_ONCE(sighand->action[asked[i] - 1].sa.sa_handler);
		if ((handler != SIG_DFL && handler != SIG_IGN) ||
		    sigismember((sigset_t *)&init->blocked, asked[i]) ||
		    sigismember((sigset_t *)&init->real_blocked, asked[i]))
			listens = true;
	}
	rcu_read_unlock();
	return listens;
}

/* As reboot(2) does it. */
static void rf_stop_kernel(bool reboot)
{
	unsigned int flags;

	pr_notice("there is no init that could be asked to go down\n");
	ksys_sync_helper();
	flags = lock_system_sleep();
	if (reboot)
		kernel_restart(NULL);
	else
		kernel_power_off();
	unlock_system_sleep(flags);
}

static void rf_stop_run(struct work_struct *work)
{
	bool reboot = READ_ONCE(rf_stop_how) == RF_STOP_REBOOT;

	if (system_state != SYSTEM_RUNNING)
		return;
	if (!rf_init_listens()) {
		if (rf_stop_looks++ == RF_STOP_LOOKS)
			rf_stop_kernel(reboot);
		else
			queue_delayed_work(system_long_wq, to_delayed_work(work),
					   msecs_to_jiffies(RF_STOP_LOOK_MS));
	} else if (reboot) {
		orderly_reboot();
	} else {
		orderly_poweroff(false);
	}
}

static DECLARE_DELAYED_WORK(rf_stop_work, rf_stop_run);

/* RF_OP_STOP: user space goes down in order, the hooks above catch the end. */
int rf_shutdown_begin(struct rf_request *request, const s64 *args, s64 *results)
{
	if (args[0] != RF_STOP_POWEROFF && args[0] != RF_STOP_REBOOT)
		return -EINVAL;
	pr_notice("the supervisor asks for a %s\n",
		  args[0] == RF_STOP_REBOOT ? "reboot" : "power-off");
	WRITE_ONCE(rf_stop_how, args[0]);
	mod_delayed_work(system_long_wq, &rf_stop_work, 0);
	return 0;
}

void rf_shutdown_unhook(void)
{
	cancel_delayed_work_sync(&rf_stop_work);
	rf_talk_no_more();
	unregister_syscore_ops(&rf_syscore_ops);
	atomic_notifier_chain_unregister(&panic_notifier_list, &rf_panic_nb);
	unregister_pm_notifier(&rf_sleep_nb);
	unregister_reboot_notifier(&rf_reboot_nb);
	if (IS_ENABLED(CONFIG_KEXEC_CORE))
		unregister_kprobe(&rf_kexec_probe);
	unregister_kprobe(&rf_emergency_probe);
	kmsg_dump_unregister(&rf_emergency_dumper);
}
