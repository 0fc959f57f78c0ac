/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ABI between user space and rf_supervisor: /dev/rainforest.
 *
 * Two kinds of descriptors take ioctls. Opening the device gives a machine
 * descriptor (RF_IOC_INFO, _MEMORY, _LIST, _CORES, _EVENTS, _FUNCTIONS, _CREATE, _OPEN, poll).
 * CREATE and OPEN return a partition descriptor (RF_IOC_STATUS, _LOAD, _START,
 * _PUBLISH, _DESTROY, _POLICY, _DEFINE, _DEFINITION, _RESIZE, _STOP, _RESET,
 * _STATISTICS, _WINDOW, _CONSOLE, poll, pread).
 *
 * A partition made by CREATE is under construction: it hangs on its
 * descriptor, and closing that descriptor (or dying) undoes everything. START
 * or PUBLISH end the construction; from then on the supervisor owns the subOS,
 * and it lives until DESTROY, whoever holds descriptors of it.
 *
 * A subOS that ended (or hangs) can be started again with RESET, LOAD, START. RESET makes its
 * descriptor the builder's, too: closing it before START leaves the subOS stopped.
 *
 * poll() on a machine descriptor reports POLLIN when there are events newer than
 * the last one this descriptor was given by EVENTS.
 *
 * poll() on a partition descriptor reports POLLIN when the state or stage changed since this
 * descriptor's last STATUS, and POLLHUP once the subOS is destroyed. pread() at offset X reads the
 * partition's memory at physical address X; addresses outside it read as an error (EFAULT).
 *
 * Rights. Whoever may open the device (mode 0600; with udev/60-rainforest.rules also the group
 * rainforest, for reading) may poll(), and call what the list of numbers below marks "any": it
 * looks, and changes nothing. All else needs CAP_SYS_ADMIN of the caller, at the call, whoever
 * opened the descriptor; pread() needs it of both. A descriptor of CONSOLE is for whoever gets it.
 * Callers without it see 0 for physical addresses (rf_status.low_slice, vmcoreinfo,
 * vmcoreinfo_size, ranges[].start; args[1] of RF_EVENT_PCI_FAULT), dots for what may be an address
 * in a text (rf_status.reason, rf_event.detail), and STATISTICS, for all of
 * them together, ask an agent four times a second at most: what comes more often gets the last
 * answer again.
 *
 * All structs are size-first: user space sets `size` to sizeof the struct it
 * was built with. A larger struct than the kernel knows is accepted if the
 * unknown tail is zero (E2BIG otherwise); a smaller one reads as if the rest
 * were zero, and only that much is written back. Reserved fields must be zero.
 *
 * User space and module need not be of the same version: an upgrade replaces the one while the
 * other is loaded and subOSes run. So this interface only grows:
 *   - a struct with a `size` grows at its end, and 0 in a new field means what was before it;
 *   - what lies in arrays (rf_core, rf_function_info, rf_event, rf_segment, names) never grows;
 *   - numbers of calls, flags, states and the like keep their meaning, limits that are the length
 *     of an array in a struct their value, and everything in the boot area (wire/layout.h) its
 *     place. What must differ is a new call.
 * RF_ABI_VERSION counts the growth. Between two versions everything works that the older one
 * knows; what only the newer one knows is E2BIG, ENOTTY or EINVAL if asked for, and reads as 0.
 *   2  the first of which this is true
 *   3  FUNCTIONS; PCI functions in CREATE, STATUS and RESIZE
 *   4  rf_memory: shared, available
 *   5  SMT siblings: rf_info.smt_shift, RF_SPLIT_SIBLINGS; without that flag, which 4 has not, they
 *      are kept together
 *   6  rf_status.crashes
 *
 * Errors common to all calls:
 *   EPERM   the caller lacks CAP_SYS_ADMIN, and the call is not for any
 *   EFAULT  a pointer is bad
 *   EINVAL  size too small, unknown flag, or a reserved field is not zero
 *   E2BIG   the unknown tail of a struct is not zero
 *   ENOTTY  no such call on this kind of descriptor
 *   ENOENT  the subOS behind the descriptor was, or (LOAD, START, PUBLISH) is being destroyed
 */
