// SPDX-License-Identifier: GPL-2.0
/*
 * Which cores are SMT siblings. The kernel's own masks (topology_sibling_cpumask()) forget a core
 * that goes offline, so that one whose sibling is lent looks like a core without any. APIC ids
 * stay, and the processor says how many of their bits tell siblings apart.
 */
#include <linux/log2.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "cores/internal.h"

#define RF_CPUID_FEATURES	1
#define RF_CPUID_CACHES		4
#define RF_CPUID_TOPOLOGY	0xb
#define RF_CPUID_AMD_UNITS	0x8000001e
#define RF_LEVEL_SMT		1

/*
 * Without any of the newer leaves: the logical processors of a package are those of all its cores.
 * Where they are cores themselves (CMP_LEGACY, older AMD), or there is one, there are no siblings. So
 * does the kernel (detect_ht()).
 */
static u32 rf_smt_shift_legacy(void)
{
	u32 eax, ebx, ecx, edx, threads, cores = 1;

	if (!boot_cpu_has(X86_FEATURE_HT) || boot_cpu_has(X86_FEATURE_CMP_LEGACY))
		return 0;
	threads = (cpuid_ebx(RF_CPUID_FEATURES) >> 16) & 0xff;
	if (cpuid_eax(0) >= RF_CPUID_CACHES) {
		cpuid_count(RF_CPUID_CACHES, 0, &eax, &ebx, &ecx, &edx);
		if (eax & 0x1f)
			cores = (eax >> 26) + 1;
	}
	/* Numbers of ids, of which some may be unused; both fields are bits of an APIC id (SDM 3A, 9.9.3). */
	return threads > cores ? order_base_2(threads) - order_base_2(cores) : 0;
}

/**
 * rf_smt_shift() - the number of APIC id bits in which SMT siblings may differ
 *
 * Context: Any.
 * Return: 0 if there are no siblings, or none are known.
 */
u32 rf_smt_shift(void)
{
	u32 eax, ebx, ecx, edx;

	if (cpuid_eax(0) >= RF_CPUID_TOPOLOGY) {
		cpuid_count(RF_CPUID_TOPOLOGY, 0, &eax, &ebx, &ecx, &edx);
		if (ebx && ((ecx >> 8) & 0xff) == RF_LEVEL_SMT)
			return eax & 0x1f;
	}
	if (boot_cpu_has(X86_FEATURE_TOPOEXT)) {
		cpuid(RF_CPUID_AMD_UNITS, &eax, &ebx, &ecx, &edx);
		return order_base_2(((ebx >> 8) & 0xff) + 1);
	}
	return rf_smt_shift_legacy();
}
