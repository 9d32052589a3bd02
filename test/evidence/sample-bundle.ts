import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BundleSubject, openSigner, type SealedBundle, type Signer, sealBundle } from '../../src/evidence/index.ts'
import type { Artifact } from '../../src/model.ts'

/** A folder of its own for one test, removed at its end. */
export async function freshFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'evidenced-evidence-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export const subject: BundleSubject = {
  scope: { sources: ['acme'] },
  asOf: new Date('2026-06-30T00:00:00Z'),
  framework: { id: 'soc2', version: '2017', digest: 'f'.repeat(64) },
  evaluation: { digest: 'e'.repeat(64), catalogDigest: 'c'.repeat(64) },
  snapshots: [{ source: 'acme', version: 7, digest: 'a'.repeat(64) }],
  ledgerPosition: 42,
  softwareVersion: '0.1.0',
  complete: true,
  missing: [],
}

export function artifact(path: string, content: string | Uint8Array, mediaType = 'text/plain; charset=utf-8'): Artifact {
  const bytes = Buffer.from(content as string)
  return {
    path,
    mediaType,
    title: `Title of ${path}`,
    async *read() {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
    },
  }
}

export const artifacts: readonly Artifact[] = [
  artifact('reports/soc2.html', '<!doctype html><title>SOC 2</title>', 'text/html; charset=utf-8'),
  artifact(
    'populations/acme/users.csv',
    'name,note\r\nada,"two\r\nlines"\r\nbob,\r\n',
    'text/csv; charset=utf-8; header=present',
  ),
  artifact(
    'snapshots/acme.jsonl',
    '{"kind":"snapshot"}\n{"key":"1"}\n{"key":"2"}\n{"key":"3"}\n',
    'application/x-ndjson; header=present',
  ),
  artifact('zero.csv', 'name\r\n', 'text/csv; charset=utf-8; header=present'),
  artifact('empty', ''),
]

export interface SampleBundle extends AsyncDisposable {
  readonly folder: string
  readonly path: string
  readonly signer: Signer
  readonly sealed: SealedBundle
  readonly bytes: Buffer
}

async function ecdsaSigner(folder: string): Promise<Signer> {
  const keyFile = join(folder, 'ecdsa.pem')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return openSigner({ keyFile })
}

/** A small sealed bundle on disk. */
export async function sampleBundle(
  changes: { artifacts?: readonly Artifact[]; subject?: Partial<BundleSubject>; isEcdsa?: boolean } = {},
): Promise<SampleBundle> {
  const folder = await freshFolder()
  const signer = await (changes.isEcdsa ? ecdsaSigner(folder.path) : openSigner({ dataDir: folder.path }))
  const path = join(folder.path, 'bundle.zip')
  const sealed = await sealBundle({
    artifacts: changes.artifacts ?? artifacts,
    subject: { ...subject, ...changes.subject },
    signer,
    path,
  })
  return {
    folder: folder.path,
    path,
    signer,
    sealed,
    bytes: await readFile(path),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
