import { expect } from 'chai'
import { digestOf } from '../../src/digest.ts'
import type { SignedHead } from '../../src/model.ts'
import { type HeadFiles, openHeadBucket } from '../../src/sources/index.ts'
import { keys, startSmallS3 } from './small-s3.ts'

const now = () => new Date('2026-03-01T00:00:00Z')

function headOf(version: number, lines: number, before: SignedHead | null = null): SignedHead {
  return {
    ...{
      stream: 'aws-ssoins-1',
      version,
      snapshotDigest: 'a',
      ledgerPosition: version,
      ledgerDigest: 'b',
      lines,
      linesDigest: 'c',
    },
    ...{ previousDigest: before === null ? null : digestOf({ ...before }), keyFingerprint: 'f', signature: 's' },
  }
}

async function* some(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i += 7_000)
    yield Buffer.from(Array.from({ length: Math.min(7_000, count - i) }, (_, n) => `+ line ${i + n}\n`).join(''))
}

function write(bucket: HeadFiles, head: SignedHead, lines: number): Promise<void> {
  return bucket.write(head, some(lines), () => Promise.resolve(head))
}

describe('heads in a bucket', () => {
  const bucketAt = (endpoint: string, lockDays: number | null = null) =>
    openHeadBucket(
      { name: 'heads', region: 'eu-west-1', prefix: 'acme/x=1/', endpoint, lockDays },
      { environment: { ...keys }, now },
    )

  it('are kept whole, listed over several pages and read back, large change sets in several objects', async () => {
    await using s3 = await startSmallS3('heads')
    const bucket = bucketAt(s3.endpoint)
    expect(await bucket.heads('aws-ssoins-1')).to.deep.equal([])
    expect(await bucket.lastVersion('aws-ssoins-1')).to.equal(0)
    let last: SignedHead | null = null
    for (const version of [1, 2, 3, 4, 5]) {
      const lines = version === 1 ? 250_001 : 2
      last = headOf(version, lines, last)
      await write(bucket, last, lines)
    }
    expect(await bucket.lastVersion('aws-ssoins-1')).to.equal(5)
    expect((await bucket.heads('aws-ssoins-1')).map(head => head.version)).to.deep.equal([1, 2, 3, 4, 5])
    const kept = Buffer.concat(await Array.fromAsync(bucket.changes(headOf(1, 250_001))))
    expect(kept.equals(Buffer.concat(await Array.fromAsync(some(250_001))))).to.equal(true)
    expect([...s3.objects.keys()].filter(key => key.includes('/changes/00000001/'))).to.have.lengthOf(3)
    expect([...s3.objects.keys()].every(key => key.startsWith('acme/x=1/aws-ssoins-1/'))).to.equal(true)
  })

  it('are never written over, and taken up where a write broke off', async () => {
    await using s3 = await startSmallS3('heads')
    const bucket = bucketAt(s3.endpoint, 10)
    await write(bucket, headOf(1, 2), 2)
    await write(bucket, headOf(1, 2), 2)
    const refused = await write(bucket, { ...headOf(1, 2), ledgerDigest: 'other' }, 2).catch((error: Error) => error)
    expect(refused).to.include({ code: 'HEADS_NOT_WRITABLE' })
    expect((refused as Error).message).to.contain('with other contents')
    const astray = await write(bucket, headOf(2, 2, { ...headOf(1, 2), ledgerDigest: 'other' }), 2).catch((error: Error) => error)
    expect(astray).to.include({ code: 'HEADS_NOT_WRITABLE' })
    expect((astray as Error).message).to.contain('is not the one that it follows')
    expect([...s3.objects.keys()].filter(key => key.includes('00000002'))).to.deep.equal([])
    for (const headers of s3.puts.values()) {
      expect(headers['x-amz-object-lock-mode']).to.equal('COMPLIANCE')
      expect(headers['x-amz-object-lock-retain-until-date']).to.equal('2026-03-11T00:00:00.000Z')
    }
  })

  it('wait out what passes, and say what does not', async () => {
    await using s3 = await startSmallS3('heads')
    s3.failures.push(503, 500)
    await write(bucketAt(s3.endpoint), headOf(1, 0), 0)
    expect([...s3.objects.keys()]).to.deep.equal(['acme/x=1/aws-ssoins-1/heads/00000001.json'])
    const stranger = openHeadBucket(
      { name: 'heads', region: 'eu-west-1', prefix: '', endpoint: s3.endpoint, lockDays: null },
      { environment: { AWS_ACCESS_KEY_ID: 'AKIAOTHER', AWS_SECRET_ACCESS_KEY: 'x' }, now },
    )
    const refused = await write(stranger, headOf(2, 0), 0).catch((error: Error) => error)
    expect((refused as Error).message).to.contain('403 (SignatureDoesNotMatch: no)')
    expect(await stranger.heads('aws-ssoins-1').catch((error: { code: string }) => error.code)).to.equal('HEADS_NOT_READABLE')
    s3.objects.set('acme/x=1/aws-ssoins-1/changes/00000001/00000001.gz', Buffer.from('no gzip'))
    const torn = await Array.fromAsync(bucketAt(s3.endpoint).changes(headOf(1, 1))).catch((error: { code: string }) => error.code)
    expect(torn).to.equal('HEADS_CHANGED')
    s3.objects.set('acme/x=1/aws-ssoins-1/heads/00000002.json', Buffer.from('{"version":2}'))
    const noHead = await bucketAt(s3.endpoint)
      .heads('aws-ssoins-1')
      .catch((error: Error) => error)
    expect(noHead).to.include({ code: 'HEADS_CHANGED' })
    expect((noHead as Error).message).to.contain(
      'heads/00000002.json in the bucket heads is not as it was written: it is no head',
    )
    s3.objects.clear()
    const gone = await Array.fromAsync(bucketAt(s3.endpoint).changes(headOf(1, 1))).catch((error: { code: string }) => error.code)
    expect(gone).to.equal('HEADS_CHANGED')
    s3.failures.push(403)
    const refusedNow = await Array.fromAsync(bucketAt(s3.endpoint).changes(headOf(1, 1))).catch(
      (error: { code: string }) => error.code,
    )
    expect(refusedNow).to.equal('HEADS_NOT_READABLE')
  })

  it('say of which streams they are, over several pages, and nothing of what else stands there', async () => {
    await using s3 = await startSmallS3('heads')
    const bucket = bucketAt(s3.endpoint)
    expect(await bucket.streams()).to.deep.equal([])
    s3.objects.set('acme/x=1/photos/2026.png', Buffer.from('x'))
    s3.objects.set('acme/x=1/readme', Buffer.from('x'))
    for (const stream of ['aws-ssoins-1', 'aws-ssoins-2', 'evaluations']) await write(bucket, { ...headOf(1, 1), stream }, 1)
    expect(await bucket.streams()).to.deep.equal(['aws-ssoins-1', 'aws-ssoins-2', 'evaluations'])
  })
})
