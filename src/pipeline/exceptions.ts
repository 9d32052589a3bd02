import { exceptionProblems, exceptionReach, readExceptionFile } from '../controls/index.ts'
import { explain } from '../errors.ts'
import { exceptionState } from '../exception.ts'
import type { Exception, RegisteredException } from '../model.ts'
import { type ExceptionRegisterView, exceptionRegisterView } from '../reports/index.ts'
import { lastExceptionFile, latestEvaluation, readExceptions, saveExceptionFile } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { readJudged } from './evaluation.ts'
import type { Parts } from './parts.ts'

/**
 * Reads the configured file of exceptions and keeps it when it says something new. One that cannot be read or parsed changes nothing: what was
 * known of it before stays in force, and it is told.
 * @returns what is wrong, one line each: rows that do not count, or that nothing could be read
 */
export async function readConfiguredExceptions(
  parts: Pick<Parts, 'store' | 'catalog' | 'log'>,
  exceptions: { readonly file: string | null; readonly maxDays: number },
): Promise<readonly string[]> {
  if (exceptions.file === null) return []
  try {
    const last = await lastExceptionFile(parts.store)
    const file = readExceptionFile(exceptions.file, parts.catalog, exceptions.maxDays, last)
    if (await saveExceptionFile(parts.store, file))
      parts.log.info('exceptions changed', { location: file.location, digest: file.digest, exceptions: file.exceptions.length })
    for (const problem of file.problems) parts.log.warn('broken exception', { problem })
    return file.problems
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'EXCEPTIONS_UNREADABLE') throw error
    parts.log.warn('exceptions not read', { location: exceptions.file, error })
    return [explain(error)]
  }
}

/** Every exception as of an instant, with its state then; how many fails it stands beside says the last evaluation by then. */
export async function exceptionRegister(
  parts: Pick<Parts, 'store' | 'catalog'>,
  asOf: Date,
): Promise<{ readonly register: readonly RegisteredException[]; readonly view: ExceptionRegisterView }> {
  const exceptions = await readExceptions(parts.store, asOf)
  const evaluation = await latestEvaluation(parts.store, { asOf })
  const problems = exceptionProblems(parts.catalog, exceptions)
  const covers = new Map(evaluation?.exceptions?.map(each => [each.id, each.covers]))
  const register = exceptions.map(each => ({
    ...each,
    state: exceptionState(each, asOf),
    covers: covers.get(each.id) ?? 0,
    problem: problems.get(each.id) ?? null,
  }))
  const file = await lastExceptionFile(parts.store)
  const view = exceptionRegisterView({
    ...{ asOf, softwareVersion, evaluation, exceptions: register, problems: file?.problems ?? [] },
  })
  return { register, view }
}

/**
 * Of the exceptions that fit nothing of what the last evaluation judged why, by id and in words: a mistyped key, a subject that is gone. One that is not
 * there fits something, or nothing was judged yet, or nobody can say because a population was not read to its end.
 */
export async function reachProblems(
  parts: Pick<Parts, 'store' | 'catalog'>,
  exceptions: readonly Exception[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  if (exceptions.length === 0 || (await latestEvaluation(parts.store, {})) === null) return found
  const { evaluation, estate } = await readJudged(parts, null)
  const judged = `evaluation ${evaluation.id} of ${evaluation.asOf.toISOString()}`
  for (const exception of exceptions) {
    const { fits, population, isWhole } = exceptionReach(parts.catalog, estate, exception, evaluation.asOf)
    if (fits > 0 || !isWhole) continue
    const controls = exception.controls.join(', ')
    found.set(exception.id, `it fits none of the ${population} subjects of ${controls} that ${judged} judged`)
  }
  return found
}
