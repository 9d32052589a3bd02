import type { Command } from 'commander'
import { describeConfig } from '../config.ts'
import { configSchema } from '../config-schema.ts'
import type { Json } from '../model.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { catalogOf } from './parts.ts'

export function addConfig(program: Command, invocation: Invocation): void {
  const config = program.command('config').description('check, show and describe the configuration')
  addCommand(config, 'schema', 'print the JSON Schema of the configuration file').action(() => {
    invocation.streams.stdout.write(`${JSON.stringify(configSchema, null, 2)}\n`)
  })
  addCommand(
    config,
    'show',
    'check the configuration against schema and catalog, and print it with its defaults, without secrets',
  ).action((options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const config = configOf(invocation, options)
    catalogOf(config, terminal)
    const described = describeConfig(config) as Json
    terminal.line(JSON.stringify(described, null, 2))
    terminal.document(described)
  })
}
