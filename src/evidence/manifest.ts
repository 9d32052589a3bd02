import type { Json } from '../model.ts'

/** What a bundle is about. All of it stands in the manifest; nothing of it is a moment of making. */
export interface BundleSubject {
  /** the sources (labels) and whatever else was chosen, in words or as data */
  readonly scope: { readonly [member: string]: Json }
  readonly asOf: Date
  /** the clock that it was judged by (UTC, ISO 8601), where it was behind `asOf`; left out: it was not */
  readonly clock?: string
  readonly framework: { readonly id: string; readonly version: string; readonly digest: string } | null
  /** digest of the saved evaluation, and of the catalog it judged with */
  readonly evaluation: { readonly digest: string; readonly catalogDigest: string } | null
  readonly snapshots: readonly { readonly source: string; readonly version: number; readonly digest: string }[]
  readonly ledgerPosition: number
  readonly softwareVersion: string
  /** false when an input of it was denied or incomplete */
  readonly complete: boolean
  /** what is missing, one sentence each with the IAM action to grant; shown to the auditor first */
  readonly missing: readonly string[]
}

/** One file of a bundle as the manifest lists it. */
export interface BundleFile {
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly mediaType: string
  readonly title: string
  /** counted from the bytes: records of a CSV without its header, lines of JSON lines without a header line; null for other kinds */
  readonly rows: number | null
}

/** in-toto Statement v1 with our predicate. @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export interface Manifest {
  readonly _type: typeof statementType
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[]
  readonly predicateType: typeof predicateType
  readonly predicate: {
    readonly asOf: string
    readonly clock?: string
    readonly complete: boolean
    readonly missing: readonly string[]
    readonly scope: { readonly [member: string]: Json }
    readonly framework: { readonly id: string; readonly version: string; readonly digest: string } | null
    readonly evaluationDigest: string | null
    readonly catalogDigest: string | null
    readonly snapshots: readonly { readonly source: string; readonly version: number; readonly digest: string }[]
    readonly ledgerPosition: number
    readonly softwareVersion: string
    readonly files: readonly Omit<BundleFile, 'sha256'>[]
    readonly totals: { readonly files: number; readonly sizeBytes: number; readonly rows: number }
  }
}

const statementType = 'https://in-toto.io/Statement/v1'
const predicateType = 'https://evidenced.dev/evidence-bundle/v1'
export const payloadType = 'application/vnd.in-toto+json'

/** Files that the seal adds. All but README.txt and SHA256SUMS stand outside the manifest, since they are made from it. */
export const sealNames = {
  readme: 'README.txt',
  sums: 'SHA256SUMS',
  key: 'key.pem',
  envelope: 'manifest.dsse.json',
  manifest: 'manifest.json',
  pae: 'manifest.pae',
  signature: 'manifest.sig',
  timestamp: 'manifest.tsr',
} as const

/** Made from the manifest and the key, and therefore not listed in the manifest. */
export const unlistedNames: ReadonlySet<string> = new Set([
  sealNames.key,
  sealNames.envelope,
  sealNames.manifest,
  sealNames.pae,
  sealNames.signature,
  sealNames.timestamp,
])

/** Not in every bundle: a timestamp needs an authority. */
export const optionalNames: ReadonlySet<string> = new Set([sealNames.timestamp])

/** The manifest as bytes: same subject and files, same bytes. Indented, since auditors read it. @param files sorted by path */
export function manifestBytes(subject: BundleSubject, files: readonly BundleFile[]): Uint8Array {
  const manifest: Manifest = {
    _type: statementType,
    subject: files.map(file => ({ name: file.path, digest: { sha256: file.sha256 } })),
    predicateType,
    predicate: {
      asOf: subject.asOf.toISOString(),
      ...(subject.clock === undefined ? {} : { clock: subject.clock }),
      complete: subject.complete,
      missing: subject.missing,
      scope: subject.scope,
      framework: subject.framework,
      evaluationDigest: subject.evaluation?.digest ?? null,
      catalogDigest: subject.evaluation?.catalogDigest ?? null,
      snapshots: subject.snapshots.map(({ source, version, digest }) => ({ source, version, digest })),
      ledgerPosition: subject.ledgerPosition,
      softwareVersion: subject.softwareVersion,
      files: files.map(({ path, mediaType, title, sizeBytes, rows }) => ({ path, mediaType, title, sizeBytes, rows })),
      totals: {
        files: files.length,
        sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
        rows: files.reduce((sum, file) => sum + (file.rows ?? 0), 0),
      },
    },
  }
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
}

/** What a signed manifest says, or null when the bytes are no manifest of ours. */
export function readManifest(bytes: Uint8Array): { readonly manifest: Manifest; readonly files: readonly BundleFile[] } | null {
  let manifest: Manifest
  try {
    manifest = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (manifest._type !== statementType || manifest.predicateType !== predicateType) return null
    const listed = new Map(manifest.predicate.files.map(file => [file.path, file]))
    const files = manifest.subject.map(({ name, digest }) => {
      const file = listed.get(name)
      if (file === undefined || typeof digest.sha256 !== 'string') throw new TypeError(`no file ${name}`)
      return { ...file, sha256: digest.sha256 }
    })
    return files.length === listed.size ? { manifest, files } : null
  } catch {
    return null
  }
}