#ifndef RF_UAPI_RAINFOREST_H
#define RF_UAPI_RAINFOREST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "../wire/arena.h"
#include "../wire/handoff.h"
#include "../wire/layout.h"
#include "../wire/mailbox.h"
#include "../wire/pci.h"
#include "rainforest_events.h"

#define RF_DEVICE		"/dev/rainforest"
#define RF_ABI_VERSION		6

/* States of a subOS. */
enum rf_state {
	RF_STATE_DEFINED	= 1,	/* owns its resources, nothing loaded */
	RF_STATE_LOADED		= 2,	/* boot image in place, no core started */
	RF_STATE_BOOTING	= 3,	/* boot core started, not running yet */
	RF_STATE_RUNNING	= 4,	/* all granted cores are up, and the user's init has begun */
	RF_STATE_STOPPING	= 5,	/* being stopped or destroyed */
	RF_STATE_STOPPED	= 6,	/* went down in order; its cores are held */
	RF_STATE_CRASHED	= 7,	/* went down otherwise; its cores are held */
	RF_STATE_LOST		= 8,	/* heartbeat missing; heals when it beats again */
};

/* How interrupts are addressed on this machine. */
enum rf_apic_mode {
	RF_APIC_XAPIC_PHYSICAL	= 1,
};

/* RF_IOC_INFO: the machine as the supervisor sees it. Never fails for size. */
struct rf_info {
	__u32	size;
	__u32	abi;			/* out: RF_ABI_VERSION of the module */
	char	version[16];		/* out: of rf_supervisor */
	__u32	apic_mode;		/* out: enum rf_apic_mode */
	__u32	bsp_apic_id;		/* out: physical APIC id of core 0 */
	__u32	tsc_khz;		/* out */
	__u32	nr_subos;		/* out */
	__u32	low_slices;		/* out: slices of RF_LOW_SLICE_SIZE for subOSes, in all */
	__u32	low_slices_free;	/* out */
	__u64	memory_block_size;	/* out: bytes */
	__u64	pool_reserved;		/* out: bytes reserved at boot for the pool */
	__u64	pool_total;		/* out: bytes in the pool now (reserved and taken) */
	__u64	pool_free;		/* out: bytes of it nobody owns */
	__u32	smt_shift;		/* out: APIC ids of SMT siblings are equal above so many bits */
	__u32	locked_down;		/* out: 1 if kernel lockdown refuses CREATE */
	__u64	arena;			/* out: bytes of the pool that are shared memory now */
	__u64	last_event;		/* out: sequence of the newest event, 0: none yet */
};

/* RF_IOC_MEMORY: what a CREATE could be given right now. */
struct rf_memory {
	__u32	size;
	__s32	node;			/* in: NUMA node, or -1 for any */
	__u64	pool_free;		/* out: bytes free in the pool on that node */
	__u64	largest_free;		/* out: bytes of the largest free range in it */
	__u64	movable;		/* out: bytes in blocks of ZONE_MOVABLE that are safe to take */
	__u64	other;			/* out: bytes in other blocks that are safe to take, if the
					 * kernel can migrate what lies in them */
	__u64	unsafe;			/* out: bytes in blocks that cannot be taken: the kernel image
					 * or memory allocated at boot is in the way */
	__u64	shared;			/* out: bytes that another subOS needs besides its own, in
					 * memory that all kernels share */
	__u64	available;		/* out: bytes that a CREATE could be given at best: of the
					 * above what `shared` and the supervisor itself leave */
};

/* RF_IOC_LIST: names of all subOSes, in order of creation. */
struct rf_list {
	__u32	size;
	__u32	capacity;		/* in: how many names fit in the buffer */
	__u32	count;			/* out: how many subOSes there are (may exceed capacity) */
	__u32	reserved;
	__aligned_u64 names;		/* in: char[capacity][RF_NAME_MAX] */
};

