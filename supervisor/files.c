// SPDX-License-Identifier: GPL-2.0
/*
 * The little that a module can learn or do only through a file: the kernel
 * command line, the resource tree (its lock is not exported, /proc/iomem takes
 * it) and the state of a memory block (device_online() is not exported).
 */
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "supervisor.h"

#define RF_IOMEM_BUF	(64 << 10)

/**
 * rf_file_read() - read the start of a file
 * @path: absolute
 * @buf: receives at most @size - 1 bytes and a NUL
 * @size: of @buf
 *
 * Context: Process context of a task that has a root directory.
 * Return: bytes read, or a negative errno.
 */
ssize_t rf_file_read(const char *path, char *buf, size_t size)
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

/* Write @text to @path. Context and errors as rf_file_read(). */
int rf_file_write(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t written;

	if (IS_ERR(file))
		return PTR_ERR(file);
	written = kernel_write(file, text, strlen(text), &pos);
	filp_close(file, NULL);
	return written < 0 ? written : 0;
}

/* "  00100000-7ffdffff : System RAM", two blanks per depth. */
static int rf_iomem_parse(char *line, struct rf_iomem *entry)
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

/**
 * rf_iomem_walk() - visit the resource tree, in address order, parents first
 * @visit: returns 0 to go on; anything else ends the walk
 * @arg: for @visit
 *
 * Context: Process context, CAP_SYS_ADMIN (else all addresses read as 0).
 * Return: 0, what @visit returned, or a negative errno.
 */
int rf_iomem_walk(int (*visit)(const struct rf_iomem *entry, void *arg), void *arg)
{
	char *buf, *next, *line;
	int rc = 0;
	ssize_t got;

	buf = kvmalloc(RF_IOMEM_BUF, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	got = rf_file_read("/proc/iomem", buf, RF_IOMEM_BUF);
	if (got < 0)
		rc = got;
	else if (got == RF_IOMEM_BUF - 1)
		rc = -EFBIG;
	next = buf;
	while (!rc && (line = strsep(&next, "\n")) && *line) {
		struct rf_iomem entry;

		rc = rf_iomem_parse(line, &entry);
		if (!rc)
			rc = visit(&entry, arg);
	}
	kvfree(buf);
	return rc;
}
