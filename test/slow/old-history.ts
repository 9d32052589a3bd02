import { join } from 'node:path'
import { silent } from '../../src/log.ts'
import { openStore, type Store, saveEvaluation } from '../../src/store/index.ts'
import type { Workplace } from '../cli/program.ts'
import { collectOnce, part, user } from '../store/collected.ts'
import { evaluationOf } from '../store/evaluated.ts'

/**
 * Two years of history of the source that the configuration names, made with a clock of its own: Jane, her new name, and Bob in her place.
 * @param before saves something of a name before its snapshot
 * @returns the store, open
 */
export async function oldHistory(
  place: Workplace,
  before: (store: Store, name: string) => Promise<void> = () => Promise.resolve(),
): Promise<Store> {
  let at = new Date('2024-01-01T00:00:00Z')
  const store = await openStore({
    ...{ url: null, dataDir: join(place.folder, 'data'), log: silent, now: () => at, softwareVersion: '0.1.0' },
  })
  for (const [day, id, name] of [
    ['2024-01-01', 'u-jane', 'jane@example.com'],
    ['2024-06-01', 'u-jane', 'jane.roe@example.com'],
    ['2025-01-01', 'u-bob', 'bob@example.com'],
  ] as const) {
    at = new Date(`${day}T00:00:00Z`)
    await before(store, name)
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user(id, { UserName: name })] })])
    await saveEvaluation(store, evaluationOf([{ key: id, status: 'fail', reason: `${name} has no MFA` }]))
  }
  return store
}
