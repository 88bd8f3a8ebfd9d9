import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

/** Bundles each program into one file in dist/, so that it starts without reading hundreds of modules. */
const programs = {
  gantryd: 'src/gantryd/main.ts',
  'gantry-proxy': 'src/proxy/main.ts',
  'gantry-dns': 'src/net/dns/main.ts',
  'compression-thread': 'src/containerd/images/compression/compression-thread.ts',
}

/** As CommonJS, which Node starts some 15 ms faster. gantry-runc has a launcher: it is started several times for every container. */
const quickPrograms = { gantry: 'src/cli/main.ts', 'gantry-runc': 'src/runc/launch.ts', 'gantry-runc-main': 'src/runc/main.ts' }

const missing = [...Object.values(programs), ...Object.values(quickPrograms)].filter((entry) => !existsSync(entry))
if (missing.length > 0) {
  console.error(`cannot bundle: ${missing.join(', ')} missing`)
  process.exit(1)
}

mkdirSync('dist', { recursive: true })
// Compiled code of an older bundle.
rmSync('dist/cache', { recursive: true, force: true })
const common = { outdir: 'dist', bundle: true, platform: 'node', target: 'node24', logLevel: 'warning', define: { GANTRY_BUILD: JSON.stringify(buildFacts()) } } as const
await build({
  ...common,
  entryPoints: programs,
  format: 'esm',
  // CommonJS packages inside an ES module still call require.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
})
await build({
  ...common,
  entryPoints: quickPrograms,
  format: 'cjs',
  // Less for V8 to read. Names stay, for traces.
  minifySyntax: true,
  minifyWhitespace: true,
  outExtension: { '.js': '.cjs' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...common.define, 'import.meta.url': 'bundleUrl' },
})

/** What `version` prints; the commit is unknown where the sources are no git checkout. */
function buildFacts(): { version: string; commit: string; time: string } {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  let commit = 'unknown'
  try {
    commit = execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    // no git, or an archive of the sources
  }
  return { version, commit, time: new Date().toISOString() }
}
