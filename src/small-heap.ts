import { setFlagsFromString } from 'node:v8'

/**
 * From now on the heap grows by a fifth at a time and its nursery not at all. A collection streams: left to itself, V8 lets the garbage
 * of a fast night pile up to three times of what is in use, since memory is there. Early is better: a nursery that has grown stays.
 * @see https://github.com/v8/v8/blob/main/src/flags/flag-definitions.h
 */
export function smallHeap(): void {
  setFlagsFromString('--heap-growing-percent=20')
  setFlagsFromString('--semi-space-growth-factor=1')
}
