import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** With less, half of the CPU goes into collecting garbage; with more, memory goes for nothing. */
const nurseryBytes = 8 * 2 ** 20
const lookEveryMs = 10

/**
 * From now on the heap grows by a fifth at a time, and its nursery to 8 or 16 MiB. Left to itself, V8 lets the garbage of a fast night
 * pile up to three times of what is in use, since memory is there. Early is better: what has grown stays.
 * @see https://github.com/v8/v8/blob/main/src/flags/flag-definitions.h
 */
export function smallHeap(): void {
  setFlagsFromString('--heap-growing-percent=20')
  setFlagsFromString('--semi-space-growth-factor=1')
  const looking = setInterval(() => {
    const nursery = getHeapSpaceStatistics().find(space => space.space_name === 'new_space')
    const isGrown = nursery === undefined || nursery.space_size >= nurseryBytes
    setFlagsFromString(`--semi-space-growth-factor=${isGrown ? 1 : 2}`)
    if (isGrown) clearInterval(looking)
  }, lookEveryMs)
  looking.unref()
}
