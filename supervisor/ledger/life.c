// SPDX-License-Identifier: GPL-2.0
/* Lives of subOSes: which phase follows which, and what each means. */
#include "life.h"
#include "portable.h"

#define RF_TO(phase)	(1u << RF_PHASE_##phase)
/* Allowed after every phase in which a kernel runs. */
#define RF_TO_END	(RF_TO(DYING) | RF_TO(ENDED) | RF_TO(DESTROYING))

/* What may follow each phase. */
static const __u16 rf_phase_follows[RF_PHASE_NR] = {
	[RF_PHASE_DEFINED] = RF_TO(LOADED) | RF_TO(ENDED) | RF_TO(DESTROYING),
	[RF_PHASE_LOADED] = RF_TO(BOOTING) | RF_TO(ENDED) | RF_TO(DESTROYING),
	[RF_PHASE_BOOTING] = RF_TO(RUNNING) | RF_TO(LOST) | RF_TO_END,
	[RF_PHASE_RUNNING] = RF_TO(LOST) | RF_TO(STOPPING) | RF_TO_END,
	[RF_PHASE_LOST] = RF_TO(BOOTING) | RF_TO(RUNNING) | RF_TO(STOPPING) | RF_TO_END,
	[RF_PHASE_STOPPING] = RF_TO_END,
	[RF_PHASE_DYING] = RF_TO(ENDED) | RF_TO(DESTROYING),
	[RF_PHASE_ENDED] = RF_TO(RESETTING) | RF_TO(DESTROYING),
	[RF_PHASE_RESETTING] = RF_TO(DEFINED) | RF_TO(ENDED) | RF_TO(DESTROYING),
	[RF_PHASE_DESTROYING] = RF_TO(GONE),
};

/* Is @to allowed after @from? */
bool rf_phase_transition(enum rf_phase from, enum rf_phase to)
{
	return (__u32)from < RF_PHASE_NR && (__u32)to < RF_PHASE_NR &&
	       rf_phase_follows[from] & (1u << to);
}

/* Was this an orderly end, and not a fault? */
bool rf_cause_orderly(enum rf_cause cause)
{
	switch (cause) {
	case RF_CAUSE_OPERATOR:
	case RF_CAUSE_POWEROFF:
	case RF_CAUSE_HALT:
	case RF_CAUSE_REBOOT:
	case RF_CAUSE_ACPI_SLEEP:
	case RF_CAUSE_SUPERVISOR:
		return true;
	default:
		return false;
	}
}

/* Can a subOS be in this phase for this cause? */
bool rf_phase_explains(enum rf_phase phase, enum rf_cause cause)
{
	switch (phase) {
	case RF_PHASE_STOPPING:
	case RF_PHASE_DESTROYING:
	case RF_PHASE_GONE:
		return cause == RF_CAUSE_OPERATOR;
	case RF_PHASE_DYING:
		return cause == RF_CAUSE_PANIC;
	case RF_PHASE_ENDED:
	case RF_PHASE_RESETTING:
		return (__u32)cause > RF_CAUSE_NONE && (__u32)cause < RF_CAUSE_NR;
	default:
		return (__u32)phase < RF_PHASE_NR && cause == RF_CAUSE_NONE;
	}
}

/* Does the cause stay the same? The first cause that is known is the one that is reported. */
static bool rf_phase_keeps_cause(enum rf_phase from, enum rf_phase to)
{
	return (from == RF_PHASE_DYING && to == RF_PHASE_ENDED) ||
	       (from == RF_PHASE_ENDED && to == RF_PHASE_RESETTING) ||
	       (from == RF_PHASE_RESETTING && to == RF_PHASE_ENDED);
}

/**
 * rf_life_enter() - enter the next phase of a life
 * @life: the life
 * @phase: the next phase
 * @cause: why; RF_CAUSE_NONE for phases in which nothing has ended
 *
 * Context: State lock held; for DEFINED, LOADED, RESETTING and GONE the ledger lock as well.
 * Return: 0; -EINVAL @phase may not follow, or not for this cause. On error nothing has
 *         changed.
 */
int rf_life_enter(struct rf_life *life, enum rf_phase phase, enum rf_cause cause)
{
	if (!rf_phase_transition(life->phase, phase) || !rf_phase_explains(phase, cause))
		return -EINVAL;
	if (rf_phase_keeps_cause(life->phase, phase) && cause != life->cause)
		return -EINVAL;
	WRITE_ONCE(life->cause, cause);
	WRITE_ONCE(life->phase, phase);
	return 0;
}

/* The state that is reported; after an end, it says which kind of end that was. */
enum rf_state rf_phase_state(enum rf_phase phase, enum rf_cause cause)
{
	switch (phase) {
	case RF_PHASE_DEFINED:
		return RF_STATE_DEFINED;
	case RF_PHASE_LOADED:
		return RF_STATE_LOADED;
	case RF_PHASE_BOOTING:
		return RF_STATE_BOOTING;
	case RF_PHASE_RUNNING:
		return RF_STATE_RUNNING;
	case RF_PHASE_LOST:
		return RF_STATE_LOST;
	case RF_PHASE_DYING:
		return RF_STATE_CRASHED;
	case RF_PHASE_ENDED:
	case RF_PHASE_RESETTING:
		return rf_cause_orderly(cause) ? RF_STATE_STOPPED : RF_STATE_CRASHED;
	default:
		return RF_STATE_STOPPING;
	}
}

/* Does a kernel run in it, as far as is known? It is watched, and can be sent messages. */
bool rf_phase_live(enum rf_phase phase)
{
	return phase == RF_PHASE_BOOTING || phase == RF_PHASE_RUNNING ||
	       phase == RF_PHASE_LOST || phase == RF_PHASE_STOPPING;
}

/* Were all its cores called to the park? If not, a kernel may execute in it, and it is watched. */
bool rf_phase_held(enum rf_phase phase)
{
	return !rf_phase_live(phase) && phase != RF_PHASE_DYING;
}

/* Is its kernel known to others, or about to be as soon as the boot core is started? */
bool rf_phase_has_kernel(enum rf_phase phase)
{
	return phase == RF_PHASE_LOADED || rf_phase_live(phase);
}

/* Can it be resized, and can its agent get requests? */
bool rf_phase_adjustable(enum rf_phase phase)
{
	return phase == RF_PHASE_RUNNING;
}

/* Can its agent be asked to go down? */
bool rf_phase_stoppable(enum rf_phase phase)
{
	return phase == RF_PHASE_RUNNING || phase == RF_PHASE_LOST;
}

/* Can it be reset? @lost_too: also if only the heartbeat is missing; it is ENDED first. */
bool rf_phase_resettable(enum rf_phase phase, bool lost_too)
{
	return phase == RF_PHASE_ENDED || phase == RF_PHASE_DYING ||
	       (lost_too && phase == RF_PHASE_LOST);
}

/* Can its destruction begin, or be tried again? */
bool rf_phase_destroyable(enum rf_phase phase)
{
	return phase != RF_PHASE_GONE;
}
