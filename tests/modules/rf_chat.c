// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: a client of rf_ficm, the same on every side. Commands are written to
 * /sys/kernel/debug/rf_chat/command and end with the write; what came of them is
 * read from /sys/kernel/debug/rf_chat/report.
 *
 *   echo MEMBER COUNT             so many questions, each after the answer to the last
 *   flood MEMBERS COUNT PRIORITY  so many numbered messages to each member in a bit mask
 *   stop                          end floods
 *   multicast MEMBERS             one message to each, or to all there are (0)
 *   stall MS                      the handler of `fill` messages waits so long, once
 *   fill MEMBER                   messages until the ring is full
 *   atomic MEMBER COUNT           increments of one word in the home segment of MEMBER
 *   bell                          a doorbell of our own
 *   ring MEMBER INDEX COUNT       ring a doorbell
 *   storm MEMBERS MS              ring all doorbells of these without a pause
 *   forge OP KIND A B MS          answers with these arguments to all requests that the
 *                                 supervisor may have under way, for so long or until a signal
 *   deaf CPU MS MEMBER            one question, while that other core takes no interrupts
 *
 * A flood numbers its messages from 0. Who receives them counts what is missing,
 * what comes twice or too late, and what is not as it was sent.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "command_file.h"
#include "kernel/ficm.h"
#include "wire/control.h"

enum rf_chat_type {
	RF_CHAT_QUESTION	= RF_MSG_USER + 0x10,
	RF_CHAT_ANSWER,
	RF_CHAT_FLOOD,
	RF_CHAT_ALL,
	RF_CHAT_FILL,
};

#define RF_CHAT_PATIENCE	(5 * HZ)
/* A test does not make more requests. */
#define RF_CHAT_REQUESTS	48
/* A word in a home segment that nothing else uses. */
#define RF_CHAT_WORD_OFF	(RF_HOME_SIZE - 64)

struct rf_chat_number {
	u64 number;
	u64 check;
};

/* What came from one member, of one type. Written by the handler only. */
struct rf_chat_flow {
	u64 next;			/* number expected */
	u64 count, lost, late, wrong;
};

static struct rf_chat_flow rf_floods[RF_MEMBERS_MAX], rf_fills[RF_MEMBERS_MAX];
static u64 rf_alls[RF_MEMBERS_MAX];
static u64 rf_sent, rf_full, rf_given_up, rf_answers, rf_unanswered;
static u32 rf_reached, rf_filled, rf_question, rf_rung, rf_waited_ms;
static unsigned int rf_stall_ms;
static bool rf_stop;
static DECLARE_COMPLETION(rf_answered);
static DECLARE_COMPLETION(rf_is_deaf);
static DEFINE_MUTEX(rf_echo_lock);

static struct rf_doorbell *rf_bell;
static atomic_t rf_bell_rung = ATOMIC_INIT(0);
static struct dentry *rf_chat_dir;

static u64 rf_check(u64 number, u32 from)
{
	return (number + 1) * 0x9e3779b97f4a7c15ULL ^ from;
}

/* ---- handlers ---- */

static void rf_note(struct rf_chat_flow *flow, u32 from, const struct rf_message *message)
{
	struct rf_chat_number body;

	memcpy(&body, message->payload, sizeof(body));
	if (message->length != sizeof(body) || body.check != rf_check(body.number, from)) {
		flow->wrong++;
		return;
	}
	if (!body.number)
		memset(flow, 0, sizeof(*flow));
	flow->count++;
	if (body.number < flow->next) {
		flow->late++;
		return;
	}
	flow->lost += body.number - flow->next;
	flow->next = body.number + 1;
}

static void rf_on_flood(u32 from, const struct rf_message *message, void *unused)
{
	rf_note(&rf_floods[from], from, message);
}

static void rf_on_all(u32 from, const struct rf_message *message, void *unused)
{
	rf_alls[from]++;
}

static void rf_on_fill(u32 from, const struct rf_message *message, void *unused)
{
	unsigned int wait = xchg(&rf_stall_ms, 0);

	if (wait)
		msleep(wait);
	rf_note(&rf_fills[from], from, message);
}

static void rf_on_question(u32 from, const struct rf_message *message, void *unused)
{
	if (rf_ficm_send(from, RF_NORMAL, RF_CHAT_ANSWER, message->payload, message->length))
		rf_unanswered++;
}

static void rf_on_answer(u32 from, const struct rf_message *message, void *unused)
{
	u32 number;

	memcpy(&number, message->payload, sizeof(number));
	if (number == READ_ONCE(rf_question))
		complete(&rf_answered);
}

static void rf_on_bell(void *unused)
{
	atomic_inc(&rf_bell_rung);
}

static const struct {
	u16 type;
	enum rf_ficm_context context;
	rf_ficm_handler handler;
} rf_handlers[] = {
	{ RF_CHAT_QUESTION, RF_FICM_SOFTIRQ, rf_on_question },
	{ RF_CHAT_ANSWER, RF_FICM_SOFTIRQ, rf_on_answer },
	{ RF_CHAT_FLOOD, RF_FICM_SOFTIRQ, rf_on_flood },
	{ RF_CHAT_ALL, RF_FICM_SOFTIRQ, rf_on_all },
	{ RF_CHAT_FILL, RF_FICM_PROCESS, rf_on_fill },
};

