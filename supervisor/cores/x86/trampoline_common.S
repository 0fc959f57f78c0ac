/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The common trampoline: step 4 of a create (docs/boot-flow.md).
 *
 * Who jumps here   a core that was in wait-for-SIPI, by the supervisor's SIPI.
 * Entry            16-bit real mode, interrupts off, CS = (physical base) >> 4,
 *                  IP = 0; paging off, CD and NW set in CR0 (state after INIT).
 * Where it lies    copied to one page of low memory (below 1 MiB, 4 KiB
 *                  aligned); the six pages after it are its page tables, which
 *                  map exactly two things: the first 2 MiB of memory and the
 *                  boot area of the partition being started.
 * What it does     real mode straight to long mode (PAE, CR3, EFER.LME, then
 *                  PE and PG in one write: SDM 3A, 9.8.5), optionally with
 *                  5-level paging, which cannot be switched on later.
 * Where it goes    to the customized trampoline, 64-bit, CS RF_GDT_CODE, other
 *                  segments RF_GDT_DATA, no stack.
 * How to verify    objdump -D -m i8086 -j .rodata cores/x86/trampoline_common.o
 *
 * Everything it reads lies in its header, at fixed offsets (trampoline.h),
 * addressed relative to CS in 16-bit code and relative to RIP in 64-bit code.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "trampoline.h"
#include "stages.h"

	.section .rodata, "a"
	.balign 16
	.code16
SYM_DATA_START(rf_common_start)
	cli
	cld
	jmp	.Lreal

	.org	rf_common_start + RF_COMMON_HEADER
	.skip	RF_COMMON_GDT + 4 * 8 - RF_COMMON_HEADER, 0

.Lreal:
	movw	%cs, %ax
	movw	%ax, %ds
	movl	$RF_STAGE_REAL_MODE_, RF_COMMON_STAGE

	/* An NMI now must not find the firmware's vectors: empty IDT. */
	lidtl	.Lno_idt - rf_common_start
	lgdtl	RF_COMMON_GDTR

	movl	RF_COMMON_CR4, %eax
	movl	%eax, %cr4
	movl	RF_COMMON_CR3, %eax
	movl	%eax, %cr3

	movl	$MSR_EFER, %ecx
	movl	$EFER_LME_, %eax
	xorl	%edx, %edx
	wrmsr

	movl	$(X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG), %eax
	movl	%eax, %cr0
	ljmpl	*RF_COMMON_FAR

	.balign 4
.Lno_idt:
	.word	0
	.long	0

	.code64
SYM_INNER_LABEL(rf_common_long, SYM_L_GLOBAL)
	movl	$RF_GDT_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$RF_STAGE_LONG_MODE_, rf_common_start + RF_COMMON_STAGE(%rip)
	movq	rf_common_start + RF_COMMON_CUSTOM(%rip), %rax
	jmp	*%rax
SYM_DATA_END_LABEL(rf_common_start, SYM_L_GLOBAL, rf_common_end)
