import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Whether an IP address is one of the public Internet's. IPv6: global unicast (2000::/3) without what is reserved in it;
 * addresses that hold an IPv4 address (mapped, RFC 6052 translated) are judged by that one. 6to4 and Teredo are not public.
 * Anything that is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  if (!address) return false
  const plain = embeddedIPv4(address) ?? address
  if (plain.range() !== 'unicast') return false
  // ipaddr.js takes some of ::/8 for unicast, such as ::7f00:1.
  return plain instanceof ipaddr.IPv4 || plain.match(globalUnicast)
}

function embeddedIPv4(address: Address): ipaddr.IPv4 | null {
  if (address instanceof ipaddr.IPv4 || !address.match(nat64)) return null
  return new ipaddr.IPv4(address.toByteArray().slice(-4))
}

/** IPv4-mapped IPv6 addresses become the IPv4 address that they are. Null for names. */
function parseAddress(text: string): Address | null {
  // ipaddr.js takes ::8.8.8.8 for the mapped address ::ffff:8.8.8.8; the URL standard's form leaves no choice.
  const canonical = canonicalHostname(text)
  return canonical !== null && ipaddr.isValid(canonical) ? ipaddr.process(canonical) : null
}

/** What `OUTBOUND_ALLOW` permits beyond the public Internet. */
export interface AllowList {
  /** Exactly this host at this port. `hostname` as URLs have it, without brackets. */
  hasHost(hostname: string, port: number): boolean
  hasAddress(address: string): boolean
}

/**
 * Reads entries of `OUTBOUND_ALLOW`: `host:port` (`nas.local:8080`, `[::1]:3000`) or a range (`192.168.1.0/24`, a single
 * address). Throws on anything else, so that a typing error never opens or closes more than meant.
 */
export function createAllowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>()
  const ranges: [Address, number][] = []
  for (const entry of entries) {
    const range = parseRange(entry)
    if (range) ranges.push(range)
    else hosts.add(parseHost(entry))
  }
  return {
    hasHost: (hostname, port) => hosts.has(`${hostname} ${port}`),
    hasAddress: (text) => {
      const address = parseAddress(text)
      return address !== null && ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
    },
  }
}

function parseRange(entry: string): [Address, number] | null {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry)
  if (!ipaddr.IPv4.isValidFourPartDecimal(entry) && !ipaddr.IPv6.isValid(entry)) return null
  const address = ipaddr.process(entry)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function parseHost(entry: string): string {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:/\s]+):(\d{1,5})$/.exec(entry) ?? []
  const hostname = canonicalHostname(host)
  if (hostname === null || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`OUTBOUND_ALLOW: "${entry}" is neither host:port nor an address range such as 192.168.1.0/24`)
  return `${hostname} ${Number(port)}`
}

/** A host as the URL standard writes it: `0x7f.1` → `127.0.0.1`, lower case, punycode, no brackets, no final dot. Null: no host. */
export function canonicalHostname(host: string): string | null {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  if (/[/?#@\\\s]/.test(host) || !URL.canParse(`http://${bracketed}`)) return null
  const { hostname } = new URL(`http://${bracketed}`)
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') || null
}
