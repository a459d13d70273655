const epochMs = 1_288_834_974_657

/** An id as X has made them since November 2010: milliseconds since then above 22 further bits. Throws for earlier moments. */
export function snowflakeAt(ms: number, low: number): bigint {
  if (!(ms >= epochMs)) throw new Error('no id of this form before 4 November 2010')
  return (BigInt(Math.floor(ms) - epochMs) << 22n) | BigInt(low & 0x3fffff)
}

export function snowflakeTime(id: bigint): number {
  return Number(id >> 22n) + epochMs
}
