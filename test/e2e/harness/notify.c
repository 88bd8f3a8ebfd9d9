/* notify TEXT: sends a datagram to the socket of NOTIFY_SOCKET, as sd_notify(3) does. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc < 2 || path == NULL)
		return 1;
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	return sendto(s, argv[1], strlen(argv[1]), 0, (struct sockaddr *)&address, sizeof address) < 0;
}
