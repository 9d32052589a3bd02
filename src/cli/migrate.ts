import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { migrate } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'

export function addMigrate(program: Command, invocation: Invocation): void {
  addCommand(program, 'migrate', 'bring the database to this version of the program').action(async (options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const config = configOf(invocation, options)
    const { applied, role } = await migrate({
      url: config.databaseUrl,
      dataDir: config.dataDir,
      log: openLog(config.logLevel),
      now: () => new Date(),
      softwareVersion,
    })
    terminal.line(applied.length === 0 ? 'the database is up to date' : `applied: ${applied.join(', ')}`)
    if (role !== null)
      terminal.line(`the role ${role} may add evidence and change none: make the program's database user a member of it`)
    else if (config.databaseUrl !== null)
      terminal.note('this user may not create roles: have an administrator create the role evidenced_app, and migrate again')
    terminal.document({ applied: [...applied], role })
  })
}
