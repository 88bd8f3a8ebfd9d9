import { createHash } from 'node:crypto'
import type { Statement } from '../export/attestation.ts'
import type { FoundPackage } from './package-databases.ts'
import type { RootScan } from './scan-root.ts'

/** A bill of materials as an SPDX 2.3 document. The same packages at the same time give the same bytes. */
export function spdxStatement({ packages, distribution }: RootScan, { name, created }: { name: string; created: number }): Statement {
  const listed = [...new Map(packages.map((found) => [purlOf(found, distribution), found])).entries()].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const items = listed.map(([purl, found]) => packageOf(found, purl))
  const hash = createHash('sha256').update(JSON.stringify([name, items])).digest('hex')
  const root = 'SPDXRef-DocumentRoot-Image'
  return {
    predicateType: 'https://spdx.dev/Document',
    predicate: {
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name,
      documentNamespace: `https://gantry.invalid/spdx/${hash}`,
      creationInfo: { created: new Date(created).toISOString().replace(/\.\d+Z$/, 'Z'), creators: ['Tool: gantry'] },
      packages: [{ name, SPDXID: root, downloadLocation: 'NOASSERTION', filesAnalyzed: false, primaryPackagePurpose: 'CONTAINER', licenseConcluded: 'NOASSERTION', licenseDeclared: 'NOASSERTION', copyrightText: 'NOASSERTION' }, ...items],
      relationships: [
        { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: root, relationshipType: 'DESCRIBES' },
        ...items.map(({ SPDXID }) => ({ spdxElementId: root, relatedSpdxElement: SPDXID, relationshipType: 'CONTAINS' })),
      ],
    },
  }
}

function packageOf(found: FoundPackage, purl: string): { SPDXID: string } & Record<string, unknown> {
  const { type, name, version, license, from } = found
  return {
    name,
    SPDXID: `SPDXRef-Package-${type}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${createHash('sha256').update(purl).digest('hex').slice(0, 16)}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: `acquired package info from ${from}`,
    licenseConcluded: 'NOASSERTION',
    // What databases say is no SPDX expression in every case; a single identifier is.
    licenseDeclared: license !== undefined && /^[A-Za-z0-9][A-Za-z0-9.+-]*$/.test(license) ? license : 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  }
}

/** Source: purl-spec, types deb, apk, rpm, npm, pypi and golang. */
function purlOf({ type, name, version, architecture, epoch }: FoundPackage, distribution: RootScan['distribution']): string {
  const encoded = encodeURIComponent(version)
  if (type === 'npm') return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}@${encoded}`
  if (type === 'pypi') return `pkg:pypi/${name.toLowerCase().replaceAll(/[-_.]+/g, '-')}@${encoded}`
  if (type === 'golang') return `pkg:golang/${name.split('/').map(encodeURIComponent).join('/')}@${encoded}`
  const id = distribution?.id ?? { deb: 'debian', apk: 'alpine', rpm: 'redhat' }[type]
  const qualifiers = [...(architecture === undefined ? [] : [`arch=${architecture}`]), ...(epoch === undefined ? [] : [`epoch=${epoch}`]), ...(distribution === undefined ? [] : [`distro=${distribution.id}${distribution.version === '' ? '' : `-${distribution.version}`}`])]
  return `pkg:${type}/${id}/${encodeURIComponent(name)}@${encoded}${qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`}`
}
