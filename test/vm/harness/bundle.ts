import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { projectRoot } from './image.ts'

/**
 * Makes one file of JavaScript of each test or program, as reading hundreds of modules takes an emulated processor long.
 * @returns a script that puts them beside the programs in the machine, as /opt/gantry/dist/<name>.mjs
 */
export async function bundleForMachine(...entryPoints: string[]): Promise<string> {
  const directory = 'build/vm'
  mkdirSync(path.join(projectRoot, directory), { recursive: true })
  await build({
    absWorkingDir: projectRoot, entryPoints, outdir: directory, entryNames: '[name]', outExtension: { '.js': '.mjs' },
    bundle: true, platform: 'node', target: 'node24', format: 'esm', logLevel: 'warning', define: { GANTRY_BUILD: '{}' },
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  })
  const files = entryPoints.map((file) => `/mnt/host/${directory}/${path.basename(file, '.ts')}.mjs`)
  return `cp ${files.join(' ')} /opt/gantry/dist/`
}
