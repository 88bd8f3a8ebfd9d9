import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { readApk, readDpkg, readNpm, readPython } from '../../../../src/build/sbom/package-databases.ts'
import { scanRoot } from '../../../../src/build/sbom/scan-root.ts'
import { spdxStatement } from '../../../../src/build/sbom/spdx.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'

void test('databases are read for what is installed, and garbage gives nothing', () => {
  const dpkg = 'Package: a\nStatus: install ok installed\nArchitecture: amd64\nDescription: x\n more: y\nVersion: 1:2.3-4\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: c\nVersion: 5\n'
  assert.deepEqual(readDpkg(dpkg, '/s').map(({ name, version }) => `${name} ${version}`), ['a 1:2.3-4', 'c 5'])
  assert.deepEqual(readApk('C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\nP:half\n', '/i'), [{ type: 'apk', name: 'musl', version: '1.2.5-r0', architecture: 'x86_64', license: 'MIT', from: '/i' }])
  assert.deepEqual(readNpm('{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}', '/p'), [{ type: 'npm', name: '@a/b', version: '1.0.0', from: '/p' }])
  assert.deepEqual(readPython('Metadata-Version: 2.1\nName: Some_Thing\nVersion: 3\n\nName: no\n', '/m'), [{ type: 'pypi', name: 'Some_Thing', version: '3', from: '/m' }])
  for (const read of [readDpkg, readApk, readNpm, readPython]) for (const text of ['', '\n\n', '{', '\0\0', 'Package:\nName:\nP:']) assert.deepEqual(read(text, '/x'), [])
})

void test('a root file system is looked through without following its links out of it', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gt-sbom-'))
  try {
    const put = (name: string, text: string): void => {
      mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
      writeFileSync(path.join(directory, name), text)
    }
    put('outside/status', 'Package: stranger\nVersion: 1\n')
    put('outside/node_modules/evil/package.json', '{"name":"evil","version":"1"}')
    put('root/etc/os-release', 'ID=debian\nVERSION_ID="12"\n')
    put('root/var/lib/dpkg/status.d/base', 'Package: base-files\nVersion: 12.4\nArchitecture: amd64\n')
    put('root/app/node_modules/left-pad/package.json', '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}')
    put('root/app/node_modules/left-pad/test/package.json', '{"name":"fixture","version":"0"}')
    put('root/app/node_modules/@a/b/package.json', '{"name":"@a/b","version":"2.0.0"}')
    put('root/usr/lib/python3/dist-packages/Some_Thing-3.dist-info/METADATA', 'Name: Some_Thing\nVersion: 3\n')
    symlinkSync(path.join(directory, 'outside/status'), path.join(directory, 'root/var/lib/dpkg/status'))
    symlinkSync(path.join(directory, 'outside'), path.join(directory, 'root/srv'))
    const scan = await scanRoot(linuxKernel, path.join(directory, 'root'), new AbortController().signal)
    assert.deepEqual(scan.packages.map(({ name }) => name).toSorted(), ['@a/b', 'Some_Thing', 'base-files', 'left-pad'])
    const { predicate } = spdxStatement(scan, { name: 'x', created: 0 }) as { predicate: { packages: { name: string; SPDXID: string; licenseDeclared: string; externalRefs?: { referenceLocator: string }[] }[]; relationships: { relatedSpdxElement: string }[] } }
    const listed = predicate.packages.slice(1)
    assert.deepEqual(listed.map(({ externalRefs }) => externalRefs![0]!.referenceLocator), ['pkg:deb/debian/base-files@12.4?arch=amd64&distro=debian-12', 'pkg:npm/%40a/b@2.0.0', 'pkg:npm/left-pad@1.3.0', 'pkg:pypi/some-thing@3'])
    assert.deepEqual(new Set(predicate.relationships.slice(1).map(({ relatedSpdxElement }) => relatedSpdxElement)), new Set(listed.map(({ SPDXID }) => SPDXID)))
    for (const { SPDXID } of listed) assert.match(SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/)
    assert.deepEqual(spdxStatement(scan, { name: 'x', created: 0 }), spdxStatement({ ...scan, packages: scan.packages.toReversed() }, { name: 'x', created: 0 }))
  } finally {
    rmSync(directory, { recursive: true })
  }
})
