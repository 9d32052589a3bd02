import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { pseudonymise, sweepDisposed } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { onlySource } from './hold.ts'
import { storeOf } from './parts.ts'
import { sweepDocument, sweepLines } from './sweep-lines.ts'

interface Options extends CommonOptions {
  readonly user: string
  readonly source?: string
  readonly alsoKnownAs?: readonly string[]
  readonly dryRun: boolean
}

export function addPrivacy(program: Command, invocation: Invocation): void {
  const privacy = program.command('privacy').description("act on one person's request")
  addCommand(privacy, 'pseudonymise', 'remove what names one person, for good; the id, every digest and every chain stay')
    .requiredOption('--user <id or name>', 'the user id, or the user name as the directory had it; of an IAM user, the ARN')
    .option('--source <label>', 'the source of the user (default: the only one)')
    .option('--also-known-as <names...>', 'further names to look for in results, findings, imports and what people wrote')
    .option('--dry-run', 'say what would go and remove nothing', false)
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const source = options.source ?? onlySource(config.sources.map(each => each.label))
      await using store = await storeOf(config, openLog('warn'))
      const names = options.alsoKnownAs ?? []
      const done = await pseudonymise(store, { source, user: options.user, names, isDryRun: options.dryRun })
      terminal.line(
        `looked for ${done.names.length === 0 ? 'no name: none is kept' : done.names.map(name => JSON.stringify(name)).join(', ')}`,
      )
      terminal.line(
        `${options.dryRun ? 'would remove' : 'removed'} ${done.resources} versions of user ${done.user}, ${done.results} results, ${done.findings} states of findings and ${done.importRows} rows of imports` +
          (done.ledgerPosition === null ? '' : ` (ledger entry ${done.ledgerPosition})`),
      )
      for (const name of done.redacted) terminal.line(`${options.dryRun ? 'would take' : 'took'} the names out of ${name}`)
      for (const [dataset, count] of done.left) terminal.line(`left as they are: ${count} of ${dataset} name the person too`)
      for (const name of done.writings)
        terminal.line(`left: ${name} names the person where a name decides (what is covered, an id, a path)`)
      for (const text of done.unremovable)
        terminal.line(`cannot go, since digests are computed over it, or it is append-only: ${text}`)
      if (done.isStillThere) terminal.note('the last snapshot shows this user: the next collection brings its facts again')
      if (done.isBeingCollected)
        terminal.note(
          'a collection of this source is not sealed yet, and what it read may hold this user: run this again once one is sealed',
        )
      const sweep = done.ledgerPosition === null ? null : await sweepDisposed(store, 'rewrite')
      if (sweep !== null) for (const line of sweepLines(sweep, 'rewrite')) terminal.line(line)
      terminal.line('not reached from here: bundles and reports that were issued, back-ups, logs; see docs/history.md')
      terminal.document({
        ...done,
        source,
        dryRun: options.dryRun,
        names: [...done.names],
        redacted: [...done.redacted],
        writings: [...done.writings],
        unremovable: [...done.unremovable],
        left: Object.fromEntries(done.left),
        sweep: sweep === null ? null : sweepDocument(sweep),
      })
    })
}
