/* connect NAME: connects to a unix socket, an abstract one when NAME starts with @. With a second argument, listens there. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(argv[1]) + (argv[1][0] != '@');

	strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = 0;
	if (argc > 2) {
		if (bind(s, (struct sockaddr *)&address, size) != 0 || listen(s, 8) != 0)
			return perror("listen"), 1;
		puts("listening");
		fflush(stdout);
		for (;;)
			close(accept(s, NULL, NULL));
	}
	if (connect(s, (struct sockaddr *)&address, size) != 0)
		return perror("connect"), 1;
	puts("connected");
	return 0;
}
