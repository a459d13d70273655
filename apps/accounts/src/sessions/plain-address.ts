/** An IPv4 address as people know it, also where it came in over an IPv6 socket (RFC 4291 §2.5.5.2); any other as it is. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}
