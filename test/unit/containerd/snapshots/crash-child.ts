import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { driverNamed } from './drivers.ts'
import { chainId, layerTar } from './layer.ts'

/** Makes and removes layers and container snapshots until it is killed. Arguments: driver, root. */
const [driver = '', root = '', ...options] = process.argv.slice(2)
const snapshotter = await driverNamed(driver).open({ root, kernel: linuxKernel, options, log: () => {} })
const members = Array.from({ length: 40 }, (_, at) => ({ name: `d${at % 5}/f${at}`, text: 'x'.repeat(at * 10) }))
process.stdout.write('ready\n')
for (let round = 0; ; round++) {
  const [low, high] = [chainId(`low ${round}`), chainId(`high ${round}`)]
  await snapshotter.extract({ chainId: low, parent: undefined, tar: layerTar(members) })
  await snapshotter.extract({ chainId: high, parent: low, tar: layerTar([{ name: 'd0/.wh.f0' }, { name: 'd1/.wh..wh..opq' }]) })
  await snapshotter.prepare(`c${round}`, high)
  await snapshotter.activate(`c${round}`)
  await snapshotter.deactivate(`c${round}`)
  await snapshotter.remove(`c${round}`)
  await snapshotter.removeLayer(high)
  await snapshotter.removeLayer(low)
}
