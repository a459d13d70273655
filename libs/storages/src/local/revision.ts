import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A file's mark: inode, size, and both times. The change time cannot be set back by any program, so that restoring an old
 * modification time (`cp -p`, `rsync -t`) still shows.
 */
export function revisionOf(stats: BigIntStats): string {
  return [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].map((value) => value.toString(36)).join('-')
}

/** The coarsest clock tick by which file systems stamp files (Linux with HZ=100), and a little more. */
const tickMs = 12

/**
 * Waits until a later change of the file must get another time stamp. Within one tick of the kernel's clock two changes carry
 * the same stamp; a mark handed out in that tick could name both.
 */
export async function settled(stats: BigIntStats): Promise<void> {
  const ageMs = Date.now() - Number(stats.ctimeNs / 1_000_000n)
  if (ageMs >= 0 && ageMs < tickMs) await sleep(tickMs - ageMs)
}

/** An open file's state, taken when its mark has become unambiguous. */
export async function statSettled(file: Pick<FileHandle, 'stat'>): Promise<BigIntStats> {
  for (let attempt = 0; ; attempt++) {
    const stats = await file.stat({ bigint: true })
    await settled(stats)
    const again = await file.stat({ bigint: true })
    if (revisionOf(again) === revisionOf(stats) || attempt === 4) return again
  }
}
