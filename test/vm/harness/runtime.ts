import type { Finished } from './agent.ts'
import type { Machine } from './machine.ts'

/** Who runs gantry-runc in the machine. `tester` has subordinate ids, `single` has not. */
export type Person = 'root' | 'tester' | 'single'

/** gantry-runc of one person, who has one bundle with a busybox in it. */
export interface Runtime {
  /** Writes config.json: what `spec` gives, with this command, these members of `linux` and these annotations. */
  bundle(args: string[], linux?: object, annotations?: Record<string, string>): Promise<void>
  /** A script as that person, in the bundle's directory, from outside of any session. */
  run(script: string): Promise<Finished>
  /** For what has to succeed: its trimmed output. */
  must(script: string): Promise<string>
}

const busybox = (home: string): string => `set -e
mkdir -p ${home}/b/rootfs/bin ${home}/b/rootfs/tmp ${home}/b/rootfs/proc
cp /bin/busybox ${home}/b/rootfs/bin/
chroot ${home}/b/rootfs /bin/busybox --install -s /bin`

const editor = `const fs = require('fs')
const config = JSON.parse(fs.readFileSync('config.json'))
const { args, linux, annotations } = JSON.parse(fs.readFileSync(0, 'utf8'))
Object.assign(config.process, { args, terminal: false })
Object.assign(config.linux, linux)
if (annotations) Object.assign(config, { annotations })
fs.writeFileSync('config.json', JSON.stringify(config))`

/** A command that changes config.json. */
export function edited(changes: object): string {
  return `node /tmp/edit.cjs <<'CHANGES'\n${JSON.stringify(changes)}\nCHANGES`
}

export async function runtimeOf(machine: Machine, person: Person): Promise<Runtime> {
  const home = person === 'root' ? '/root' : `/home/${person}`
  await machine.must(`${busybox(home)}; chown -R ${person}: ${home}/b; cat >/tmp/edit.cjs <<'END'\n${editor}\nEND`)
  const id = person === 'root' ? '0' : await machine.must(`id -u ${person}`)
  const environment = `env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=${home} USER=${person} XDG_RUNTIME_DIR=/run/user/${id}`
  const asPerson = (script: string): string => `cat >/tmp/${person}.sh <<'SCRIPT'\n${script}\nSCRIPT
cd ${home}/b && exec setpriv --reuid ${id} --regid ${id} --init-groups ${environment} bash /tmp/${person}.sh </dev/null`
  const runtime: Runtime = {
    run: (script) => machine.run(asPerson(script)),
    must: (script) => machine.must(asPerson(script)),
    async bundle(args, linux = {}, annotations) {
      await runtime.must(`rm -f config.json; gantry-runc spec ${person === 'root' ? '' : '--rootless'}; ${edited({ args, linux, annotations })}`)
    },
  }
  return runtime
}
