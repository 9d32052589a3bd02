import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { type Catalog, newControl, runCases } from '../controls/index.ts'
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
      const control = catalogHere(invocation, options, terminal).controls.find(each => each.id === id)
      if (control === undefined) throw new UsageError(`no control ${id}`, 'see `evidenced controls list`')
      for (const [name, value] of Object.entries(control))
        terminal.line(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      terminal.document({ ...control } as unknown as Json)
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

/** The catalog needs no configuration; one that is there adds its own folders and parameters. */
export function catalogHere(invocation: Invocation, options: CommonOptions, terminal: Terminal): Catalog {
  if (!existsSync(options.config)) {
    if (options.config !== './config.yaml') throw new UsageError(`no configuration at ${options.config}`)
    return catalogOf({ controlFolders: [], frameworkProfile: null, parameters: {} }, terminal)
  }
  return catalogOf(loadConfig(options.config, invocation.env), terminal)
}
