import { createLogger, format, transports } from 'winston'

/** Events with their nouns. Secrets and personal data stay out. */
export interface Log {
  debug(event: string, nouns?: object): void
  info(event: string, nouns?: object): void
  warn(event: string, nouns?: object): void
  error(event: string, nouns?: object): void
}

/** Says nothing; for tests and for commands whose output is a document. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

const secretNames = /secret|password|token|externalid|credential|privatekey|authorization/i

/**
 * One JSON object a line on standard error (standard output belongs to documents).
 * Members whose name sounds like a secret are replaced, errors are written as name, code and message.
 */
export function openLog(level: 'debug' | 'info' | 'warn' | 'error'): Log {
  const logger = createLogger({
    level,
    format: format.combine(format(redact)(), format.timestamp(), format.json()),
    transports: [new transports.Console({ stderrLevels: ['debug', 'info', 'warn', 'error'] })],
  })
  return {
    debug: (event, nouns) => void logger.debug(event, nouns),
    info: (event, nouns) => void logger.info(event, nouns),
    warn: (event, nouns) => void logger.warn(event, nouns),
    error: (event, nouns) => void logger.error(event, nouns),
  }
}

function redact<T extends object>(entry: T): T {
  const target = entry as Record<string, unknown>
  for (const [name, value] of Object.entries(target)) {
    if (name === 'level' || name === 'message') continue
    target[name] = secretNames.test(name) ? '[redacted]' : plain(value)
  }
  return entry
}

function plain(value: unknown): unknown {
  if (value instanceof Error) {
    const code = 'code' in value ? value.code : undefined
    return { name: value.name, ...(code === undefined ? {} : { code }), message: value.message }
  }
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, secretNames.test(name) ? '[redacted]' : plain(inner)]),
  )
}
