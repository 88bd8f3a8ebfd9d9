/* udp-echo PORT: sends every datagram back to where it came from. Debian's busybox has nothing for UDP. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0) };
	char data[65536];
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(s, (struct sockaddr *)&address, sizeof address) != 0)
		return 1;
	for (;;) {
		socklen_t size = sizeof address;
		ssize_t length = recvfrom(s, data, sizeof data, 0, (struct sockaddr *)&address, &size);
		if (length >= 0)
			sendto(s, data, length, 0, (struct sockaddr *)&address, size);
	}
}
