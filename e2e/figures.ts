import { writeFile } from 'node:fs/promises'

/** One measured number. `goal` is the worst value that is good enough; null: for information. */
export interface Figure {
  metric: string
  value: number
  unit: string
  better: 'lower' | 'higher'
  goal: number | null
  /** What it is compared with, where that is another program. */
  peer: string | null
}

/** A figure for which less is better. */
export function lower(metric: string, value: number, unit: string, goal: number | null = null): Figure {
  return { metric, value: Math.round(value * 1000) / 1000, unit, better: 'lower', goal, peer: null }
}

/** A figure for which more is better. */
export function higher(metric: string, value: number, unit: string, goal: number | null = null): Figure {
  return { metric, value: Math.round(value * 1000) / 1000, unit, better: 'higher', goal, peer: null }
}

/** Whether it is as good as it has to be. A value that is no number never is. */
export function isMet({ value, better, goal }: Figure): boolean {
  if (goal === null) return true
  return better === 'lower' ? value <= goal : value >= goal
}

/** One line each, in columns, for people. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { metric, value, unit, better, goal } = figure
    const wanted = goal === null ? '' : `${better === 'lower' ? '≤' : '≥'} ${goal}`
    return [metric, String(value), unit, wanted, goal === null ? '' : isMet(figure) ? 'ok' : 'MISSED']
  })
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) => row.map((cell, column) => (column === 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  '))
    .join('\n')
}

export async function writeFigures(file: string, figures: readonly Figure[]): Promise<void> {
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`)
}
