import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { defaultCapabilities } from '../../../../src/engine/spec/capabilities.ts'
import { compileSeccomp } from '../../../../src/kernel/seccomp/compile.ts'
import { defaultProfile } from '../../../../src/kernel/seccomp/default-profile.ts'
import { resolveProfile } from '../../../../src/kernel/seccomp/profile.ts'

/** Loads the filter on standard input, then makes system calls and prints what each returned. */
const source = `
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static struct sock_filter filter[4096];
int main(void) {
  long bytes = 0, got;
  while ((got = read(0, (char *)filter + bytes, sizeof filter - bytes)) > 0) bytes += got;
  struct sock_fprog program = { bytes / 8, filter };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 2;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) { perror("seccomp"); return 3; }
#define TRY(name, ...) do { errno = 0; long r = syscall(__VA_ARGS__); printf("%s %d\\n", name, r < 0 ? errno : 0); } while (0)
  TRY("getpid", SYS_getpid);
  TRY("mount", SYS_mount, 0, 0, 0, 0, 0);
  TRY("clone3", 435, 0, 0);
  TRY("unshare", SYS_unshare, 0x20000000);
  TRY("clone-newuser", SYS_clone, 0x10000000 | 17, 0, 0, 0, 0);
  TRY("keyctl", SYS_keyctl, 0, 0, 0);
  TRY("io_uring_setup", 425, 1, 0);
  TRY("future", 999);
  TRY("socket-unix", SYS_socket, 1, 1, 0);
  TRY("socket-vsock", SYS_socket, 40, 1, 0);
  TRY("socket-vsock-high", SYS_socket, 40 | (1L << 32), 1, 0);
  TRY("socket-alg-high", SYS_socket, 38 | (7L << 32), 5, 0);
  TRY("personality", SYS_personality, 0xffffffff);
  TRY("personality-sticky", SYS_personality, 0x4000000);
  return 0;
}
`

const directory = mkdtempSync(join(tmpdir(), 'gantry-seccomp-'))
after(() => rmSync(directory, { recursive: true }))
const program = join(directory, 'try')
writeFileSync(`${program}.c`, source)
const skip = spawnSync('cc', ['-o', program, `${program}.c`]).status === 0 ? false : 'a C compiler or the kernel headers are missing'

void test('the kernel accepts the default profile and refuses what the profile refuses', { skip }, () => {
  const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const seccomp = resolveProfile(defaultProfile, { capabilities: defaultCapabilities, kernel: { major: 6, minor: 18 }, architecture })
  const { stdout, stderr, status } = spawnSync(program, { input: compileSeccomp(seccomp).filter })
  assert.equal(status, 0, stderr.toString())
  assert.deepEqual(Object.fromEntries(stdout.toString().trim().split('\n').map((line) => line.split(' '))), {
    getpid: '0',
    mount: '1',
    clone3: '38',
    unshare: '1',
    'clone-newuser': '1',
    keyctl: '1',
    io_uring_setup: '1',
    future: '38',
    'socket-unix': '0',
    'socket-vsock': '1',
    'socket-vsock-high': '1',
    'socket-alg-high': '1',
    personality: '0',
    'personality-sticky': '1',
  })
})
