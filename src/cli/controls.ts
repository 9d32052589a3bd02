import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { type Catalog, type ControlParameter, controlParameters, newControl, runCases } from '../controls/index.ts'
import type { Json } from '../model.ts'
import { addCommand, type CommonOptions, type Invocation, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { catalogOf } from './parts.ts'
import { type Terminal, table } from './terminal.ts'

interface TestOptions extends CommonOptions {
  readonly control?: string
}

export function addControls(program: Command, invocation: Invocation): void {
  const controls = program.command('controls').description('the catalog of controls')
  addCommand(controls, 'list', 'every control').action((options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const catalog = catalogHere(invocation, options, terminal)
    const list = catalog.controls.map(({ id, title, severity, version }) => ({ id, title, severity, version }))
    terminal.line(
      table(
        ['id', 'severity', 'version', 'title'],
        list.map(each => [each.id, each.severity, each.version, each.title]),
      ),
    )
    terminal.document({ controls: list, catalog: catalog.digest })
    invocation.code = catalog.problems.length === 0 ? exit.done : exit.failed
  })
  addCommand(controls, 'show', 'one control, as it is judged')
    .argument('<id>', 'control, e.g. IDC-USER-001')
    .action((id: string, options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const catalog = catalogHere(invocation, options, terminal)
      const control = catalog.controls.find(each => each.id === id)
      if (control === undefined) throw new UsageError(`no control ${id}`, 'see `evidenced controls list`')
      const { parameters: _, ...rest } = control
      for (const [name, value] of Object.entries(rest))
        terminal.line(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      const parameters = controlParameters(catalog, id)
      const mappings = mappingsOf(catalog, id)
      if (parameters.length > 0) terminal.line(parameterTable(parameters))
      if (mappings.length > 0) {
        terminal.line('mapped to (~ by our own judgement):')
        for (const { framework, requirements } of mappings) terminal.line(`  ${framework}: ${requirements.join(', ')}`)
      }
      terminal.document({ ...control, parameterDetails: parameters, mappings } as unknown as Json)
    })
  addCommand(controls, 'lint', 'every mistake in the files of the catalog').action((options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const { problems, controls: good, frameworks } = catalogHere(invocation, options, terminal)
    terminal.line(`${good.length} controls and ${frameworks.length} frameworks load, ${problems.length} mistakes`)
    terminal.document({ controls: good.length, frameworks: frameworks.length, problems: problems.map(each => ({ ...each })) })
    invocation.code = problems.length === 0 ? exit.done : exit.failed
  })
  addCommand(controls, 'new', 'print a control to start from')
    .argument('<id>', 'capital letters, digits and dashes, e.g. OWN-001')
    .requiredOption('--resource <type>', 'what it judges, e.g. user')
    .action((id: string, options: CommonOptions & { readonly resource: string }) => {
      if (!/^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$/.test(id))
        throw new UsageError(`${id} is no id`, 'write capital letters, digits and dashes')
      const terminal = terminalOf(invocation, options)
      const text = newControl(id, options.resource)
      terminal.line(text.trimEnd())
      terminal.document({ id, resource: options.resource, text })
    })
  addCommand(controls, 'test', 'run the cases that stand beside each control')
    .option('--control <id>', 'only this control')
    .action((options: TestOptions) => {
      const terminal = terminalOf(invocation, options)
      const catalog = catalogHere(invocation, options, terminal)
      if (options.control !== undefined && !catalog.controls.some(each => each.id === options.control)) {
        throw new UsageError(`no control ${options.control}`, 'see `evidenced controls list`')
      }
      const report = runCases(catalog, options.control)
      for (const control of report.controls) {
        terminal.line(`${control.ok ? 'ok  ' : 'FAIL'}  ${control.id}  ${control.cases.length} cases`)
        for (const problem of control.problems) terminal.line(`        ${problem}`)
      }
      const failed = report.controls.filter(control => !control.ok).length
      terminal.line(`${report.controls.length - failed} controls ok, ${failed} failed, ${catalog.problems.length} broken files`)
      terminal.document(report as unknown as Json)
      invocation.code = failed === 0 && catalog.problems.length === 0 ? exit.done : exit.failed
    })
}

function parameterTable(parameters: readonly ControlParameter[]): string {
  const shown = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))
  return table(
    ['parameter', 'value', 'default', 'unit', 'what it says', 'same as'],
    parameters.map(({ name, value, default: standard, unit, description, sameAs }) => [
      ...[name, shown(value), shown(standard)],
      ...[unit ?? '', description, sameAs ?? ''],
    ]),
  )
}

/** Requirements that a control is mapped to, by framework. */
function mappingsOf(catalog: Catalog, id: string) {
  return catalog.frameworks.flatMap(({ id: framework, requirements }) => {
    const mapped = requirements.flatMap(requirement => {
      const pair = requirement.controls.find(each => each.id === id)
      return pair === undefined ? [] : [pair.basis === 'judgement' ? `${requirement.id}~` : requirement.id]
    })
    return mapped.length === 0 ? [] : [{ framework, requirements: mapped }]
  })
}

/** The catalog needs no configuration; one that is there adds its own folders and parameters. */
export function catalogHere(invocation: Invocation, options: CommonOptions, terminal: Terminal): Catalog {
  if (!existsSync(options.config)) {
    if (options.config !== './config.yaml') throw new UsageError(`no configuration at ${options.config}`)
    return catalogOf({ controlFolders: [], frameworkProfile: null, parameters: {} }, terminal)
  }
  return catalogOf(loadConfig(options.config, invocation.env), terminal)
}
