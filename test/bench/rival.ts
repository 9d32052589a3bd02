import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'

/** Another user of the same limit: keeps its pace whatever it is answered, and never tries again. */
export interface Rival {
  /** milliseconds since the epoch */
  readonly beganAt: number
  /** stops asking. @returns how many of its calls were answered and how many throttled, and when it stopped */
  stop(): Promise<{ readonly answered: number; readonly throttled: number; readonly stoppedAt: number }>
}

/** Asks for the instances so many times a second. The simulator looks at the form of a signature and not at its arithmetic. */
export function startRival(env: Record<string, string>, perSecond: number): Rival {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const request = {
    method: 'POST',
    body: '{}',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'SWBExternalService.ListInstances',
      authorization: `AWS4-HMAC-SHA256 Credential=${env.AWS_ACCESS_KEY_ID}/${day}/eu-west-1/sso/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    },
  } as const
  const agent = new Agent({ connections: 64 })
  const beganAt = Date.now()
  const startedAt = performance.now()
  const tally = { answered: 0, throttled: 0 }
  let isStopped = false
  const ask = async () => {
    const { statusCode, body } = await agent.request({ ...request, origin: env.AWS_ENDPOINT_URL!, path: '/' })
    await body.dump()
    if (statusCode === 200) tally.answered++
    else tally.throttled++
  }
  const asking = (async () => {
    const open = new Set<Promise<void>>()
    for (let made = 0; !isStopped; ) {
      // an absolute schedule: late timers are caught up
      for (; made < ((performance.now() - startedAt) / 1000) * perSecond; made++) {
        const one = ask().finally(() => open.delete(one))
        open.add(one)
      }
      await pause(2)
    }
    await Promise.allSettled(open)
  })()
  return {
    beganAt,
    async stop() {
      isStopped = true
      const stoppedAt = Date.now()
      await asking
      await agent.close()
      return { ...tally, stoppedAt }
    },
  }
}
