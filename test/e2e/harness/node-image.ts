import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { must } from './run.ts'

/** Where npm is on this host; undefined when it is not. */
export const npm = ['/usr/lib/node_modules/npm', '/usr/share/nodejs/npm', '/usr/local/lib/node_modules/npm'].find((place) => existsSync(path.join(place, 'bin/npm-cli.js')))

/** An archive of the Node that runs this, the libraries that it loads, npm and a busybox. */
export async function nodeArchive(directory: string): Promise<string> {
  const root = path.join(directory, 'node-root')
  for (const name of ['bin', 'etc', 'tmp', 'root', 'lib/node_modules']) mkdirSync(path.join(root, name), { recursive: true })
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'))
  for (const applet of ['sh', 'cat', 'ls', 'wc', 'find', 'env', 'wget', 'sleep']) symlinkSync('busybox', path.join(root, 'bin', applet))
  copyFileSync(process.execPath, path.join(root, 'bin/node'))
  for (const [library] of (await must(['ldd', process.execPath])).matchAll(/\/\S+(?= \()/g)) {
    mkdirSync(path.dirname(path.join(root, library)), { recursive: true })
    copyFileSync(library, path.join(root, library))
  }
  cpSync(npm!, path.join(root, 'lib/node_modules/npm'), { recursive: true, dereference: true, filter: (file) => !/\/(?:man|docs)$/.test(file) })
  writeFileSync(path.join(root, 'bin/npm'), '#!/bin/sh\nexec node /lib/node_modules/npm/bin/npm-cli.js "$@"\n', { mode: 0o755 })
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n')
  if (readdirSync(path.join(root, 'lib/node_modules/npm')).length === 0) throw new Error('npm is empty')
  const archive = path.join(directory, 'node.tar')
  await must(['tar', '-C', root, '-cf', archive, '.'])
  return archive
}
