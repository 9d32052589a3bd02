import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { collectorOf, round, simulated, sourceOf } from './collection.ts'
import { startRival } from './rival.ts'

const limit = 100
const budget = 60
const rivalSeconds = 45
/** Neither the second in which something begins nor the one after it counts. */
const settlingSeconds = 2

/**
 * Collects under 60 % of a limit of which another client eats a share for 45 seconds: pages lost, throttle answers, how much of what is
 * left was used, and how long the way back to the budget takes once it has gone.
 */
export async function benchRival(): Promise<object> {
  return { half: await besideRival(0.5), nearlyAll: await besideRival(0.9) }
}

async function besideRival(share: number): Promise<object> {
  const left = Math.min(budget, limit * (1 - share))
  const pairs = Math.round(left * rivalSeconds * 0.9 + budget * 25)
  const shape = { seed: 4, accounts: 100, users: 200, groups: 40, permissionSets: 60, pairs, assignments: pairs, ous: 3 }
  const dataDir = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  await using aws = await simulated({ shape, latencyMs: 20, rates: { sso: { perSecond: limit, burst: limit / 5 } } })
  try {
    const rival = startRival(aws.env, limit * share)
    const collecting = collectorOf({
      source: sourceOf(aws.roleArn, { sso: budget, identitystore: 1000, organizations: 1000 }),
      environment: aws.env,
      dataDir,
      checks: 'none',
    })
    await pause(rivalSeconds * 1000)
    const { answered, throttled, stoppedAt } = await rival.stop()
    const figures = await collecting
    const seconds = new Map(figures.answeredBySecond)
    const began = figures.answeredBySecond[0]![0] + settlingSeconds
    const gone = Math.floor(stoppedAt / 1000)
    let used = 0
    for (let second = began; second < gone; second++) used += seconds.get(second) ?? 0
    const back = [...seconds.entries()].find(([second, calls]) => second > gone && calls >= budget * 0.9)?.[0]
    return {
      limit,
      budget,
      rivalPerSecond: limit * share,
      rivalGotPerSecond: round(answered / rivalSeconds),
      rivalThrottled: throttled,
      calls: figures.calls,
      pagesLost: figures.lost,
      partsNotRead: figures.open,
      throttleAnswers: figures.throttles,
      throttleAnswersAgainstAttempts: round(figures.throttles / figures.attempts),
      usedOfWhatIsLeft: round(used / ((gone - began) * left)),
      secondsUntil90PercentOfBudget: back === undefined ? null : back - gone,
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