/* RF_IOC_CORES: every core there is, by logical number. */
struct rf_core {
	__u32	cpu;			/* logical number in the supervisor */
	__u32	apic_id;		/* physical */
	__u32	owner;			/* id of a subOS, 0: the supervisor */
	__u32	lender;			/* borrowed from the subOS of this id, 0: not borrowed */
	__s32	node;			/* NUMA node, -1: unknown */
	__u32	online;			/* 1: online in the supervisor */
};

struct rf_cores {
	__u32	size;
	__u32	capacity;		/* in: how many structs fit in the buffer */
	__u32	count;			/* out: how many cores there are (may exceed capacity) */
	__u32	reserved;
	__aligned_u64 cores;		/* in: struct rf_core[capacity] */
};

/* Why a PCI function cannot be handed out, or not without RF_PCI_FORCE (*). */
enum rf_problem {
	RF_PROBLEM_NONE		= 0,
	RF_PROBLEM_ABSENT	= 1,	/* there is no such function */
	RF_PROBLEM_BRIDGE	= 2,	/* it is a bridge: it stays with the supervisor */
	RF_PROBLEM_LENT		= 3,	/* a subOS has it */
	RF_PROBLEM_NO_ECAM	= 4,	/* ACPI's MCFG table does not reach its configuration space */
	RF_PROBLEM_NO_MSI	= 5,	/* neither MSI nor MSI-X: it could only interrupt by INTx */
	RF_PROBLEM_REMAPPED	= 6,	/* its interrupts are remapped: boot with intremap=off */
	RF_PROBLEM_NO_RESET	= 7,	/* (*) nothing resets it: it cannot be proven quiet */
	RF_PROBLEM_STUCK	= 8,	/* (*) a reset of it failed before */
	RF_PROBLEM_GROUP	= 9,	/* `group` has functions that are not handed out with it */
	RF_PROBLEM_NO_IOMMU	= 10,	/* RF_PCI_REQUIRE_IOMMU: none translates its DMA */
	RF_PROBLEM_VFS		= 11,	/* it has virtual functions: remove them first */
	RF_PROBLEM_BARS		= 12,	/* a memory BAR has no address, or shares a page */
	RF_PROBLEM_DRIVER	= 13,	/* its driver does not let it go, or ours could not take it */
	RF_PROBLEM_MANY		= 14,	/* more than RF_FUNCTIONS_MAX, or named twice */
	RF_PROBLEM_ATS		= 15,	/* it has its own address cache (ATS): boot with pci=noats */
};

/* How a function is reset, the best way first: what `reset` of rf_function_info says. */
enum rf_reset_way {
	RF_RESET_NONE		= 0,
	RF_RESET_FUNCTION	= 1,	/* function-level, or the device's own (PCI core) */
	RF_RESET_BUS		= 2,	/* of all functions behind its port or slot */
	RF_RESET_VIRTIO		= 3,	/* device status 0 (virtio 1.1, 2.1.2) */
};

/* RF_IOC_FUNCTIONS: every PCI function there is, by address. */
struct rf_function_info {
	__u32	bdf;			/* RF_BDF() */
	__u32	owner;			/* id of a subOS, 0: the supervisor */
	__u32	flags;			/* RF_FUNCTION_* */
	__u32	problem;		/* enum rf_problem, for it alone, without force */
	__u32	group;			/* functions of one group change hands together; the lowest
					 * RF_BDF() of the group names it */
	__u32	reset;			/* enum rf_reset_way */
	__u32	iommu;			/* 1: an IOMMU translates its DMA */
	__u32	reserved;
	__u64	faults;			/* DMA faults while the present owner had it */
	char	driver[32];		/* that it goes back to; empty: none, or it is not lent */
};

struct rf_functions {
	__u32	size;
	__u32	capacity;		/* in: how many structs fit in the buffer */
	__u32	count;			/* out: how many functions there are (may exceed capacity) */
	__u32	reserved;
	__aligned_u64 functions;	/* in: struct rf_function_info[capacity] */
};

/* Flags for functions to be handed out or taken back. */
#define RF_PCI_FORCE		1	/* problems marked (*) do not count; RESIZE: without asking */
#define RF_PCI_REQUIRE_IOMMU	2	/* each must be behind an IOMMU that translates */

