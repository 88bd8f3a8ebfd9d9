import { join } from 'node:path'
import { startBundle } from '../lib/compiled-bundle.ts'

/** Starts the daemon's bundle. */
startBundle({ path: join(__dirname, 'gantryd-main.cjs'), lateModules: [], keepAfter: 10_000 })
