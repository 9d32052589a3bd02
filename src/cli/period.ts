import { instant } from './command.ts'
import { UsageError } from './exit.ts'

/**
 * The period that `--from` and `--to` name. A day that it begins with means its beginning, one that it ends with its end; it ends now at the latest.
 * @throws {UsageError} for a period without a beginning, one that is empty, or one beside `--as-of`
 */
export function periodOf(
  options: { readonly from?: string; readonly to?: string; readonly asOf?: string },
  now: Date,
): { readonly from: Date; readonly to: Date } {
  if (options.from === undefined) throw new UsageError('a period needs its beginning', 'add --from DAY')
  if (options.asOf !== undefined)
    throw new UsageError('--as-of names an instant, --from and --to a period', 'leave one of them out')
  const from = /^\d{4}-\d{2}-\d{2}$/.test(options.from) ? instant(`${options.from}T00:00:00Z`) : instant(options.from)
  const end = options.to === undefined ? now : instant(options.to)
  const to = end > now ? now : end
  if (from < to) return { from, to }
  throw new UsageError(
    `the period ${options.from} to ${options.to ?? 'now'} is empty`,
    'name a beginning that is before the end and before now',
  )
}
