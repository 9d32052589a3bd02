import type { Command } from 'commander'
import type { Json } from '../model.ts'
import { addCommand, type CommonOptions, type Invocation, terminalOf } from './command.ts'
import { catalogHere } from './controls.ts'
import { UsageError } from './exit.ts'
import { table } from './terminal.ts'

export function addFrameworks(program: Command, invocation: Invocation): void {
  const frameworks = program.command('frameworks').description('the frameworks that controls are mapped to')
  addCommand(frameworks, 'list', 'every framework').action((options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const list = catalogHere(invocation, options, terminal).frameworks.map(({ id, name, version, publisher, requirements }) => {
      const covered = requirements.filter(each => each.controls.length > 0).length
      return { id, name, version, publisher, requirements: requirements.length, covered }
    })
    terminal.line(
      table(
        ['id', 'name', 'requirements', 'covered'],
        list.map(each => [each.id, each.name, each.requirements, each.covered]),
      ),
    )
    terminal.document({ frameworks: list })
  })
  addCommand(frameworks, 'coverage', 'how much of each framework controls cover, and what none covers').action(
    (options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const list = catalogHere(invocation, options, terminal).frameworks.map(({ id, requirements }) => {
        const uncovered = requirements.filter(each => each.controls.length === 0).map(each => each.id)
        const pairs = requirements.flatMap(each => each.controls)
        const judged = pairs.filter(pair => pair.basis === 'judgement').length
        return { id, requirements: requirements.length, uncovered, pairs: pairs.length, byJudgement: judged }
      })
      terminal.line(
        table(
          ['id', 'requirements', 'pairs', 'by judgement', 'uncovered'],
          list.map(each => [each.id, each.requirements, each.pairs, each.byJudgement, each.uncovered.join(', ')]),
        ),
      )
      terminal.document({ frameworks: list })
    },
  )
  addCommand(frameworks, 'show', 'the requirements of a framework and their controls')
    .argument('<id>', 'framework, e.g. soc2')
    .action((id: string, options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const framework = catalogHere(invocation, options, terminal).frameworks.find(each => each.id === id)
      if (framework === undefined) throw new UsageError(`no framework ${id}`, 'see `evidenced frameworks list`')
      const controlsOf = (requirement: (typeof framework.requirements)[number]) =>
        requirement.controls.length === 0
          ? 'UNCOVERED'
          : requirement.controls.map(each => (each.basis === 'judgement' ? `${each.id}~` : each.id)).join(', ')
      terminal.line(
        `${framework.name}, ${framework.version} (${framework.publisher}); ~ marks our own judgement, the rest rests on a public source`,
      )
      terminal.line(
        table(
          ['requirement', 'label', 'controls'],
          framework.requirements.map(each => [each.id, each.label, controlsOf(each)]),
        ),
      )
      terminal.document({ ...framework } as unknown as Json)
    })
}
