import { linuxKernel } from '../../../src/kernel/linux.ts'
import { openNetworkService } from '../../../src/net/service.ts'

/** An engine to be killed: `FOLDER PID` publishes port 80 of that process's namespace on 8080 and prints the endpoint's id. */
const [folder = '', pid = ''] = process.argv.slice(2)
const service = openNetworkService({
  kernel: linuxKernel, root: `${folder}/network`, runtimeDir: `${folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
})
await service.recover(new Set())
const { id } = await service.allocate({ networkId: 'bridge', containerId: 'a', containerName: 'a', portBindings: { '80/tcp': [{ HostPort: '8080' }] } })
await service.attach(id, Number(pid))
console.log(id)
setInterval(() => {}, 1000)
