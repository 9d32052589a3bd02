import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { sha256 } from '../../src/digest.ts'
import type { Snapshot } from '../../src/model.ts'
import { openHeadBucket, openHeadFiles } from '../../src/sources/index.ts'
import {
  type HeadCheck,
  type HeadSigner,
  publishEvaluationHeads,
  publishHeads,
  readSnapshot,
  recordFailure,
  type Store,
  saveBundle,
  saveEvaluation,
  saveImport,
  verifyStore,
} from '../../src/store/index.ts'
import { keys, startSmallS3 } from '../sources/small-s3.ts'
import { assignment, call, collectOnce, errorOf, gap, group, membership, part, sourceNamed, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { asOwner, fixAllHashes } from './forger.ts'
import { freshStore } from './fresh-store.ts'

const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const signer: HeadSigner = { fingerprint: 'ours', sign: async bytes => sign(null, bytes, privateKey) }
const trust: HeadCheck['verify'] = (bytes, head) =>
  head.keyFingerprint === 'ours' ? verify(null, bytes, publicKey, Buffer.from(head.signature, 'base64')) : null

describe('the whole database, computed again', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  async function filled(): Promise<{ store: Store; folder: string; problems: (heads?: boolean) => Promise<string[]> }> {
    const store = await freshStore()
    const folder = mkdtempSync(join(tmpdir(), 'evidenced-heads-'))
    folders.push(folder)
    const sink = openHeadFiles(folder)
    for (const [i, members] of [
      ['u1', 'u2'],
      ['u1', 'u2'],
      ['u2', 'u3'],
    ].entries()) {
      await collectOnce(
        store,
        [
          part({ dataset: 'identitystore.users', rows: ['u1', 'u2', 'u3'].map(id => user(id, { Title: `t${i}` })) }),
          part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
          i === 1
            ? part({
                dataset: 'identitystore.group_memberships',
                parent: 'g1',
                coverage: 'denied',
                reason: 'no',
                gaps: [gap('identitystore.group_memberships', { parent: 'g1' })],
              })
            : part({
                dataset: 'identitystore.group_memberships',
                parent: 'g1',
                rows: members.map(id => membership('g1', id, i === 2 ? { New: 'member' } : {})),
              }),
          part({ dataset: 'sso.account_assignments', parent: `1|${set}`, rows: [assignment('1', set, 'GROUP', 'g1')] }),
        ],
        { calls: [call('ListUsers')] },
      )
      // the first is left to be caught up
      if (i > 0) await publishHeads(store, 'acme', [sink], signer)
    }
    const { source, version, digest } = (await readSnapshot(store, 'acme', 'latest'))!
    const evaluation = evaluationOf([{ key: 'u1', status: 'fail' }], { snapshots: [{ source, version, digest }] })
    await saveEvaluation(store, evaluation, [{ source, permissionSetArn: set, classification: 'admin', reason: 'because' }])
    await publishEvaluationHeads(store, [sink], signer)
    const problems = async (heads = true) => {
      const found = await verifyStore(store, heads ? { sinks: [sink], verify: trust } : null)
      return found.problems.map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
    }
    return { store, folder, problems }
  }

  /** An import, a bundle and a run that failed. */
  async function recorded(store: Store): Promise<void> {
    const [at, digest] = [new Date('2026-03-01T00:00:00Z'), 'ab'.repeat(32)]
    await saveImport(store, { kind: 'roster', location: 'roster.csv', digest, rows: [{ email: 'u1@example.com' }] })
    const record = { issuedAt: at, asOf: at, framework: 'soc2', path: 'b1.zip', sizeBytes: 1, manifestDigest: digest }
    await saveBundle(store, { id: 'b1', ...record, keyFingerprint: 'ours', ledgerPosition: 1, complete: true })
    await recordFailure(store, sourceNamed(), { code: 'NO_CREDENTIALS', message: 'none', startedAt: at })
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  }

  it('finds nothing wrong where nothing is, parts that were not read and odd members included', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    expect(await problems()).to.deep.equal([])
    expect((await verifyStore(store, null)).snapshots).to.equal(3)
    const alone = await verifyStore(store, null)
    const { readAt, ...inThreads } = await verifyStore(store, null, () => {}, 2)
    expect({ ...inThreads, readAt: alone.readAt }, 'in threads').to.deep.equal(alone)
    expect(readAt).to.be.greaterThan(alone.readAt)
    expect(readdirSync(folder).sort()).to.deep.equal([
      ...['aws-ssoins-1234567890abcdef', 'aws-ssoins-1234567890abcdef.jsonl'],
      ...['evaluations', 'evaluations.jsonl'],
    ])
  })

  const forgeries: readonly (readonly [what: string, statement: string, name: string, how: RegExp])[] = [
    [
      'a changed user',
      `update entity_version set body = replace(body, 'u1@', 'xx@') where body like '%u1@%' and from_version = 1`,
      'identitystore.users 111122223333 eu-west-1 u1',
      /was changed/,
    ],
    [
      'an added membership',
      `insert into membership_version select source_id, part_id, (select id from resource_key where key = 'u3'), from_version, to_version, store_id, 'm-x', rest,
         sha256(convert_to('{"GroupId":"g1","IdentityStoreId":"d-1234567890","MemberId":{"UserId":"u3"},"MembershipId":"m-x"}', 'UTF8'))
       from membership_version where from_version = 1 and user_id = (select id from resource_key where key = 'u1')`,
      'identitystore.group_memberships 111122223333 eu-west-1 g1|u3',
      /was not there/,
    ],
    [
      'a missing assignment',
      'delete from assignment_version',
      `sso.account_assignments 111122223333 eu-west-1 1|${set}|GROUP|g1`,
      /is missing/,
    ],
    [
      'a grant that ended later than it did',
      `update membership_version set to_version = 2147483647 where to_version = 3 and user_id = (select id from resource_key where key = 'u1')`,
      'identitystore.group_memberships 111122223333 eu-west-1 g1|u1',
      /is missing \(ends/,
    ],
  ]
  for (const [what, statement, name, how] of forgeries) {
    it(`names ${what}, also when the owner of the database fixed every hash inside`, async () => {
      const { store, problems } = await filled()
      await using _ = store
      await asOwner(store, statement)
      expect(await problems(false)).not.to.deep.equal([])
      await fixAllHashes(store)
      expect(await problems(false), 'nothing inside shows it').to.deep.equal([])
      const found = await problems()
      const rows = found.filter(each => each.startsWith(`row ${name}: `))
      expect(rows, found.join('\n')).to.have.lengthOf.at.least(1)
      expect(rows.join()).to.match(how)
      expect(found.some(each => each.startsWith('ledger '))).to.equal(true)
    })
  }

  it('names a row that was made to begin later than it did, which no digest inside shows', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const sink = openHeadFiles(folder)
    for (let i = 0; i < 2; i++) {
      const rows = [assignment('1', set, 'GROUP', 'g1')]
      await collectOnce(store, [part({ dataset: 'sso.account_assignments', parent: `1|${set}`, rows })], {})
      await publishHeads(store, 'acme', [sink], signer)
    }
    expect(await problems()).to.deep.equal([])
    await asOwner(
      store,
      `insert into assignment_version select source_id, part_id, principal_type, principal_id, 5, to_version, rest, digest from assignment_version;
       update assignment_version set to_version = 5 where from_version < 5`,
    )
    expect(await problems(false)).to.deep.equal([])
    const row = `row sso.account_assignments 111122223333 eu-west-1 1|${set}|GROUP|g1`
    expect(await problems()).to.deep.equal([
      `${row}: was not there when acme version 5 was sealed (begins and ends with acme version 5)`,
    ])
  })

  it('names what was changed by somebody who fixed nothing', async () => {
    const cases: readonly (readonly [statement: string, expected: RegExp])[] = [
      [`update entity_version set body = replace(body, 'u1@', 'xx@')`, /^row identitystore\.users .* u1:/m],
      [
        `update membership_version set membership_id = 'x' where user_id = (select id from resource_key where key = 'u2')`,
        /^row identitystore\.group_memberships .* g1\|u2:/m,
      ],
      [`delete from entity_version where from_version = 3`, /^dataset identitystore\.users .* in acme version 3:/m],
      [`update snapshot set sealed_at = sealed_at - interval '1 day' where version = 2`, /^snapshot acme version 2:/m],
      [`delete from dataset_summary where version = 2`, /^snapshot acme version 2:/m],
      [`update gap_version set body = replace(body, 'access_denied', 'throttled')`, /^snapshot acme version 2:/m],
      [`update ledger set payload = replace(payload, 'acme', 'evil') where position = 2`, /^ledger entry 2:/m],
      [`delete from ledger where position = 2`, /^ledger entry 3: entries from 2 to 2 are missing/m],
      [`update result_version set body = replace(body, 'because', 'so')`, /^evaluation IDC-USER-001 acme u1:/m],
      [
        `update classification set classification = 'unknown'`,
        /^evaluation evaluation 1: what it says of permission sets was changed/m,
      ],
      [
        `delete from classified_snapshot; delete from classification; delete from evaluation`,
        /^evaluation evaluation 1: the ledger names it/m,
      ],
      [`delete from call_chunk where id = 1`, /^calls calls of acme version 1:/m],
      [`delete from snapshot where version = 3`, /^snapshot snapshot of run .*: the ledger names it/m],
      [
        `insert into entity_version select source_id, entity_id, 9, 10, part_id, digest, body from entity_version where from_version = 3 limit 1`,
        /^dataset identitystore\.users .*: some of its rows begin or end with version 10, and the newest snapshot is 3/m,
      ],
    ]
    for (const [statement, expected] of cases) {
      const { store, problems } = await filled()
      await using _ = store
      await asOwner(store, statement)
      expect((await problems(false)).join('\n'), statement).to.match(expected)
    }
  }).timeout(120_000)

  it('names what no digest of rows covers: what was judged, filed, not read, and of which source', async () => {
    const judged = /^evaluation evaluation 1: the snapshots whose permission sets it is said to have judged/m
    const rounds: readonly (readonly (readonly [statement: string, expected: RegExp])[])[] = [
      [
        [`insert into classified_snapshot select source_id, 1, evaluation_id from classified_snapshot`, judged],
        [
          `update evaluation set evaluated_at = evaluated_at - interval '1 day'`,
          /^evaluation evaluation 1: it says that it was made/m,
        ],
        [`delete from open_part_version`, /^part .* in acme version 2: it says that 1 parts were not read, and 0 are on record/m],
        [
          `update source set instance_arn = 'x', organization_id = 'o-other'`,
          /^snapshot acme version 3: it is one of arn:.* its source says x: the source was changed\nsnapshot acme version 3: it is one of o-\w+, its source says o-other/m,
        ],
        [
          `update import_file set imported_at = imported_at - interval '1 day'`,
          /^import import 1: it is not what the ledger says/m,
        ],
        [
          `insert into import_file select 2, 'attestation', location, digest, imported_at from import_file`,
          /^import import 2: no entry of the ledger knows it/m,
        ],
        [`delete from bundle`, /^ledger bundle b1: the ledger names it/m],
        [`update run set outcome = 'interrupted' where outcome = 'failed'`, /^ledger failed run .*: the ledger names it/m],
      ],
      [
        [
          `update classification set version = 1`,
          /^evaluation evaluation 1: what it says of permission sets is said of another/m,
        ],
        [
          `insert into open_part_version select source_id, part_id, 3, 4, coverage, reason from open_part_version limit 1`,
          /^part .* in acme version 3: it says that 0 parts were not read, and 1 are on record/m,
        ],
        [
          `set session_replication_role = replica; alter table source disable trigger all; delete from source; reset session_replication_role`,
          /^snapshot acme version 3: its source is not there/m,
        ],
        [`delete from import_row; delete from import_file`, /^import import 1: the ledger names it, and it is not there/m],
      ],
      [
        [
          `update snapshot set callers = callers || 'x' where version = 2`,
          /^snapshot acme version 2: what it says cannot be read/m,
        ],
        [
          `update snapshot set identity = 'no identity' where version = 3`,
          /^snapshot acme version 3: what it says cannot be read/m,
        ],
        [`update control_definition set body = body || 'x'`, /^evaluation X: what it says was changed/m],
        [`update outcome_version set control_id = 'X', source = 'Y'`, /^evaluation X Y: what it says was changed/m],
        [`update evaluation set snapshots = '['`, /^evaluation evaluation 1: what it says cannot be read/m],
      ],
    ]
    for (const round of rounds) {
      const { store, problems } = await filled()
      await using _ = store
      await recorded(store)
      await asOwner(store, ...round.map(([statement]) => statement))
      const found = (await problems(false)).join('\n')
      for (const [statement, expected] of round) expect(found, statement).to.match(expected)
    }
  })

  it('finds in threads what it finds in one, rows that no snapshot can show included', async () => {
    const { store } = await filled()
    await using _ = store
    await asOwner(
      store,
      `update entity_version set body = replace(body, 'u1@', 'xx@');
       update assignment_version set rest = '{"Extra":1}';
       update membership_version set source_id = 7 where from_version = 1 and user_id = (select id from resource_key where key = 'u1');
       update membership_version set user_id = 99 where user_id = (select id from resource_key where key = 'u3');
       insert into membership_version (source_id, part_id, user_id, from_version, digest) values (1, 98, 1, 1, sha256('x'));
       update entity set dataset_id = (select id from dataset where name = 'identitystore.groups') where key_id = (select id from resource_key where key = 'u2')`,
    )
    const sorted = async (threads: number) =>
      (await verifyStore(store, null, () => {}, threads)).problems
        .map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
        .sort()
    const found = await sorted(2)
    expect(found).to.deep.equal(await sorted(1))
    const users = 'identitystore.users 111122223333 eu-west-1'
    const members = 'identitystore.group_memberships 111122223333 eu-west-1'
    for (const expected of [
      new RegExp(`^row ${users} u1: its digest is`),
      /^row sso\.account_assignments .*GROUP\|g1: its digest is/,
      new RegExp(`^row ${members} g1\\|u1: it names another source`),
      new RegExp(`^row ${members} part \\d+ key 99: its key is not in the database`),
      /^row part 98 key 1: its part is not in the database/,
      new RegExp(`^row ${users} u2: its entity, its part and itself do not name the same`),
      new RegExp(`^dataset ${members} in acme version 3: the snapshot counts 2 rows, the database shows 1`),
    ])
      expect(
        found.some(each => expected.test(each)),
        `${expected} in\n${found.join('\n')}`,
      ).to.equal(true)
  })

  it('takes no snapshot or evaluation that is saved meanwhile for one that is wrong', async () => {
    const { store } = await filled()
    await using _ = store
    const { pool } = store.db
    const connect = pool.connect.bind(pool)
    const other = { ...store, db: { ...store.db, pool: Object.create(pool, { connect: { value: connect } }) } }
    let saving: Promise<void> | null = null
    const saveMore = async () => {
      await collectOnce(other, [part({ dataset: 'identitystore.users', rows: [user('u1'), user('u9')] })])
      await saveEvaluation(other, evaluationOf([{ key: 'u9', status: 'fail' }]))
    }
    // whatever is asked once rows are read waits for what is saved meanwhile
    pool.connect = (async () => {
      await saving
      return connect()
    }) as typeof pool.connect
    const verified = await verifyStore(store, null, phase => {
      if (phase === 'rows') saving ??= saveMore()
    })
    expect(verified.problems).to.deep.equal([])
    expect(await verifyStore(store, null)).to.deep.include({ snapshots: 4, problems: [] })
  })

  it('names a part whose noted digest is not that of its rows, so that no reading can pass for unchanged', async () => {
    const { store, problems } = await filled()
    await using _ = store
    const name = `sso.account_assignments 111122223333 eu-west-1 1|${set}`
    const noted = await store.db.pool.query('select count(*)::int as count from part_content')
    expect(noted.rows[0].count).to.equal(2)
    await asOwner(
      store,
      `update part_content c set digest = sha256('what will be read next') from part p where p.id = c.part_id and p.parent like '1|%'`,
    )
    expect(await problems(false)).to.have.lengthOf(1)
    expect((await problems(false))[0])
      .to.match(/^part /)
      .and.to.contain(`part ${name}: equal readings are known by`)
    await asOwner(store, `insert into part_content values (99, sha256('x'))`)
    expect((await problems(false)).at(-1)).to.match(/^part part 99: .* its rows give nothing$/)
    await asOwner(store, 'delete from part_content')
    expect(await problems(false), 'one that was lost is compared row by row').to.deep.equal([])
  })

  it('finds the digest of a part right whatever its keys sort like and whatever was not seen of it', async () => {
    await using store = await freshStore()
    const keys = ['\u{1f600}', '\uffee', 'z', 'Z', 'z-1', 'z"']
    const listed = (members: readonly string[]) =>
      part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: members.map(id => membership('g1', id)) })
    const groups = part({ dataset: 'identitystore.groups', rows: [group('g1')] })
    await collectOnce(store, [groups, listed(keys)])
    await collectOnce(store, [groups, listed(keys)])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    await collectOnce(store, [
      groups,
      { ...listed(['z']), end: { ...listed(['z']).end!, coverage: 'incomplete', reason: 'cut' } },
    ])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    await collectOnce(store, [groups, listed(keys.slice(1))])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    expect((await store.db.pool.query('select from part_content')).rowCount).to.equal(1)
  })

  it('finds every digest right that a first snapshot and a later one put together, whatever stands in an id and however many ids there are', async () => {
    const ids = [
      'u1',
      'u"2',
      'u\\3',
      'u\t4',
      'ü\u{1f600}',
      'u|6',
      'x'.repeat(3000),
      ...Array.from({ length: 5000 }, (_, i) => `u-${i}`),
    ]
    const application = 'arn:aws:sso::111122223333:application/ssoins-1/apl-1'
    const odd = [{ MembershipId: 'm"\\' }, { IdentityStoreId: 'd"1' }, { MembershipId: 7 }, { More: ['"', null] }]
    const organization = (which: readonly string[]) => [
      part({ dataset: 'identitystore.users', rows: which.slice(0, 6).map(id => user(id)) }),
      part({
        ...{ dataset: 'identitystore.group_memberships', parent: 'g"1' },
        rows: which.map((id, i) => membership('g"1', id, odd[i] ?? {})),
      }),
      part({
        ...{ dataset: 'sso.account_assignments', parent: `111122223333|${set}` },
        rows: which.map((id, i) =>
          assignment('111122223333', set, i % 2 === 0 ? 'USER' : 'GROUP', id, i === 4 ? { More: 1 } : {}),
        ),
      }),
      part({
        ...{ dataset: 'sso.application_assignments', parent: application },
        rows: which.map(id => ({
          key: `${application}|USER|${id}`,
          facts: { ApplicationArn: application, PrincipalType: 'USER', PrincipalId: id },
        })),
      }),
    ]
    await using store = await freshStore()
    const first = await collectOnce(store, organization(ids))
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    await collectOnce(store, organization(ids.slice(0, 5)))
    const third = await collectOnce(store, organization(ids))
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    const edges = ({ datasets }: Snapshot) =>
      datasets.filter(each => each.name !== 'identitystore.users').map(({ name, count, digest }) => ({ name, count, digest }))
    expect(edges(third), 'computed from the rows, it is the same').to.deep.equal(edges(first))
  })

  it('finds heads that were changed, taken away, signed by a stranger or never written', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const list = join(folder, 'aws-ssoins-1234567890abcdef.jsonl')
    const good = readFileSync(list, 'utf8')
    const lines = good.trim().split('\n')
    const tryWith = async (text: string) => {
      writeFileSync(list, text)
      return (await problems()).join('\n')
    }
    expect(await tryWith(good.replace('"lines":', '"lines":1'))).to.match(/^head acme version 1: the signature/m)
    expect(await tryWith(good.replaceAll('"ours"', '"theirs"'))).to.match(/not trusted here/)
    expect(await tryWith(`${lines[0]}\n${lines[2]}\n`))
      .to.match(/does not follow/)
      .and.to.match(/head_missing acme version 2/)
    expect(await tryWith('')).to.match(/^head_missing acme version 1:/m)
    expect(await tryWith(good)).to.equal('')
    appendFileSync(join(folder, 'aws-ssoins-1234567890abcdef', '00000002.gz'), 'x')
    expect((await problems()).join('\n')).to.match(/^head acme version 2:/m)
    const forged = '+ nothing\n'
    writeFileSync(join(folder, 'aws-ssoins-1234567890abcdef', '00000002.gz'), gzipSync(forged))
    const head = JSON.stringify({ ...JSON.parse(lines[1]!), lines: 1, linesDigest: sha256(forged) })
    expect(await tryWith([lines[0], head, lines[2], ''].join('\n'))).to.match(/^head acme version 2: the signature/m)
  })

  it('names what was taken away, swapped or made up as a whole, and never calls unread heads good', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const list = join(folder, 'aws-ssoins-1234567890abcdef.jsonl')
    const good = readFileSync(list, 'utf8')
    const tryWith = async (text: string) => {
      writeFileSync(list, text)
      const found = await problems()
      writeFileSync(list, good)
      return found
    }
    const half = await tryWith(`${good.slice(0, 100)}\n${good}`)
    expect(half).to.have.lengthOf(1)
    expect(half[0]).to.match(
      /^head acme versions: their heads outside cannot be read: .*\.jsonl is not as it was written: line 1 is no head$/,
    )
    expect(await tryWith('null\n5\n{}\n')).to.deep.equal([half[0]!])
    const evaluations = join(folder, 'evaluations.jsonl')
    const strange = await tryWith(readFileSync(evaluations, 'utf8'))
    expect(strange.join('\n')).to.match(/^head acme version 1: its head is one of evaluations$/m)
    writeFileSync(join(folder, 'aws-ssoins-other.jsonl'), good)
    const foreign =
      /^head stream aws-ssoins-other: no source of this database has it: the source was taken away or changed, or the heads are of another database$/
    expect((await problems()).join('\n')).to.match(foreign)
    rmSync(join(folder, 'aws-ssoins-other.jsonl'))
    rmSync(join(folder, 'aws-ssoins-1234567890abcdef', '00000002.gz'))
    expect((await problems()).join('\n')).to.match(/^head acme version 2: its change set outside cannot be read: .*ENOENT/)

    await asOwner(store, `update signed_head set head = 'no head' where version = 3`)
    expect((await problems()).join('\n')).to.match(/^head acme version 3 in the database: what is kept as its head is none$/m)
    const sink = openHeadFiles(folder)
    expect((await errorOf(publishHeads(store, 'acme', [sink], signer))).message).to.match(/version 3 is none$/)
    const away = { ...sink, heads: () => Promise.reject(new Error('403')), streams: () => Promise.reject(new Error('403')) }
    const unread = (await verifyStore(store, { sinks: [away], verify: trust })).problems.map(each => `${each.kind} ${each.name}`)
    expect(unread).to.include.members(['head_missing heads outside', 'head_missing acme versions', 'head_missing evaluations'])
  })

  it('names a source that was given the label or the instance of another one, or was taken away with all that it had', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    await asOwner(store, `update source set label = 'other'`)
    expect(await problems()).to.include(
      "snapshot other version 3: it was sealed as a snapshot of acme: the source's label was changed",
    )
    await asOwner(store, `update source set label = 'acme', instance_arn = 'arn:aws:sso:::instance/ssoins-0000000000000000'`)
    const moved = (await problems()).join('\n')
    expect(moved)
      .to.match(/^snapshot acme version 3: it is one of arn:.*1234567890abcdef, its source says arn:.*ssoins-0000000000000000/m)
      .and.to.match(/^head stream aws-ssoins-1234567890abcdef: no source of this database has it/m)
    await using emptied = await freshStore()
    const found = await verifyStore(emptied, { sinks: [openHeadFiles(folder)], verify: trust })
    const empty = found.problems.map(({ kind, name, message }) => `${kind} ${name}: ${message}`).join('\n')
    expect(empty)
      .to.match(/^head stream aws-ssoins-1234567890abcdef: no source of this database has it/m)
      .and.to.match(/^evaluation evaluation 1: the evaluation is missing; its head says that there was one/m)
  })

  it('names a result that was changed, or taken away, by somebody who gave it a right digest', async () => {
    for (const [statement, how] of [
      [
        `update result_version set body = replace(body, 'because', 'so'), digest = sha256(convert_to(replace(body, 'because', 'so'), 'UTF8'))`,
        /was changed/,
      ],
      ['delete from result_version', /is missing/],
    ] as const) {
      const { store, problems } = await filled()
      await using _ = store
      await asOwner(store, statement)
      const found = await problems()
      const rows = found.filter(each => /^row result IDC-USER-001 acme resource user u1: /.test(each))
      expect(rows.join(), found.join('\n')).to.match(how)
    }
  })

  it('finds with the heads of the database alone what nobody without the key can sign', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const inside = async () =>
      (await verifyStore(store, { sinks: [], verify: trust })).problems.map(each => `${each.kind} ${each.name}: ${each.message}`)
    expect(await inside()).to.deep.equal([])
    await asOwner(
      store,
      `update entity_version set body = replace(body, 'u1@', 'xx@') where body like '%u1@%' and from_version = 1`,
    )
    await fixAllHashes(store)
    const found = (await inside()).join('\n')
    expect(found)
      .to.match(/^snapshot acme version 1: its digest is/m)
      .and.to.match(/^head acme version 1: its rows are not/m)
    await asOwner(store, `update signed_head set head = replace(head, '"version":2', '"version":4') where version = 2`)
    expect((await problems()).join('\n')).to.match(/^head acme version 4 in the database: the signature/m)
    await asOwner(store, `delete from signed_head where stream <> 'evaluations'`)
    const refused = await errorOf(publishHeads(store, 'acme', [openHeadFiles(folder)], signer))
    expect([refused.code, refused.message].join()).to.match(
      /^HEADS_NOT_WRITABLE,.* version 1 .* the last head there is of version 3: they are of another database/,
    )
    const adopted = await store.db.pool.query(`select count(*)::int as count from signed_head where stream <> 'evaluations'`)
    expect(adopted.rows[0].count, 'of a rewritten history no head outside is adopted, and none is written over').to.equal(3)
    expect((await problems()).join('\n')).to.match(/its head in the database is not the one outside/)
  })

  it('leaves the heads of what came after it alone when the database is put back to an earlier state, and says so', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const list = join(folder, 'aws-ssoins-1234567890abcdef.jsonl')
    const parts = (id: string) => [part({ dataset: 'identitystore.users', rows: [user(id)] })]
    for (const id of ['u7', 'u8']) {
      await collectOnce(store, parts(id), {})
      await publishHeads(store, 'acme', [openHeadFiles(folder)], signer)
    }
    const [later, changes] = [readFileSync(list, 'utf8'), join(folder, 'aws-ssoins-1234567890abcdef', '00000004.gz')]
    const before = readFileSync(changes)
    // a database of another history as long as that of the back-up
    const { store: restored } = await filled()
    await using __ = restored
    writeFileSync(list, later)
    await collectOnce(restored, parts('u9'), {})
    const refused = await errorOf(publishHeads(restored, 'acme', [openHeadFiles(folder)], signer))
    expect([refused.code, refused.message].join()).to.match(/^HEADS_NOT_WRITABLE,.* version 4 .* put back to an earlier state/)
    expect([readFileSync(list, 'utf8'), readFileSync(changes)]).to.deep.equal([later, before])
    expect(await problems()).to.deep.equal([])
    await using bucket = await startSmallS3('heads')
    const objects = openHeadBucket(
      { name: 'heads', region: 'eu-west-1', prefix: '', endpoint: bucket.endpoint, lockDays: null },
      { environment: { ...keys }, now: () => new Date('2026-03-01T00:00:00Z') },
    )
    await publishHeads(store, 'acme', [objects], signer)
    const found = await verifyStore(restored, { sinks: [openHeadFiles(folder)], verify: trust })
    const text = found.problems.map(({ kind, name, message }) => `${kind} ${name}: ${message}`).join('\n')
    expect(text).to.match(/^snapshot acme version 5: the snapshot is missing; its head says that there was one/m)
    expect(text).to.match(/^head acme version 4: its head in the database is not the one outside/m)
    const kept = [...bucket.objects.keys()]
    for (const id of ['u10', 'u11']) {
      await collectOnce(restored, parts(id), {})
      const error = await errorOf(publishHeads(restored, 'acme', [openHeadFiles(folder), objects], signer))
      expect(error.code).to.equal('HEADS_NOT_WRITABLE')
    }
    expect([readFileSync(list, 'utf8'), [...bucket.objects.keys()]], 'also when it has come as far').to.deep.equal([later, kept])
  })

  it('goes on after a power cut in the middle of a line', async () => {
    const { store, folder, problems } = await filled()
    await using _ = store
    const list = join(folder, 'aws-ssoins-1234567890abcdef.jsonl')
    const good = readFileSync(list, 'utf8')
    writeFileSync(list, good.slice(0, -20))
    await publishHeads(store, 'acme', [openHeadFiles(folder)], signer)
    expect(readFileSync(list, 'utf8')).to.equal(good)
    expect(await problems()).to.deep.equal([])
  })

  it('takes what a revoked key signed before for good once a later head of a trusted key holds it', async () => {
    const { store, folder } = await filled()
    await using _ = store
    const next = generateKeyPairSync('ed25519')
    const verifyBoth: HeadCheck['verify'] = (bytes, head) =>
      trust(bytes, head) ?? verify(null, bytes, next.publicKey, Buffer.from(head.signature, 'base64'))
    const sinks = [openHeadFiles(folder)]
    const tryWith = async (at: Date) => {
      const held: number[] = []
      const revoked = (key: string) => (key === 'ours' ? { at, reason: 'leaked' } : null)
      const { problems } = await verifyStore(store, {
        sinks,
        verify: verifyBoth,
        revoked,
        onHeld: each => held.push(each.version),
      })
      return {
        held,
        kinds: problems.map(each => each.kind),
        text: problems.map(each => `${each.name}: ${each.message}`).join('\n'),
      }
    }
    const [later, earlier] = [new Date(Date.now() + 60_000), new Date(0)]
    const alone = await tryWith(later)
    expect(new Set(alone.kinds)).to.deep.equal(new Set(['head_missing']))
    expect(alone.text).to.match(/signed with key ours, revoked on \d{4}-.* \(leaked\), and no later head .* collect and evaluate/)
    const after = await tryWith(earlier)
    expect(new Set(after.kinds)).to.deep.equal(new Set(['head']))
    expect(after.text).to.match(/recorded after that/)
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1', {})] })], {})
    await publishHeads(store, 'acme', sinks, { fingerprint: 'next', sign: async bytes => sign(null, bytes, next.privateKey) })
    const chained = await tryWith(later)
    expect(chained.text).not.to.match(/acme/)
    expect(chained.held).to.deep.equal([1, 2, 3, 1, 2, 3])
  })
})
