/* SPDX-License-Identifier: GPL-2.0 */
/* A debugfs file that takes a command a write, for the test modules. */
#ifndef RF_COMMAND_FILE_H
#define RF_COMMAND_FILE_H

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/**
 * typedef rf_command_t - run a command
 * @line: without blanks around it
 *
 * Return: 0, or a negative errno that the write ends with.
 */
typedef int (*rf_command_t)(const char *line);

static ssize_t rf_command_write(struct file *file, const char __user *buf, size_t length,
				loff_t *pos)
{
	rf_command_t run = file->private_data;
	char line[64];
	int rc;

	if (length >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, length))
		return -EFAULT;
	line[length] = 0;
	rc = run(strim(line));
	return rc ?: length;
}

static const struct file_operations rf_command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = rf_command_write,
};

/** rf_command_file() - have @dir/command, whose writes call @run; several may do so at once */
static inline void rf_command_file(struct dentry *dir, rf_command_t run)
{
	debugfs_create_file("command", 0200, dir, run, &rf_command_fops);
}

#endif
