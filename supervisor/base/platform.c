// SPDX-License-Identifier: GPL-2.0
/*
 * Requirements that this machine must meet before anything can be lent. Each
 * refusal is one line with the remedy. Background: docs/kernel-support.md.
 */
#include <linux/cc_platform.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>

#include "compat/kernel.h"
#include "kernel/files.h"
#include "base/internal.h"

#define RF_CMDLINE_BUF	4096

/* The last no_ipi_broadcast= on the command line decides, as in the kernel. */
static bool rf_broadcast_disabled(void)
{
	static const char option[] = "no_ipi_broadcast=";
	bool disabled = false;
	char *cmdline, *at;

	cmdline = kzalloc(RF_CMDLINE_BUF, GFP_KERNEL);
	if (!cmdline || rf_file_read("/proc/cmdline", cmdline, RF_CMDLINE_BUF) < 0)
		goto out;
	for (at = cmdline; (at = strstr(at, option)); at += sizeof(option) - 1)
		if (at == cmdline || at[-1] == ' ')
			disabled = simple_strtol(at + sizeof(option) - 1, NULL, 0) != 0;
out:
	kfree(cmdline);
	return disabled;
}

/**
 * rf_platform_check() - may cores of this machine be lent?
 *
 * Context: Process context.
 * Return: 0, or -EOPNOTSUPP after one line that says why not and what to do.
 */
int rf_platform_check(void)
{
	if (!rf_kernel_supported()) {
		pr_err("kernel %s is newer than what this module was made for\n",
		       utsname()->release);
		return -EOPNOTSUPP;
	}
	if (x2apic_enabled()) {
		pr_err("the local APICs are in x2APIC mode, which is not supported; boot with nox2apic\n");
		return -EOPNOTSUPP;
	}
	if (apic->dest_mode_logical) {
		pr_err("interrupts use logical APIC destinations, which would reach cores of other kernels; boot with possible_cpus=16\n");
		return -EOPNOTSUPP;
	}
	if (!rf_broadcast_disabled()) {
		pr_err("IPIs may be broadcast, which would reach cores of other kernels; boot with no_ipi_broadcast=1\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("memory encryption is active, which is not supported; boot with mem_encrypt=off\n");
		return -EOPNOTSUPP;
	}
	if (!boot_cpu_has(X86_FEATURE_ARAT)) {
		pr_err("the processor's local APIC timers stop in deep idle (no ARAT); a subOS would have no timer\n");
		return -EOPNOTSUPP;
	}
	return 0;
}