/* ---- commands ---- */

static int rf_echo(u32 member, u32 count)
{
	int rc = 0;

	mutex_lock(&rf_echo_lock);
	rf_answers = 0;
	while (!rc && rf_answers < count) {
		u32 number = READ_ONCE(rf_question) + 1;

		reinit_completion(&rf_answered);
		WRITE_ONCE(rf_question, number);
		rc = rf_ficm_send(member, RF_NORMAL, RF_CHAT_QUESTION, &number, sizeof(number));
		if (!rc && !wait_for_completion_timeout(&rf_answered, RF_CHAT_PATIENCE))
			rc = -ETIMEDOUT;
		rf_answers += !rc;
	}
	mutex_unlock(&rf_echo_lock);
	return rc;
}

static int rf_send_number(u32 member, enum rf_priority priority, u16 type, u64 number)
{
	const struct rf_chat_number body = {
		.number = number, .check = rf_check(number, rf_ficm_self()),
	};

	return rf_ficm_send(member, priority, type, &body, sizeof(body));
}

/* One message to each of @members that has room; returns who is through or gone. */
static u32 rf_flood_round(u32 members, u64 *next, u64 count, enum rf_priority priority)
{
	u32 done = 0, member;
	bool moved = false;

	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		int rc;

		if (!(members & BIT(member)))
			continue;
		rc = rf_send_number(member, priority, RF_CHAT_FLOOD, next[member]);
		if (rc == -EAGAIN) {
			rf_full++;
		} else if (rc) {
			rf_given_up++;
			done |= BIT(member);
		} else {
			moved = true;
			rf_sent++;
			if (++next[member] == count)
				done |= BIT(member);
		}
	}
	if (!moved)
		usleep_range(50, 200);
	return done;
}

static int rf_flood(u32 members, u64 count, enum rf_priority priority)
{
	u64 next[RF_MEMBERS_MAX] = { 0 }, sent;
	unsigned long end = jiffies + RF_CHAT_PATIENCE;

	WRITE_ONCE(rf_stop, false);
	while (members && !READ_ONCE(rf_stop)) {
		if (signal_pending(current))
			return -EINTR;
		sent = rf_sent;
		members &= ~rf_flood_round(members, next, count, priority);
		if (rf_sent != sent)
			end = jiffies + RF_CHAT_PATIENCE;
		else if (time_after(jiffies, end))
			return -ETIMEDOUT;
		cond_resched();
	}
	return 0;
}

static int rf_fill(u32 member)
{
	int rc;

	for (rf_filled = 0; rf_filled < 100000; rf_filled++) {
		rc = rf_send_number(member, RF_NORMAL, RF_CHAT_FILL, rf_filled);
		if (rc)
			return rc == -EAGAIN ? 0 : rc;
	}
	return -EOVERFLOW;
}

static int rf_count_up(u32 member, u32 count)
{
	void *home = rf_ficm_segment(member);
	atomic_t *word;

	if (!home)
		return -ENOENT;
	for (word = home + RF_CHAT_WORD_OFF; count; count--) {
		atomic_inc(word);
		if (!(count & 0xfff))
			cond_resched();
	}
	return 0;
}

static int rf_make_bell(void)
{
	struct rf_doorbell *bell;

	if (rf_bell)
		return -EBUSY;
	bell = rf_doorbell_create(RF_DOORBELL_ANY, raw_smp_processor_id(), "rf_chat", rf_on_bell,
				  NULL);
	if (IS_ERR(bell))
		return PTR_ERR(bell);
	rf_bell = bell;
	return 0;
}

static int rf_ring(u32 member, u32 index, u32 count)
{
	int rc = 0;

	for (; count && !rc; count--) {
		rc = rf_doorbell_ring(member, index);
		usleep_range(20, 100);
	}
	return rc;
}

static int rf_storm(u32 members, u32 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	u32 member, index;

	for (rf_rung = 0; time_before(jiffies, end); cond_resched())
		for (member = 0; member < RF_MEMBERS_MAX; member++)
			for (index = 0; index < RF_DOORBELLS_MAX && members & BIT(member); index++)
				rf_rung += !rf_doorbell_ring(member, index);
	return 0;
}

static int rf_forge(struct rf_control control, u32 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	for (; time_before(jiffies, end) && !signal_pending(current); usleep_range(500, 1000))
		for (control.id = 1; control.id <= RF_CHAT_REQUESTS; control.id++)
			rf_ficm_send(0, RF_URGENT, RF_MSG_ANSWER, &control, sizeof(control));
	return 0;
}

static void rf_be_deaf(void *ms)
{
	complete(&rf_is_deaf);
	mdelay((unsigned long)ms);
}

