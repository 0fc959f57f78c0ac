/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little that a module can learn only through a file: the resource tree (its
 * lock is not exported, /proc/iomem takes it), pressure, the command line.
 */
#ifndef RF_KERNEL_FILES_H
#define RF_KERNEL_FILES_H

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

/* /proc/iomem may have a line for each memory block that was taken. */
#define RF_IOMEM_BUF	(64 << 10)
#define RF_IOMEM_MAX	(8 << 20)

struct rf_iomem {
	int depth;			/* 0: top level */
	u64 start;
	u64 end;			/* inclusive */
	const char *name;
};

/**
 * rf_file_read() - read the start of a file
 * @path: absolute
 * @buf: receives at most @size - 1 bytes and a NUL
 * @size: of @buf
 *
 * Context: Process context of a task that has a root directory.
 * Return: bytes read, or a negative errno.
 */
static inline ssize_t rf_file_read(const char *path, char *buf, size_t size)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t got = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	while (pos < size - 1) {
		got = kernel_read(file, buf + pos, size - 1 - pos, &pos);
		if (got <= 0)
			break;
	}
	filp_close(file, NULL);
	buf[pos] = '\0';
	return got < 0 ? got : pos;
}

/* "  00100000-7ffdffff : System RAM", two blanks per depth. */
static inline int rf_iomem_parse(char *line, struct rf_iomem *entry)
{
	char *text = skip_spaces(line);
	char *end;

	entry->depth = (text - line) / 2;
	entry->start = simple_strtoull(text, &end, 16);
	if (*end != '-')
		return -EINVAL;
	entry->end = simple_strtoull(end + 1, &end, 16);
	if (strncmp(end, " : ", 3))
		return -EINVAL;
	entry->name = end + 3;
	return 0;
}

/* Return: all of /proc/iomem, to be freed with kvfree(), or an ERR_PTR. */
static inline char *rf_iomem_read(void)
{
	size_t size;
	ssize_t got;
	char *buf;

	for (size = RF_IOMEM_BUF; size <= RF_IOMEM_MAX; size *= 2) {
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf)
			return ERR_PTR(-ENOMEM);
		got = rf_file_read("/proc/iomem", buf, size);
		if (got >= 0 && got < size - 1)
			return buf;
		kvfree(buf);
		if (got < 0)
			return ERR_PTR(got);
	}
	return ERR_PTR(-EFBIG);
}

/**
 * rf_iomem_walk() - visit the resource tree, in address order, parents first
 * @visit: returns 0 to go on; anything else ends the walk
 * @arg: for @visit
 *
 * Context: Process context, CAP_SYS_ADMIN (else all addresses read as 0).
 * Return: 0, what @visit returned, or a negative errno.
 */
static inline int rf_iomem_walk(int (*visit)(const struct rf_iomem *entry, void *arg), void *arg)
{
	char *buf = rf_iomem_read(), *next = buf, *line;
	int rc = 0;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	while (!rc && (line = strsep(&next, "\n")) && *line) {
		struct rf_iomem entry;

		rc = rf_iomem_parse(line, &entry);
		if (!rc)
			rc = visit(&entry, arg);
	}
	kvfree(buf);
	return rc;
}

#endif /* RF_KERNEL_FILES_H */
