/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The customized trampoline: step 4 of a create, in the partition's own memory.
 *
 * Who jumps here   the common trampoline.
 * Entry            64-bit, interrupts off, flat segments, no stack, on the
 *                  common trampoline's page tables (which map this page and the
 *                  mailbox, both in the boot area).
 * Where it lies    one page of the boot area (RF_TRAMPOLINE_OFF); code and
 *                  header at the start, stack at the end.
 * What it does     sets the MTRRs and PAT to the supervisor's values (by the SDM
 *                  INIT preserves them, but some machines clear them),
 *                  switches to the partition's page tables and its own GDT.
 * Where it goes    the kernel's 64-bit entry: CS 0x10, other segments 0x18,
 *                  RSI = boot_params (Documentation/x86/boot.rst).
 * How to verify    objdump -D -j .rodata cores/x86/trampoline_custom.o; the stage
 *                  marker in the mailbox shows how far a core got.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "trampoline.h"
#include "stages.h"

#define HEADER(offset) rf_custom_start + (offset)(%rip)

	.section .rodata, "a"
	.balign 16
	.code64
SYM_DATA_START(rf_custom_start)
	jmp	.Lcustom

	.org	rf_custom_start + RF_CUSTOM_HEADER
	.skip	RF_CUSTOM_MSRS + RF_CUSTOM_MSRS_MAX * 16 - RF_CUSTOM_HEADER, 0

.Lcustom:
	leaq	rf_custom_start(%rip), %rbx
	leaq	0x1000(%rbx), %rsp
	movq	HEADER(RF_CUSTOM_MAILBOX), %rbp
	movl	$RF_STAGE_CUSTOM_, RF_MAILBOX_STAGE(%rbp)

	/* Does any MSR differ from the supervisor's? */
	leaq	RF_CUSTOM_MSRS(%rbx), %rdi
	movl	HEADER(RF_CUSTOM_NR_MSRS), %r8d
.Lcompare:
	subl	$1, %r8d
	js	.Lrestored
	movl	(%rdi), %ecx
	rdmsr
	cmpl	8(%rdi), %eax
	jne	.Lrestore
	cmpl	12(%rdi), %edx
	jne	.Lrestore
	addq	$16, %rdi
	jmp	.Lcompare

	/*
	 * SDM 3A, 11.11.8: no-fill cache mode, write back, flush the TLB, MTRRs
	 * off, write them (the last entry is MTRRdefType and turns them on),
	 * write back and flush again, restore CR0.
	 */
.Lrestore:
	movq	%cr0, %r9
	movq	%r9, %rax
	orl	$X86_CR0_CD, %eax
	movq	%rax, %cr0
	wbinvd
	movq	%cr3, %r10
	movq	%r10, %cr3
	movl	$MSR_MTRRdefType, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr

	leaq	RF_CUSTOM_MSRS(%rbx), %rdi
	movl	HEADER(RF_CUSTOM_NR_MSRS), %r8d
.Lwrite:
	subl	$1, %r8d
	js	.Lwritten
	movl	(%rdi), %ecx
	movl	8(%rdi), %eax
	movl	12(%rdi), %edx
	wrmsr
	addq	$16, %rdi
	jmp	.Lwrite
.Lwritten:
	wbinvd
	movq	%r10, %cr3
	movq	%r9, %cr0

.Lrestored:
	movl	$RF_STAGE_MSRS_, RF_MAILBOX_STAGE(%rbp)

	/* The supervisor has checked that these tables map this page and the entry. */
	movq	HEADER(RF_CUSTOM_CR3), %rax
	movq	%rax, %cr3
	movl	$RF_STAGE_PAGE_TABLES_, RF_MAILBOX_STAGE(%rbp)

	lgdt	HEADER(RF_CUSTOM_GDTR)
	movl	$RF_GDT_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs

	movq	HEADER(RF_CUSTOM_BOOT_PARAMS), %rsi
	pushq	$RF_GDT_CODE
	pushq	HEADER(RF_CUSTOM_ENTRY)
	movl	$RF_STAGE_KERNEL_, RF_MAILBOX_STAGE(%rbp)
	lretq
SYM_DATA_END_LABEL(rf_custom_start, SYM_L_GLOBAL, rf_custom_end)