static int rf_ask_deaf(u32 cpu, u32 ms, u32 member)
{
	ktime_t asked;
	int rc;

	if (cpu == get_cpu() || ms > MSEC_PER_SEC) {
		put_cpu();
		return -EINVAL;
	}
	reinit_completion(&rf_is_deaf);
	rc = smp_call_function_single(cpu, rf_be_deaf, (void *)(unsigned long)ms, false);
	put_cpu();
	if (rc)
		return rc;
	if (!wait_for_completion_timeout(&rf_is_deaf, RF_CHAT_PATIENCE))
		return -ETIMEDOUT;
	asked = ktime_get();
	rc = rf_echo(member, 1);
	rf_waited_ms = ktime_ms_delta(ktime_get(), asked);
	return rc;
}

static int rf_run(const char *line)
{
	struct rf_control control = {};
	u32 a, b, c;

	if (sscanf(line, "forge %hu %hu %lld %lld %u", &control.op, &control.answer,
		   &control.args[0], &control.args[1], &a) == 5)
		return rf_forge(control, a);
	if (sscanf(line, "echo %u %u", &a, &b) == 2)
		return rf_echo(a, b);
	if (sscanf(line, "flood %x %u %u", &a, &b, &c) == 3 && c < RF_PRIORITIES)
		return rf_flood(a, b, c);
	if (sscanf(line, "fill %u", &a) == 1)
		return rf_fill(a);
	if (sscanf(line, "stall %u", &a) == 1) {
		WRITE_ONCE(rf_stall_ms, a);
		return 0;
	}
	if (sscanf(line, "multicast %x", &a) == 1) {
		rf_reached = a ? rf_ficm_multicast(a, RF_NORMAL, RF_CHAT_ALL, NULL, 0)
			       : rf_ficm_broadcast(RF_NORMAL, RF_CHAT_ALL, NULL, 0);
		return 0;
	}
	if (sscanf(line, "atomic %u %u", &a, &b) == 2)
		return rf_count_up(a, b);
	if (sscanf(line, "storm %x %u", &a, &b) == 2)
		return rf_storm(a, b);
	if (sscanf(line, "ring %u %u %u", &a, &b, &c) == 3)
		return rf_ring(a, b, c);
	if (sscanf(line, "deaf %u %u %u", &a, &b, &c) == 3)
		return rf_ask_deaf(a, b, c);
	if (!strcmp(line, "bell"))
		return rf_make_bell();
	if (!strcmp(line, "stop")) {
		WRITE_ONCE(rf_stop, true);
		return 0;
	}
	return -EINVAL;
}

static void rf_show_flow(struct seq_file *m, const char *what, u32 member,
			 const struct rf_chat_flow *flow)
{
	if (flow->count || flow->wrong)
		seq_printf(m, "%s %u count %llu lost %llu late %llu wrong %llu\n", what, member,
			   flow->count, flow->lost, flow->late, flow->wrong);
}

static int rf_report_show(struct seq_file *m, void *unused)
{
	u32 member;

	seq_printf(m, "self %u\n", rf_ficm_self());
	seq_printf(m, "sent %llu\nfull %llu\ngiven_up %llu\n", rf_sent, rf_full, rf_given_up);
	seq_printf(m, "answers %llu\nunanswered %llu\n", rf_answers, rf_unanswered);
	seq_printf(m, "reached %#x\nfilled %u\nstormed %u\n", rf_reached, rf_filled, rf_rung);
	seq_printf(m, "waited_ms %u\n", rf_waited_ms);
	if (rf_bell)
		seq_printf(m, "bell %u\nrung %d\n", rf_doorbell_index(rf_bell),
			   atomic_read(&rf_bell_rung));
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		const void *home = rf_ficm_segment(member);

		if (rf_ficm_present(member))
			seq_printf(m, "present %u\n", member);
		if (home)
			seq_printf(m, "word %u %d\n", member,
				   atomic_read((const atomic_t *)(home + RF_CHAT_WORD_OFF)));
		rf_show_flow(m, "flood", member, &rf_floods[member]);
		rf_show_flow(m, "fill", member, &rf_fills[member]);
		if (rf_alls[member])
			seq_printf(m, "all %u %llu\n", member, rf_alls[member]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rf_report);

/* ---- module ---- */

static void rf_unregister(size_t count)
{
	while (count--)
		rf_ficm_unregister(rf_handlers[count].type);
}

static int __init rf_chat_init(void)
{
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(rf_handlers); i++) {
		rc = rf_ficm_register(rf_handlers[i].type, rf_handlers[i].context,
				      rf_handlers[i].handler, NULL);
		if (rc) {
			rf_unregister(i);
			return rc;
		}
	}
	rf_chat_dir = debugfs_create_dir("rf_chat", NULL);
	rf_command_file(rf_chat_dir, rf_run);
	debugfs_create_file("report", 0400, rf_chat_dir, NULL, &rf_report_fops);
	return 0;
}
module_init(rf_chat_init);

static void __exit rf_chat_exit(void)
{
	WRITE_ONCE(rf_stop, true);
	debugfs_remove(rf_chat_dir);
	if (rf_bell)
		rf_doorbell_destroy(rf_bell);
	rf_unregister(ARRAY_SIZE(rf_handlers));
}
module_exit(rf_chat_exit);

MODULE_DESCRIPTION("rainforest test: talk to other kernels");
MODULE_LICENSE("GPL");
