import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OciSeccomp } from '../../../../src/runc/spec.ts'

/** Reads rules from standard input, one a line, and writes the filter that libseccomp makes of them. */
const source = `
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
static void die(const char *what, int rc) { fprintf(stderr, "%s: %s\\n", what, strerror(-rc)); exit(1); }
int main(void) {
  char word[64], name[64]; unsigned action, arch, count; int rc;
  if (scanf("%63s %x", word, &action) != 2) return 1;
  scmp_filter_ctx ctx = seccomp_init(action);
  if (!ctx) return 1;
  seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
  while (scanf("%63s", word) == 1) {
    if (!strcmp(word, "arch")) {
      if (scanf("%x", &arch) != 1) return 1;
      if ((rc = seccomp_arch_add(ctx, arch))) die("arch", rc);
      continue;
    }
    struct scmp_arg_cmp args[6];
    if (scanf("%x %63s %u", &action, name, &count) != 3) return 1;
    for (unsigned i = 0; i < count; i++) {
      unsigned index, op; unsigned long long a, b;
      if (scanf("%u %u %llu %llu", &index, &op, &a, &b) != 4) return 1;
      args[i].arg = index; args[i].op = op; args[i].datum_a = a; args[i].datum_b = b;
    }
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR) { fprintf(stderr, "unknown %s\\n", name); continue; }
    rc = seccomp_rule_add_array(ctx, action, nr, count, args);
    if (rc && rc != -EEXIST && rc != -EACCES) { fprintf(stderr, "%s ", name); die("rule", rc); }
  }
  return seccomp_export_bpf(ctx, 1) ? 1 : 0;
}
`

const operators = ['', 'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']

/** Tokens of libseccomp: the audit numbers, except for x32's. */
const architectures: Record<string, number> = {
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_ARM: 0x4000_0028,
}

export interface Libseccomp {
  compile(seccomp: OciSeccomp): { filter: Uint8Array; unknown: Set<string> }
  close(): void
}

/** @returns undefined where libseccomp's development files or a C compiler are missing */
export function buildLibseccomp(): Libseccomp | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-libseccomp-'))
  const program = join(directory, 'export')
  writeFileSync(`${program}.c`, source)
  const built = spawnSync('cc', ['-o', program, `${program}.c`, '-lseccomp'])
  const close = (): void => rmSync(directory, { recursive: true })
  if (built.status !== 0) {
    close()
    return undefined
  }
  return { compile: (seccomp) => compile(program, seccomp), close }
}

function compile(program: string, seccomp: OciSeccomp): { filter: Uint8Array; unknown: Set<string> } {
  const { status, stdout, stderr } = spawnSync(program, { input: describe(seccomp) })
  const messages = stderr.toString()
  if (status !== 0) throw new Error(`libseccomp refused: ${messages}`)
  return { filter: new Uint8Array(stdout), unknown: new Set([...messages.matchAll(/^unknown (\w+)$/gm)].map(([, name = '']) => name)) }
}

function describe({ defaultAction, defaultErrnoRet, architectures: listed = [], syscalls = [] }: OciSeccomp): string {
  const standard = action(defaultAction, defaultErrnoRet)
  const lines = [`default ${standard}`, ...listed.map((name) => `arch ${architectures[name]?.toString(16)}`)]
  for (const rule of syscalls) {
    const verdict = action(rule.action, rule.errnoRet)
    // libseccomp refuses rules that say what the default says.
    if (verdict === standard) continue
    const args = (rule.args ?? []).map(
      ({ index, op, value, valueTwo = 0 }) => `${index} ${operators.indexOf(op)} ${unsigned(value)} ${unsigned(valueTwo)}`,
    )
    for (const name of rule.names) lines.push(['rule', verdict, name, args.length, ...args].join(' '))
  }
  return `${lines.join('\n')}\n`
}

/** SCMP_ACT_* of seccomp.h, which are the kernel's SECCOMP_RET_*. */
function action(name: string, errno = 1): string {
  const values: Record<string, number> = {
    SCMP_ACT_KILL: 0,
    SCMP_ACT_KILL_THREAD: 0,
    SCMP_ACT_KILL_PROCESS: 0x8000_0000,
    SCMP_ACT_TRAP: 0x0003_0000,
    SCMP_ACT_ERRNO: 0x0005_0000 + errno,
    SCMP_ACT_NOTIFY: 0x7fc0_0000,
    SCMP_ACT_TRACE: 0x7ff0_0000 + errno,
    SCMP_ACT_LOG: 0x7ffc_0000,
    SCMP_ACT_ALLOW: 0x7fff_0000,
  }
  return (values[name] ?? 0).toString(16)
}

function unsigned(value: number | bigint): bigint {
  return BigInt.asUintN(64, BigInt(value))
}