/*
 * RF_IOC_CREATE: take cores, memory and a low-memory slice, all or nothing.
 *
 *   EPERM   kernel lockdown (as for kexec)
 *   EBUSY   this machine is being suspended
 *   EEXIST  the name is in use, or somebody makes a subOS of that name
 *   EINVAL  malformed name; zero, too many or doubled cores (`culprit`); core 0;
 *           memory 0 or not a multiple of RF_EXTENT_SIZE; unknown node
 *   ENODEV  core `culprit` does not exist or is not online
 *   EXDEV   core `culprit` belongs to another subOS
 *   EDOM    core `culprit` would have another owner than an SMT sibling of it, online or not:
 *           RF_SPLIT_SIBLINGS allows that
 *   EIO     core `culprit` could not be taken offline
 *   ETIMEDOUT  it does not react to INIT
 *   ENOMEM  not so much memory: `available` bytes could have been given; or, if that is
 *           not less than `memory`, this kernel has none for its own records
 *   ENOSPC  no low-memory slice is left
 *   EALREADY  hotplug of this kernel is blocked, or busy for too long: its log says by what
 *   EINTR   a signal arrived while memory was being taken
 *   ENXIO   function `culprit_function` cannot be given: `problem`
 *   EADDRNOTAVAIL the IOMMU cannot map memory of the subOS where it is
 */
#define RF_SPLIT_SIBLINGS	1	/* flag of CREATE, and of RESIZE with cores */

struct rf_create {
	__u32	size;
	__u32	flags;			/* in: RF_SPLIT_SIBLINGS or 0 */
	char	name[RF_NAME_MAX];	/* in */
	__aligned_u64 cpus;		/* in: __u32[nr_cpus], logical numbers; boot core first */
	__u32	nr_cpus;		/* in: 1 .. RF_CPUS_MAX */
	__s32	node;			/* in: NUMA node for the memory, or -1 for any */
	__u64	memory;			/* in: bytes, a multiple of RF_EXTENT_SIZE */
	__u64	available;		/* out: see ENOMEM */
	__u32	culprit;		/* out: see above */
	__s32	fd;			/* out: partition descriptor (O_CLOEXEC) */
	__u32	id;			/* out: id of the subOS, never reused */
	__u32	reserved;
	__aligned_u64 functions;	/* in: __u32[nr_functions], RF_BDF() */
	__u32	nr_functions;		/* in: 0 .. RF_FUNCTIONS_MAX */
	__u32	function_flags;		/* in: RF_PCI_* */
	__u32	culprit_function;	/* out: RF_BDF() */
	__u32	problem;		/* out: enum rf_problem */
};

/* RF_IOC_OPEN: a descriptor of an existing subOS. ENOENT: no such name. */
struct rf_open {
	__u32	size;
	__u32	flags;			/* in: 0 */
	char	name[RF_NAME_MAX];	/* in */
	__s32	fd;			/* out: partition descriptor (O_CLOEXEC) */
	__u32	reserved;
};

/* Moments in the life of a subOS, CLOCK_MONOTONIC nanoseconds, 0 if not reached. */
enum rf_moment {
	RF_MOMENT_CREATE	= 0,	/* CREATE was called */
	RF_MOMENT_CPUS		= 1,	/* its cores are offline and held */
	RF_MOMENT_MEMORY	= 2,	/* its memory is taken and cleared */
	RF_MOMENT_LOADED	= 3,	/* boot image in place */
	RF_MOMENT_START		= 4,	/* the first SIPI is sent to the boot core */
	RF_MOMENT_KERNEL	= 5,	/* the boot core left the trampolines */
	RF_MOMENT_AGENT		= 6,	/* the agent reported */
	RF_MOMENT_RUNNING	= 7,	/* the agent is done, and the user's init has begun */
	RF_MOMENT_END		= 8,	/* stopped or crashed */
	RF_MOMENT_NR		= 9,
};

