/* effective-user: says as whom it runs: real and effective user. As a set-user-ID file they differ. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("%d %d\n", getuid(), geteuid());
	return 0;
}
