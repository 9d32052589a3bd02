import type { Snapshot, Source, SourceIdentity } from '../model.ts'
import { type Connection, query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

/** Number of the source with this label; null when nothing of it was ever sealed or begun. */
export async function sourceIdOf(store: Store, label: string): Promise<number | null> {
  const [found] = await query<{ id: number }>(store.db, 'select id from source where label = $1', [label])
  return found?.id ?? null
}

/**
 * The source of a proven identity. Its label may have changed (the new one counts from the next sealed snapshot on); the same label
 * for another organization or instance is refused. An instance ARN is unique, so an organization id that could not be read is no contradiction.
 * @throws {StoreError} SOURCE_IDENTITY_CHANGED
 */
export async function resolveSource(on: Connection, source: Source, identity: SourceIdentity, now: Date): Promise<number> {
  const labelled = await on.query<KnownSource>(`${selectSource} where label = $1`, [source.label])
  if (labelled[0] !== undefined) return checked(labelled[0], source, identity)
  const values = [identity.partition, identity.instanceArn]
  const known = await on.query<KnownSource>(`${selectSource} where partition = $1 and instance_arn = $2`, values)
  if (known[0] !== undefined) return checked(known[0], source, identity)
  await on.execute(
    `insert into source (label, partition, organization_id, instance_arn, created_at) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [source.label, identity.partition, identity.organizationId, identity.instanceArn, now],
  )
  const [made] = await on.query<KnownSource>(`${selectSource} where partition = $1 and instance_arn = $2`, values)
  if (made === undefined) {
    throw new StoreError(
      'SOURCE_IDENTITY_CHANGED',
      `another process used the label ${source.label} for another instance just now`,
      {
        hint: 'give each instance its own label',
      },
    )
  }
  return checked(made, source, identity)
}

interface KnownSource {
  readonly id: number
  readonly label: string
  readonly partition: string
  readonly organization_id: string | null
  readonly instance_arn: string
}

const selectSource = 'select id, label, partition, organization_id, instance_arn from source'

function checked(known: KnownSource, source: Source, identity: SourceIdentity): number {
  const sameOrganization =
    known.organization_id === null || identity.organizationId === null || known.organization_id === identity.organizationId
  if (known.partition === identity.partition && known.instance_arn === identity.instanceArn && sameOrganization) return known.id
  const was = `${known.instance_arn} of ${known.organization_id ?? 'no organization'}`
  const is = `${identity.instanceArn} of ${identity.organizationId ?? 'no organization'}`
  throw new StoreError('SOURCE_IDENTITY_CHANGED', `the source ${source.label} was ${was}, and AWS now shows ${is}`, {
    hint: 'check credentials and Region; if this is meant to be another organization, give it another label',
  })
}

/** The label a source has now: it may have changed since a snapshot of it was sealed. */
export async function sourceLabel(store: Store, { runId, source }: Snapshot): Promise<string> {
  const [found] = await query<{ label: string }>(
    store.db,
    'select o.label from snapshot s join source o on o.id = s.source_id where s.run_id = $1',
    [runId],
  )
  return found?.label ?? source
}
