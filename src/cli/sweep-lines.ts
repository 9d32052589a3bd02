import type { Json } from '../model.ts'
import type { Sweep } from '../store/index.ts'

/** What became of the dead rows of a disposal, for people. */
export function sweepLines({ swept, left }: Sweep, how: 'reuse' | 'rewrite'): string[] {
  const done =
    how === 'rewrite'
      ? `written anew without what was removed: ${swept.join(', ')}`
      : `vacuumed, so that new rows take the space: ${swept.join(', ')}`
  return [
    ...(swept.length === 0 ? [] : [done]),
    ...left.map(({ table, why }) => `${table}: what was removed may stand in the files of the database still: ${why}`),
  ]
}

export function sweepDocument({ swept, left }: Sweep): Json {
  return { swept: [...swept], left: left.map(each => ({ ...each })) }
}