/* RF_IOC_STATUS: one consistent snapshot of a subOS. */
struct rf_status {
	__u32	size;
	__u32	id;			/* out */
	char	name[RF_NAME_MAX];	/* out */
	__u32	state;			/* out: enum rf_state */
	__u32	cause;			/* out: enum rf_cause */
	__u32	stage;			/* out: enum rf_stage, the furthest reached */
	__u32	cpus_online;		/* out: cores the agent says are up */
	char	reason[RF_REASON_MAX];	/* out: text from the subOS, sanitised, may be empty */
	__u64	memory;			/* out: bytes */
	__u64	low_slice;		/* out: physical address */
	__u64	vmcoreinfo;		/* out: physical address of the VMCOREINFO note, or 0 */
	__u64	vmcoreinfo_size;	/* out */
	__u64	moments[RF_MOMENT_NR];	/* out: enum rf_moment */
	__u64	block_size;		/* out: its kernel's memory block, bytes; 0: not known yet */
	__u64	beat_age_ns;		/* out: since its last heartbeat; 0: none expected */
	__u32	capabilities;		/* out: enum rf_capability, 0: no agent yet */
	__u32	member;			/* out: its number among the kernels */
	__u32	starts;			/* out: how often it was started */
	__u32	restarts_left;		/* out: restarts after a crash that are left to the policy */
	__u32	on_crash;		/* out: enum rf_policy */
	__u32	on_reboot;		/* out: enum rf_policy */
	__u32	hang_timeout_ms;	/* out */
	__u32	console_viewers;	/* out */
	__u32	nr_cpus;		/* out */
	__u32	nr_ranges;		/* out */
	struct rf_range ranges[RF_RANGES_MAX];	/* out: boot range first */
	__u32	cpus[RF_CPUS_MAX];	/* out: logical numbers, boot core first */
	__u32	apic_ids[RF_CPUS_MAX];	/* out: physical APIC ids, same order */
	__u32	nr_functions;		/* out */
	__u32	dma_isolated;		/* out: 1: an IOMMU confines all its functions */
	__u64	dma_faults;		/* out: DMA that the IOMMU blocked, since it was created */
	__u32	functions[RF_FUNCTIONS_MAX];	/* out: RF_BDF() */
	__u32	function_flags[RF_FUNCTIONS_MAX]; /* out: RF_FUNCTION_* */
	__u32	not_held;		/* out: a core that does not react to INIT, 0: none */
	__u32	crashes;		/* out: how often it crashed */
};

/*
 * RF_IOC_LOAD: copy the boot image into the partition. Allowed in `defined`.
 * Every segment must lie inside one range of the partition (or, without the
 * IO-APIC page, in its low slice: not needed, and refused), must not touch the
 * mailbox or the customized trampoline, and must not overlap another.
 *
 *   EBUSY   not in state `defined`; or another LOAD of it has begun meanwhile
 *   ERANGE  segment number `culprit` is outside the partition or overlaps
 */
struct rf_segment {
	__aligned_u64 buf;		/* in: user address */
	__u64	bufsz;			/* in: bytes copied */
	__u64	phys;			/* in: physical address */
	__u64	memsz;			/* in: bytes, >= bufsz; the rest is left zero */
};

struct rf_load {
	__u32	size;
	__u32	nr_segments;		/* in: 1 .. RF_SEGMENTS_MAX */
	__aligned_u64 segments;		/* in: struct rf_segment[nr_segments] */
	__u32	culprit;		/* out */
	__u32	reserved;
};
#define RF_SEGMENTS_MAX		64

/*
 * RF_IOC_START: start the boot core. Allowed in `loaded`. Ends construction.
 * The boot core enters `entry` in 64-bit mode (Documentation/arch/x86/boot.rst,
 * 64-bit boot protocol): CS 0x10, other segments 0x18, interrupts off, CR3 =
 * page_table, RSI = boot_params. Returns when the core left the trampolines.
 *
 *   EBUSY      not in state `loaded`
 *   ERANGE     an address is outside the partition or misaligned
 *   EOPNOTSUPP RF_START_LA57 on a processor without 5-level paging
 *   ETIMEDOUT  the core did not leave the trampolines; the subOS is `crashed`,
 *              STATUS tells the stage, construction is not ended
 */
#define RF_START_LA57		1	/* page_table is a PML5 */

