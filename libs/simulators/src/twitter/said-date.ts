/** X says dates to the second, `2020-05-12T19:44:51.000Z`, though its ids count milliseconds (docs.x.com: data dictionary). */
export function saidDate(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString()
}
