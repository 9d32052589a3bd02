import { parentPort, workerData } from 'node:worker_threads'
import { type CheckTask, type CrewSettings, openMember } from './check-crew.ts'

/** A thread of the verification: one task after the other, each answered with its result. */
const opening = openMember(workerData as CrewSettings)
parentPort!.on('message', async (task: CheckTask) => {
  const member = await opening
  const result = await member.work(task)
  const { units, from, to, leaves } = result.rows
  parentPort!.postMessage(result, [units.buffer, from.buffer, to.buffer, leaves.buffer] as ArrayBuffer[])
})
