// SPDX-License-Identifier: GPL-2.0
/* The state of a memory block can only be changed through a file: device_online() is not exported. */
#include <linux/fs.h>
#include <linux/string.h>

#include "base/base.h"

/**
 * rf_file_write() - write a file
 * @path: absolute
 * @text: NUL-terminated
 *
 * Context: Process context of a task that has a root directory.
 * Return: 0 or a negative errno.
 */
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
