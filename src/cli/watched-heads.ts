import { explain } from '../errors.ts'
import type { HeadSink } from '../store/index.ts'

/** Sinks that remember how it went. */
export interface WatchedHeads {
  readonly sinks: readonly HeadSink[]
  /** why a sink did not take the last head of a stream that was to be left there, in words; null: all took theirs */
  failure(): string | null
}

/**
 * Watches the sinks of a process that stays up, for whoever asks how it is. A head that was refused is missing until a head of its stream was
 * taken: what another stream left there, or that the sink answers again, says nothing of it.
 */
export function watchedHeads(sinks: readonly HeadSink[]): WatchedHeads {
  const failures = new Map<string, string>()
  return {
    sinks: sinks.map((sink, i) => {
      const watched = async <T>(step: 'ask' | 'write', stream: string, work: Promise<T>): Promise<T> => {
        const name = `${i} ${step} ${stream}`
        try {
          const done = await work
          failures.delete(name)
          return done
        } catch (error) {
          failures.set(name, explain(error))
          throw error
        }
      }
      return {
        streams: () => sink.streams(),
        heads: stream => sink.heads(stream),
        changes: head => sink.changes(head),
        lastVersion: stream => watched('ask', stream, sink.lastVersion(stream)),
        write: (of, changes, head) => watched('write', of.stream, sink.write(of, changes, head)),
      }
    }),
    failure: () => failures.values().next().value ?? null,
  }
}

/** What a person is told where a head could not be left. @param what was sealed, e.g. `snapshot 4` */
export function noHeadOf(what: string, failure: string): string {
  return `nobody outside the database holds the head of ${what}: ${failure}; it is left with the next one`
}
