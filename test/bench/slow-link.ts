import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port on loopback behind which a database on a Unix socket is so many milliseconds away, there and back. */
export interface SlowLink extends AsyncDisposable {
  readonly port: number
}

/** @param roundTripMs half of it is added to each direction; order is kept, nothing is throttled */
export async function slowLink(socketPath: string, roundTripMs: number): Promise<SlowLink> {
  const open = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(socketPath)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      from.on('data', chunk => void setTimeout(() => to.write(chunk), roundTripMs / 2))
      from.on('end', () => void setTimeout(() => to.end(), roundTripMs / 2))
      from.on('error', () => to.destroy())
      from.on('close', () => open.delete(from))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
