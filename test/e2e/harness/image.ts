import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Client } from './client.ts'
import { findProgram, program, projectRoot } from './program.ts'
import { must, run } from './run.ts'

/**
 * The images of the tests, made of what this machine has. `tiny` is a static busybox and a UDP echo server. `tools` is that plus the real strace, tcpdump,
 * ip, ps, mount … with the libraries they load, and the user `user500` of the book's examples.
 */
export const tiny = 'tiny'
export const tools = 'tools'

const binaries = 'strace tcpdump ip ss ps mount umount ipcmk ipcs nsenter unshare mkfs.ext4 nft losetup'.split(' ')
const cache = path.join(projectRoot, 'build/test-images')

const files: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nuser500:x:500:500:User 500:/home/user500:/bin/sh\ntcpdump:x:101:101::/nonexistent:/bin/false\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n',
  'etc/group': 'root:x:0:\nuser500:x:500:\nextra:x:600:user500\ntcpdump:x:101:\nnogroup:x:65534:\n',
  'etc/shadow': 'root:*:19000:0:99999:7:::\n',
  'etc/os-release': 'NAME="Gantry test image"\nID=gantry-test\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'not-executable': 'this is no program\n',
}

/** Gives the engine both images. */
export async function provideImages(client: Client, names: string[] = [tiny, tools]): Promise<void> {
  for (const name of names) {
    await client.ok('import', '-c', 'CMD ["/bin/sh"]', '-c', 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', await rootfsArchive(name), name)
  }
}

/** Path of a tar of the image's root; made once, then kept under build/. */
export async function rootfsArchive(name: string): Promise<string> {
  const archive = path.join(cache, `${name}.tar`)
  if (existsSync(archive)) return archive
  const scratch = path.join(cache, `${name}.${process.pid}`)
  rmSync(scratch, { recursive: true, force: true })
  await makeRootfs(scratch, name === tools)
  await must(['tar', '-C', scratch, '--sort=name', '--numeric-owner', '-cf', `${scratch}.tar`, '.'])
  renameSync(`${scratch}.tar`, archive)
  rmSync(scratch, { recursive: true })
  return archive
}

async function makeRootfs(root: string, withTools: boolean): Promise<void> {
  for (const directory of ['bin', 'etc', 'root', 'tmp', 'var/run', 'home/user500', 'mnt', 'usr', 'proc', 'sys', 'dev']) {
    mkdirSync(path.join(root, directory), { recursive: true })
  }
  chmodSync(path.join(root, 'tmp'), 0o1777)
  for (const [name, target] of [['usr/bin', '../bin'], ['usr/sbin', '../bin'], ['sbin', 'bin']] as const) symlinkSync(target, path.join(root, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text)
  chmodSync(path.join(root, 'etc/shadow'), 0o600)
  await must(['chown', '500:500', path.join(root, 'home/user500')])
  const busybox = path.join(root, 'bin/busybox')
  copyFileSync('/bin/busybox', busybox)
  chmodSync(busybox, 0o755)
  const applets = (await must(['/bin/busybox', '--list'])).split('\n')
  const real = new Set(withTools ? binaries : [])
  for (const applet of applets) if (applet !== 'busybox' && !real.has(applet)) symlinkSync('busybox', path.join(root, 'bin', applet))
  await must(['gcc', '-static', '-O1', '-o', path.join(root, 'bin/udp-echo'), path.join(import.meta.dirname, 'udp-echo.c')])
  if (!withTools) return
  for (const name of binaries) await copyBinary(root, name)
}

async function copyBinary(root: string, name: string): Promise<void> {
  const found = findProgram(name) ?? program(name)
  copyFileSync(realpathSync(found), path.join(root, 'bin', name))
  chmodSync(path.join(root, 'bin', name), 0o755)
  const { stdout } = await run(['ldd', found])
  for (const [library] of stdout.matchAll(/\/\S+(?= \()/g)) {
    const target = path.join(root, library)
    if (existsSync(target)) continue
    mkdirSync(path.dirname(target), { recursive: true })
    copyFileSync(realpathSync(library), target)
    chmodSync(target, 0o755)
  }
}
