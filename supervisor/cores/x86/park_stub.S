/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The park stub: where a core is while it is held.
 *
 * Who jumps here   a core that got INIT and SIPI, by a copy of the common trampoline's code in
 *                  the last page of its slice.
 * Entry            64-bit, interrupts off, flat segments, no stack, on the stub's own page
 *                  tables, which map the first 2 MiB and the 2 MiB that the stub lies in.
 * Where it lies    in pages of the supervisor below 4 GiB, written once (park.c): a core that
 *                  is thought to be gone may still execute it.
 * What it does     own GDT and IDT; machine checks on, for without CR4.MCE the first one shuts
 *                  the machine down (SDM 3B, 16.7); MSRs that INIT preserves and the next owner
 *                  must not inherit; then it says that the core is held.
 * Where it goes    nowhere: it halts with interrupts off, until the next INIT.
 * How to verify    objdump -D -j .rodata cores/x86/park_stub.o
 *
 * An NMI and a machine check are counted, and the core halts again: after a machine check on its
 * way here without having said that it is held, and it is sent here once more. #GP is of an MSR
 * that this core does not have after all: the instruction, 2 bytes long, is skipped. After any
 * other exception the core halts for good. An NMI before the IDT is loaded is a triple fault, as
 * in Linux's own way from SIPI to long mode.
 *
 * RBP: the core's record, all the time. Its stack is the end of the record. R8: the call.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "park.h"
#include "trampoline.h"

#define HEADER(offset) rf_park_start + (offset)(%rip)

	.section .rodata, "a"
	.balign 16
	.code64
SYM_DATA_START(rf_park_start)
	jmp	.Lpark

	.org	rf_park_start + RF_PARK_HEADER
	.skip	RF_PARK_RESTORE + 4 * RF_PARK_RESTORE_MAX - RF_PARK_HEADER, 0

	/* Which core is this? The x2APIC id, if there is one (SDM 2A, CPUID leaf 0BH), else 01H. */
.Lpark:
	xorl	%eax, %eax
	cpuid
	cmpl	$0xb, %eax
	jb	.Linitial
	movl	$0xb, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	%ebx, %ebx
	jnz	.Lid
.Linitial:
	movl	$1, %eax
	cpuid
	movl	%ebx, %edx
	shrl	$24, %edx
.Lid:
	cmpl	$RF_PARK_IDS, %edx
	jae	.Lstuck
	movl	%edx, %ebp
	shlq	$RF_PARK_RECORD_SHIFT, %rbp
	addq	HEADER(RF_PARK_RECORDS), %rbp
	leaq	(1 << RF_PARK_RECORD_SHIFT)(%rbp), %rsp
	/* For which call: one that comes from now on sends INIT first, and is not answered by us. */
	movl	RF_PARK_WANTED(%rbp), %r8d

	/*
	 * Nothing in low memory is needed from here on: a crash kernel may overwrite it. By IRET,
	 * which also ends the blocking of NMIs: the core may have been in a handler of theirs.
	 */
	lgdt	HEADER(RF_PARK_GDTR)
	lidt	HEADER(RF_PARK_IDTR)
	movq	%rsp, %rax
	pushq	$RF_GDT_DATA
	pushq	%rax
	pushfq
	pushq	$RF_GDT_CODE
	leaq	.Lown(%rip), %rax
	pushq	%rax
	iretq
.Lown:
	movl	$RF_GDT_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movq	%cr4, %rax
	orl	$X86_CR4_MCE, %eax
	movq	%rax, %cr4

	xorl	%esi, %esi
.Lclear:
	cmpl	HEADER(RF_PARK_NR_CLEAR), %esi
	jae	.Lcleared
	leaq	HEADER(RF_PARK_CLEAR), %rdi
	movl	(%rdi,%rsi,4), %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	incl	%esi
	jmp	.Lclear
.Lcleared:
	xorl	%esi, %esi
.Lrestore:
	cmpl	HEADER(RF_PARK_NR_RESTORE), %esi
	jae	.Lheld
	btl	%esi, RF_PARK_VALID(%rbp)
	jnc	.Lrestored
	leaq	HEADER(RF_PARK_RESTORE), %rdi
	movl	(%rdi,%rsi,4), %ecx
	movl	RF_PARK_VALUES(%rbp,%rsi,8), %eax
	movl	RF_PARK_VALUES + 4(%rbp,%rsi,8), %edx
	wrmsr
.Lrestored:
	incl	%esi
	jmp	.Lrestore

	/* The supervisor reads the two words: all before this is done when they are the same. */
.Lheld:
	movl	%r8d, RF_PARK_HELD(%rbp)
.Lhalt:
	leaq	(1 << RF_PARK_RECORD_SHIFT)(%rbp), %rsp
	hlt
	jmp	.Lhalt

.Lstuck:
	cli
	hlt
	jmp	.Lstuck

SYM_INNER_LABEL(rf_park_nmi, SYM_L_GLOBAL)
	incl	RF_PARK_NMIS(%rbp)
	iretq

SYM_INNER_LABEL(rf_park_check, SYM_L_GLOBAL)
	incl	RF_PARK_CHECKS(%rbp)
	movl	$MSR_IA32_MCG_STATUS, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	jmp	.Lhalt

SYM_INNER_LABEL(rf_park_skip, SYM_L_GLOBAL)
	addq	$8, %rsp		/* error code */
	addq	$2, (%rsp)		/* wrmsr is 0f 30 */
	iretq

SYM_INNER_LABEL(rf_park_stuck, SYM_L_GLOBAL)
	jmp	.Lstuck
SYM_DATA_END_LABEL(rf_park_start, SYM_L_GLOBAL, rf_park_end)
