import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

// A process that passes bytes on to a port of this machine, and its answers back, each so many milliseconds later: `node bench/delay.ts <port> <ms>`. It tells
// its own port, and goes on until it is let go of.

const [port, ms] = process.argv.slice(2).map(Number)

const pass = (from: Socket, to: Socket) => {
  from.on('data', (chunk) => void setTimeout(() => to.write(chunk), ms))
  from.on('error', () => undefined)
  from.once('close', () => to.destroy())
}
const server = createServer({ noDelay: true }, (near) => {
  const far = connect({ port: port!, host: '127.0.0.1', noDelay: true })
  pass(near, far)
  pass(far, near)
})
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