struct rf_start {
	__u32	size;
	__u32	flags;			/* in: RF_START_* */
	__u64	entry;			/* in: physical address */
	__u64	page_table;		/* in: physical address, 4 KiB aligned */
	__u64	boot_params;		/* in: physical address */
};

/*
 * RF_IOC_DESTROY: hold every core, quiesce every function, clear and give back everything. Allowed in
 * every state, also under construction. If something could not be given back
 * (EIO), the subOS stays, in state `stopping`, and DESTROY can be called again.
 *   ETIMEDOUT  core `culprit` does not react to INIT, and may execute anything: nothing was
 *              given back. As above, the subOS stays.
 */
struct rf_destroy {
	__u32	size;
	__u32	flags;			/* in: 0 */
	__u32	cpus_returned;		/* out: cores that are online again in the supervisor */
	__u32	culprit;		/* out, EIO, ETIMEDOUT: a core, or 0 */
	__u64	memory_returned;	/* out: bytes no longer owned by this subOS */
};

/*
 * RF_IOC_POLICY: what becomes of a subOS that ends by itself. Any state.
 *   EINVAL  an unknown policy; a hang time-out below 1 s or above 1 h
 */
enum rf_policy {
	RF_POLICY_KEEP		= 0,	/* it stays as it ended */
	RF_POLICY_RESTART	= 1,	/* started again, by the helper (module parameter helper=) */
	RF_POLICY_DESTROY	= 2,
};

struct rf_policies {
	__u32	size;
	__u32	on_crash;		/* in: after crashed, or silent for longer than hang_timeout_ms */
	__u32	on_reboot;		/* in: after a reboot inside; KEEP or RESTART */
	__u32	restarts;		/* in: restarts after crashes before on_crash becomes KEEP */
	__u32	hang_timeout_ms;	/* in: 1000 .. 3600000 */
	__u32	reserved;
};

/*
 * RF_IOC_DEFINE: keep a text with the subOS, for who starts it again; the
 * supervisor does not look at it. RF_IOC_DEFINITION: read it back.
 *   E2BIG   longer than RF_DEFINITION_MAX
 *   ENOSPC  DEFINITION: longer than the buffer; length tells
 */
#define RF_DEFINITION_MAX	16384

struct rf_definition {
	__u32	size;
	__u32	length;			/* DEFINE in: bytes; DEFINITION in: of the buffer, out: bytes */
	__aligned_u64 text;
};

/*
 * RF_IOC_RESIZE: move cores, memory or functions while the subOS runs. One thing at a time.
 *
 *   EBUSY      state is not `running`; or another resize of it is under way, or was given
 *              up and its agent has not said yet what became of it
 *   EOPNOTSUPP its agent cannot do this
 *   EINVAL     cores: none, too many, doubled, core 0, its boot core (`culprit`);
 *              memory: 0 or not a multiple of RF_EXTENT_SIZE; MOVE to itself
 *   ENODEV     core `culprit` does not exist, or is offline in the supervisor
 *   EXDEV      core `culprit` belongs to another subOS (or, for REMOVE and MOVE, not
 *              to this one; for MOVE and BORROW, is borrowed itself; for RETURN, is not)
 *   EDOM       as for CREATE; cores that go back (REMOVE, RETURN) only must leave none behind. A
 *              RETURN of all then has given back the others; another error of those comes first
 *   EIO        core `culprit` could not be taken offline or brought up; `error` has what the other
 *              side said (ETIMEDOUT: it does not react to INIT). Results say what had been done.
 *   ENOMEM     MEMORY_ADD: not so much, `available` bytes could be given; or, if that is
 *              not less than `memory`, this kernel has none for its own records
 *   ETIMEDOUT  no answer in time: cancelled. Results say what had been done.
 *   EINTR      a signal: cancelled, in the same way
 *   EPROTO     an answer of the agent makes no sense: cancelled, in the same way
 *   EPIPE      the subOS ended meanwhile
 *   EALREADY   as for CREATE
 *   ENXIO      function `culprit_function` cannot be given or (it is not this subOS's) taken:
 *              `problem`
 *   EADDRNOTAVAIL MEMORY_ADD, PCI_ADD: the IOMMU cannot map memory of the subOS where it is
 *   EINPROGRESS PCI_REMOVE with RF_PCI_FORCE: taken and silenced, but the subOS did not
 *              confirm; nobody gets it before the subOS does, or ends
 * Success in part (MEMORY_REMOVE) is 0 with `memory_done` smaller than `memory`.
 */
