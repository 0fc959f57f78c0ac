/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a backend needs of the kernel's hvc console. Its header lies beside its
 * source (drivers/tty/hvc/hvc_console.h) and is not in the headers package. The
 * characters became u8, and their number size_t, in 6.8.
 */
#ifndef RF_COMPAT_HVC_H
#define RF_COMPAT_HVC_H

#include <linux/spinlock.h>
#include <linux/tty.h>
#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
typedef u8 rf_hvc_char;
typedef size_t rf_hvc_count;
typedef ssize_t rf_hvc_result;
#else
typedef char rf_hvc_char;
typedef int rf_hvc_count;
typedef int rf_hvc_result;
#endif

/* Only its beginning: the rest differs between versions, and belongs to hvc. */
struct hvc_struct {
	struct tty_port port;
	spinlock_t lock;
};

struct hv_ops {
	rf_hvc_result (*get_chars)(uint32_t vtermno, rf_hvc_char *buf, rf_hvc_count count);
	rf_hvc_result (*put_chars)(uint32_t vtermno, const rf_hvc_char *buf, rf_hvc_count count);
	int (*flush)(uint32_t vtermno, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int irq);
	void (*notifier_del)(struct hvc_struct *hp, int irq);
	void (*notifier_hangup)(struct hvc_struct *hp, int irq);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set, unsigned int clear);
	void (*dtr_rts)(struct hvc_struct *hp, int raise);
};

struct hvc_struct *hvc_alloc(uint32_t vtermno, int data, const struct hv_ops *ops,
			     int outbuf_size);
int hvc_remove(struct hvc_struct *hp);
void hvc_kick(void);
void __hvc_resize(struct hvc_struct *hp, struct winsize ws);

static inline void hvc_resize(struct hvc_struct *hp, struct winsize ws)
{
	unsigned long flags;

	spin_lock_irqsave(&hp->lock, flags);
	__hvc_resize(hp, ws);
	spin_unlock_irqrestore(&hp->lock, flags);
}

#endif /* RF_COMPAT_HVC_H */
