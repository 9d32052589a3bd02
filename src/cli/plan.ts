import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { CollectionPlan, Json } from '../model.ts'
import { planCollection } from '../sources/index.ts'
import { accountsWithPairs, keptFacts, lastCounts } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { awsOf, sourcesOf, storeOf } from './parts.ts'
import { type Terminal, table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly source?: string
}

export function addPlan(program: Command, invocation: Invocation): void {
  addCommand(program, 'plan', 'what a collection will ask AWS, and how long it will take')
    .option('--source <label>', 'only this source')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const sources = sourcesOf(config, options.source)
      const log = openLog('warn')
      await using store = await storeOf(config, log)
      await using aws = awsOf(store, log, invocation.env)
      const plans: CollectionPlan[] = []
      for (const source of sources) {
        const kept = {
          keptFacts: (dataset: string) => keptFacts(store, source.label, dataset),
          accountsWithPairs: () => accountsWithPairs(store, source.label),
        }
        plans.push(await planCollection(aws, source, await lastCounts(store, source.label), {}, kept))
      }
      for (const plan of plans) showPlan(terminal, plan)
      terminal.document({ plans: plans.map(planDocument) })
    })
}

function showPlan(terminal: Terminal, plan: CollectionPlan): void {
  const shown = (value: number | null | undefined) => (value === null || value === undefined ? '?' : String(rounded(value)))
  terminal.line(`${plan.source}:`)
  terminal.line(
    table(
      ['step', 'dataset', 'operation', 'calls', 'seconds'],
      plan.steps.map((step, i) => [i + 1, step.dataset, step.action, shown(step.calls), shown(step.seconds)]),
    ),
  )
  terminal.line('')
  terminal.line(
    plan.calls === null
      ? 'Calls are not known before the first collection: it begins with the lists, and the next plan knows.'
      : `${plan.calls} calls in about ${shown(plan.seconds)} seconds: budgets run side by side, the busiest decides.`,
  )
  if (plan.discovery !== undefined) {
    const { bySet, byAccount, secondsBySet, secondsByAccount, reason } = plan.discovery
    const cost = (calls: number | null, seconds: number | null | undefined) =>
      `${shown(calls)} calls in ${shown(seconds)} seconds`
    terminal.line(
      `Provisioned pairs: by permission set ${cost(bySet, secondsBySet)}, by account ${cost(byAccount, secondsByAccount)}. ${reason}`,
    )
  }
  terminal.line('')
}

function planDocument(plan: CollectionPlan): Json {
  return {
    source: plan.source,
    identity: { ...plan.identity },
    calls: plan.calls,
    seconds: plan.seconds === null ? null : rounded(plan.seconds),
    steps: plan.steps.map((step, i) => ({
      step: i + 1,
      dataset: step.dataset,
      operation: step.operation,
      action: step.action,
      place: { ...step.place },
      calls: step.calls,
      seconds: step.seconds === null || step.seconds === undefined ? null : rounded(step.seconds),
    })),
    discovery: plan.discovery === undefined ? null : { ...plan.discovery },
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