enum rf_resize_op {
	RF_RESIZE_CORES_ADD	= 1,	/* from the supervisor */
	RF_RESIZE_CORES_REMOVE	= 2,	/* to the supervisor */
	RF_RESIZE_MEMORY_ADD	= 3,	/* rounded up to the subOS's memory blocks */
	RF_RESIZE_MEMORY_REMOVE	= 4,
	RF_RESIZE_MOVE		= 5,	/* cores of this subOS to that of `to_fd` */
	RF_RESIZE_BORROW	= 6,	/* the same, registered: RETURN, or its end, gives them back */
	RF_RESIZE_RETURN	= 7,	/* borrowed cores of this subOS to their lenders; none named: all */
	RF_RESIZE_PCI_ADD	= 8,	/* functions, from the supervisor */
	RF_RESIZE_PCI_REMOVE	= 9,	/* functions, to the supervisor; RF_PCI_FORCE also from a
					 * subOS that is lost or does not answer */
};

struct rf_resize {
	__u32	size;
	__u32	op;			/* in: enum rf_resize_op */
	__aligned_u64 cpus;		/* in: __u32[nr_cpus], logical numbers */
	__u32	nr_cpus;		/* in */
	__s32	to_fd;			/* in, MOVE and BORROW: partition descriptor of the receiver */
	__u64	memory;			/* in: bytes */
	__u32	timeout_ms;		/* in: 0: 10 s */
	__s32	node;			/* in, MEMORY_ADD: NUMA node, -1: any */
	__u32	cpus_done;		/* out: cores that changed hands for good */
	__u32	culprit;		/* out */
	__u64	memory_done;		/* out: bytes that changed hands for good */
	__u64	available;		/* out */
	__s32	error;			/* out: errno of the other side, 0: none */
	__u32	flags;			/* in: RF_SPLIT_SIBLINGS, for ops on cores; else 0 */
	__aligned_u64 functions;	/* in: __u32[nr_functions], RF_BDF() */
	__u32	nr_functions;		/* in: PCI_ADD, PCI_REMOVE: 1 .. RF_FUNCTIONS_MAX */
	__u32	function_flags;		/* in: RF_PCI_* */
	__u32	functions_done;		/* out: functions that changed hands for good */
	__u32	culprit_function;	/* out: RF_BDF() */
	__u32	problem;		/* out: enum rf_problem */
	__u32	drivers;		/* out, PCI_ADD: functions that a driver of the subOS took */
};

/*
 * RF_IOC_STOP: ask the subOS to go down, or (RF_STOP_NOW) hold its cores at once.
 * Returns when the agent took the request (or the cores are held); poll() tells the end.
 *   EBUSY      it does not run (asked before: 0); RF_STOP_NOW works in booting, running,
 *              lost, stopping
 *   EOPNOTSUPP it has no agent: use RF_STOP_NOW
 *   ETIMEDOUT  the agent did not answer
 *   EPROTO     its answer makes no sense
 */
#define RF_STOP_NOW		1	/* without asking */
#define RF_STOP_RESTART		2	/* it is going to be started again: not an end by itself */

struct rf_stop_args {
	__u32	size;
	__u32	flags;			/* in */
};

/*
 * RF_IOC_RESET: make a subOS that ended startable: its cores are held, its memory
 * is cleared, its state is `defined` again; it keeps what it owns. The descriptor
 * becomes the builder's; closing it before START leaves the subOS `stopped`.
 *   EBUSY   it has not ended (RF_RESET_LOST: `lost` is accepted), or this machine is being
 *           suspended
 *   ETIMEDOUT  a core of it does not react to INIT (struct rf_status: not_held)
 */
#define RF_RESET_LOST		1

struct rf_reset {
	__u32	size;
	__u32	flags;			/* in */
};

