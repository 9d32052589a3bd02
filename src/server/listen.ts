import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../errors.ts'

export type ServerCode = 'PORT_IN_USE' | 'PORT_NOT_ALLOWED' | 'LISTEN_FAILED'

/** Why the server cannot listen. */
export class ServerError extends AppError<ServerCode> {}

/**
 * Listens and gives the address people open.
 * @throws {ServerError} PORT_IN_USE, PORT_NOT_ALLOWED (a port below 1024 without the right to it), LISTEN_FAILED
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE') {
      throw new ServerError('PORT_IN_USE', `port ${port} on ${host} is in use`, {
        cause,
        hint: 'stop what uses it, or set server.port to another (0 takes any free one)',
      })
    }
    if (code === 'EACCES') {
      throw new ServerError('PORT_NOT_ALLOWED', `this user may not listen on port ${port}`, {
        cause,
        hint: 'set server.port to 1024 or above',
      })
    }
    throw new ServerError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${(cause as Error).message}`, {
      cause,
      hint: 'check server.host and server.port',
    })
  }
  const address = app.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
