import { familiarName, parseReference } from '../../lib/reference.ts'
import type { Platform } from '../plan/contract.ts'
import { platformText } from '../plan/platform.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import { blobOf, descriptorOf, documentOf, ociTypes, type OciDocument, type SmallBlob } from './content.ts'

/** What is said of an image; its subject is filled in when the image has its digest. */
export interface Statement {
  predicateType: string
  predicate: object
}

const statementType = 'https://in-toto.io/Statement/v0.1'
const layerMediaType = 'application/vnd.in-toto+json'

/**
 * Statements about one manifest as a manifest of their own, which an index lists beside it. Sources: BuildKit's documentation
 * "Image attestation storage"; in-toto Attestation Framework, Statement v0.1.
 */
export function attestationManifest(statements: readonly Statement[], { digest, names, platform }: { digest: string; names: readonly string[]; platform: Platform }): { blobs: SmallBlob[]; manifest: OciDocument; descriptor: Descriptor } {
  const subject = subjectsOf(digest, { names, platform })
  const layers = statements.map(({ predicateType, predicate }) => ({
    predicateType,
    blob: blobOf(Buffer.from(JSON.stringify({ _type: statementType, predicateType, subject, predicate }))),
  }))
  const config = blobOf(Buffer.from(JSON.stringify({ architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(({ blob }) => blob.digest) } })))
  const manifest = documentOf(
    {
      schemaVersion: 2,
      mediaType: ociTypes.manifest,
      config: { mediaType: ociTypes.config, digest: config.digest, size: config.size },
      layers: layers.map(({ blob, predicateType }) => ({ mediaType: layerMediaType, digest: blob.digest, size: blob.size, annotations: { 'in-toto.io/predicate-type': predicateType } })),
    },
    ociTypes.manifest,
  )
  const descriptor = descriptorOf(manifest, {
    platform: { architecture: 'unknown', os: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' },
  })
  return { blobs: [...layers.map(({ blob }) => blob), config], manifest, descriptor }
}

/** Package URLs of the names; the digest alone where there is none. */
function subjectsOf(digest: string, { names, platform }: { names: readonly string[]; platform: Platform }): object[] {
  const digests = { sha256: digest.slice('sha256:'.length) }
  if (names.length === 0) return [{ name: '_', digest: digests }]
  return names.map((name) => ({ name: imagePurl(name, platform), digest: digests }))
}

/** "pkg:docker/busybox@latest?platform=linux%2Famd64". Source: purl-spec, type docker. */
export function imagePurl(name: string, platform: Platform): string {
  const reference = parseReference(name)
  const version = reference.tag ?? 'latest'
  return `pkg:docker/${familiarName(reference).replace(/:(\d+)\//, '%3A$1/')}@${version}?platform=${encodeURIComponent(platformText(platform))}`
}