/*
 * RF_IOC_STATISTICS: numbers from inside the subOS, asked for right now. Display only.
 *   EBUSY, EOPNOTSUPP, ETIMEDOUT, EPROTO  as for RESIZE. Without CAP_SYS_ADMIN the agent is asked less
 *              often: the last answer, also an error, is kept, and EBUSY is also that it is resized
 */
struct rf_stats {
	__u32	size;
	__u32	reserved;
	struct rf_statistics inside;	/* out */
};

/* RF_IOC_WINDOW: the console's terminal has this size now. Errors as for STATISTICS. */
struct rf_window {
	__u32	size;
	__u16	rows;			/* in */
	__u16	columns;		/* in */
};

/*
 * RF_IOC_CONSOLE: a descriptor of the subOS's console. read() gives the scroll-back
 * (at most RF_SCROLLBACK bytes) and then what comes, blocking unless O_NONBLOCK; it
 * works on after the subOS died, and returns 0 once it is destroyed. write() is input
 * for the subOS (short or EAGAIN if its ring is full). poll() works.
 *   EBUSY   RF_CONSOLE_WRITE: somebody else writes
 */
#define RF_CONSOLE_WRITE	1
#define RF_CONSOLE_LIVE		2	/* without the scroll-back */
#define RF_SCROLLBACK		(512 << 10)

struct rf_console_open {
	__u32	size;
	__u32	flags;			/* in */
	__s32	fd;			/* out: O_CLOEXEC */
	__u32	reserved;
};

/*
 * Numbers carry no size: the structs grow (see above). Argument: struct of the same name.
 * any: for whoever may open the device. The others need CAP_SYS_ADMIN; MEMORY, which looks, too,
 * reads all of /proc/iomem, with all addresses, while nobody can create.
 */
#define RF_IOC_MAGIC	0xF5
#define RF_IOC_INFO	_IO(RF_IOC_MAGIC, 0x00)	/* any */
#define RF_IOC_MEMORY	_IO(RF_IOC_MAGIC, 0x01)
#define RF_IOC_LIST	_IO(RF_IOC_MAGIC, 0x02)	/* any */
#define RF_IOC_CREATE	_IO(RF_IOC_MAGIC, 0x03)
#define RF_IOC_OPEN	_IO(RF_IOC_MAGIC, 0x04)	/* any */
#define RF_IOC_CORES	_IO(RF_IOC_MAGIC, 0x05)	/* any */
#define RF_IOC_EVENTS	_IO(RF_IOC_MAGIC, 0x06)	/* any */
#define RF_IOC_FUNCTIONS _IO(RF_IOC_MAGIC, 0x07) /* any */
#define RF_IOC_STATUS	_IO(RF_IOC_MAGIC, 0x10)	/* any */
#define RF_IOC_LOAD	_IO(RF_IOC_MAGIC, 0x11)
#define RF_IOC_START	_IO(RF_IOC_MAGIC, 0x12)
#define RF_IOC_PUBLISH	_IO(RF_IOC_MAGIC, 0x13)	/* end construction without a start: no argument */
#define RF_IOC_DESTROY	_IO(RF_IOC_MAGIC, 0x14)
#define RF_IOC_POLICY	_IO(RF_IOC_MAGIC, 0x15)	/* struct rf_policies */
#define RF_IOC_DEFINE	_IO(RF_IOC_MAGIC, 0x16)	/* struct rf_definition */
#define RF_IOC_DEFINITION _IO(RF_IOC_MAGIC, 0x17)	/* struct rf_definition */
#define RF_IOC_RESIZE	_IO(RF_IOC_MAGIC, 0x18)
#define RF_IOC_STOP	_IO(RF_IOC_MAGIC, 0x19)	/* struct rf_stop_args */
#define RF_IOC_RESET	_IO(RF_IOC_MAGIC, 0x1a)
#define RF_IOC_STATISTICS _IO(RF_IOC_MAGIC, 0x1b) /* any; struct rf_stats */
#define RF_IOC_WINDOW	_IO(RF_IOC_MAGIC, 0x1c)
#define RF_IOC_CONSOLE	_IO(RF_IOC_MAGIC, 0x1d)	/* struct rf_console_open */

#endif /* RF_UAPI_RAINFOREST_H */
