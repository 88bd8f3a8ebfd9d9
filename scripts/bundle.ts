import { existsSync, mkdirSync } from 'node:fs'
import { build } from 'esbuild'

/** Bundles each program into one file in dist/, so that it starts without reading hundreds of modules. */
const programs = {
  gantry: 'src/cli/main.ts',
  gantryd: 'src/gantryd/main.ts',
  'gantry-runc': 'src/runc/main.ts',
  'gantry-proxy': 'src/proxy/main.ts',
}

const missing = Object.values(programs).filter((entry) => !existsSync(entry))
if (missing.length > 0) {
  console.error(`cannot bundle: ${missing.join(', ')} missing`)
  process.exit(1)
}

mkdirSync('dist', { recursive: true })
await build({
  entryPoints: programs,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // CommonJS packages inside an ES module still call require.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  logLevel: 'warning',
})
