/* push-input TEXT: types TEXT and Enter into its terminal (TIOCSTI), then leaves. Says what failed. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i <= strlen(text); i++) {
		char letter = text[i] ? text[i] : '\n';
		if (ioctl(0, TIOCSTI, &letter) != 0)
			return perror("TIOCSTI"), 1;
	}
	puts("pushed");
	return 0;
}
