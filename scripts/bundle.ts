import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'
import { frequentCommands as frequentClientCommands } from '../src/cli/frequent-commands.ts'
import { frequentCommands } from '../src/runc/frequent-commands.ts'

/** Bundles each program into one file in dist/, so that it starts without reading hundreds of modules. */
const programs = {
  'gantry-proxy': 'src/proxy/main.ts',
  'gantry-dns': 'src/net/dns/main.ts',
  'compression-thread': 'src/containerd/images/compression/compression-thread.ts',
}

/** As CommonJS, which Node starts some 15 ms faster, and with a launcher that keeps what V8 compiled. */
const quickPrograms = { gantry: 'src/cli/launch.ts', 'gantry-main': 'src/cli/main.ts', gantryd: 'src/gantryd/launch.ts', 'gantryd-main': 'src/gantryd/main.ts' }

/** Started several times for every container, so it has a launcher, and names are short: V8 reads what it has compiled 1.5 ms faster. */
const quickestPrograms = { 'gantry-runc': 'src/runc/launch.ts', 'gantry-runc-main': 'src/runc/main.ts' }

const missing = [...Object.values(programs), ...Object.values(quickPrograms), ...Object.values(quickestPrograms)].filter((entry) => !existsSync(entry))
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
const quick = {
  ...common,
  format: 'cjs',
  // The launchers evaluate a script, in which import() is refused.
  supported: { 'dynamic-import': false },
  // Less for V8 to read.
  minifySyntax: true,
  minifyWhitespace: true,
  outExtension: { '.js': '.cjs' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...common.define, 'import.meta.url': 'bundleUrl' },
} as const
// Names stay, for traces.
await build({ ...quick, entryPoints: quickPrograms })
// The maps tell the names in a trace; nothing reads them at run time.
const quickest = { ...quick, minifyIdentifiers: true, sourcemap: 'external', sourcesContent: false } as const
await build({ ...quickest, entryPoints: quickestPrograms })
for (const command of frequentCommands) await build({ ...quickest, entryPoints: { [`gantry-runc-${command}`]: 'src/runc/main.ts' }, plugins: [oneCommand('/runc/command.ts', command)] })
for (const command of frequentClientCommands) await build({ ...quickest, entryPoints: { [`gantry-${command}`]: 'src/cli/main.ts' }, plugins: [oneCommand('/cli/catalogue.ts', command)] })

/** Leaves out what the list of commands would load for other commands. */
function oneCommand(list: string, command: string): Plugin {
  return {
    name: 'one-command',
    setup: (bundler) => {
      bundler.onResolve({ filter: /^\.\/commands\// }, ({ path, importer }) => (importer.endsWith(list) && path !== `./commands/${command}.ts` ? { path, namespace: 'other-command' } : undefined))
      bundler.onLoad({ filter: /./, namespace: 'other-command' }, () => ({ contents: 'export {}' }))
    },
  }
}

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
