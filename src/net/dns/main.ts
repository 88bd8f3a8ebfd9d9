import { linuxKernel } from '../../kernel/linux.ts'
import { runResolver } from './resolver.ts'

const [socketPath, names] = process.argv.slice(2)
if (socketPath === undefined || names === undefined) {
  process.stderr.write('usage: gantry-dns CONTROL-SOCKET NAMES-FOLDER\n')
  process.exitCode = 2
} else {
  // One odd packet or server must not take the names of all containers away.
  process.on('uncaughtException', (error) => process.stderr.write(`${error.stack ?? error.message}\n`))
  await runResolver({ kernel: linuxKernel, socketPath, names })
}
