/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a subOS: which phase follows which, and what a phase means for its cores and
 * its kernel. The state that is reported is enum rf_state (uapi/rainforest.h).
 *
 *   DEFINED -> LOADED -> BOOTING -> RUNNING <-> LOST       each of these, and STOPPING,
 *    ^   |       |          |          \         /         can become DYING or ENDED
 *    |   |       |          |           STOPPING
 *    |   |       |          v               |
 *    |   |       |        DYING             |
 *    |   |       v          |               |
 *    |   +---> ENDED <------+---------------+
 *    |          ^ |
 *    +----- RESETTING             each of them but GONE -> DESTROYING -> GONE
 *
 * BOOTING becomes LOST, too, and is then BOOTING again; it cannot become STOPPING.
 * DEFINED and LOADED become ENDED again if the builder of a RESET goes away; LOADED also if
 * the boot core does not reach the kernel.
 */
#ifndef RF_LEDGER_LIFE_H
#define RF_LEDGER_LIFE_H

#include "owner.h"
#include "uapi/rainforest.h"
#include "wire/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rf_phase {
	RF_PHASE_DEFINED,		/* owns its resources, nothing loaded */
	RF_PHASE_LOADED,		/* boot image in place */
	RF_PHASE_BOOTING,		/* boot core started; its agent has not reported it as running */
	RF_PHASE_RUNNING,		/* its agent is in place */
	RF_PHASE_LOST,			/* heartbeat missing */
	RF_PHASE_STOPPING,		/* its agent agreed to go down */
	RF_PHASE_DYING,			/* panicked: may print until its cores are held */
	RF_PHASE_ENDED,			/* its cores are held, it still owns everything */
	RF_PHASE_RESETTING,		/* being made startable; reported as when ENDED */
	RF_PHASE_DESTROYING,		/* its cores are held; nobody watches it any more */
	RF_PHASE_GONE,			/* owns nothing; only descriptors are left */
	RF_PHASE_NR
};

/* All zeros: DEFINED. */
struct rf_life {
	enum rf_phase phase;
	enum rf_cause cause;		/* why it ended, or is about to; else RF_CAUSE_NONE */
};

int rf_life_enter(struct rf_life *life, enum rf_phase phase, enum rf_cause cause);
bool rf_phase_transition(enum rf_phase from, enum rf_phase to);
bool rf_phase_explains(enum rf_phase phase, enum rf_cause cause);
enum rf_state rf_phase_state(enum rf_phase phase, enum rf_cause cause);
bool rf_cause_orderly(enum rf_cause cause);

/* What a phase means. Context of these: any. */
bool rf_phase_live(enum rf_phase phase);
bool rf_phase_held(enum rf_phase phase);
bool rf_phase_has_kernel(enum rf_phase phase);
bool rf_phase_adjustable(enum rf_phase phase);
bool rf_phase_stoppable(enum rf_phase phase);
bool rf_phase_resettable(enum rf_phase phase, bool lost_too);
bool rf_phase_destroyable(enum rf_phase phase);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_LIFE_H */
