import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { rootfsArchive, tiny } from '../e2e/harness/image.ts'
import { must } from '../e2e/harness/run.ts'

/** An OCI bundle that runs `true`, or something else, in new namespaces: the least that every runtime does. */
export async function makeBundle(directory: string, args = ['/bin/true']): Promise<string> {
  const rootfs = path.join(directory, 'rootfs')
  mkdirSync(rootfs, { recursive: true })
  await must(['tar', '-C', rootfs, '-xf', await rootfsArchive(tiny)])
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: Object.fromEntries(['bounding', 'effective', 'permitted'].map((set) => [set, ['CAP_KILL', 'CAP_NET_BIND_SERVICE']])),
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'bench',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys'],
      readonlyPaths: ['/proc/sys'],
    },
  }
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config))
  return directory
}
