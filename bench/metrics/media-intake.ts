import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { connect, signUp, startInstance, type Instance } from '@asheville/e2e/instance.ts'
import { encodePicture, startWebdav, type WebdavSimulator } from '@asheville/simulators'
import { Pool } from 'undici'
import { compare } from '../compare.ts'

interface Intake {
  instance: Instance
  webdav: WebdavSimulator
  bare: Pool
  userId: string
  storageId: string
  pictures: number
}

const latencyMs = 30
const atOnce = 8
const pictureBytes = 200_000
const account = { user: 'alice', password: 'correct horse' }
const authorization = `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`

/**
 * How long platform takes to store pictures, hashed, looked up and noted in the index, against sending as many to the same WebDAV server by undici's PUT alone; with as
 * many under way at once. The server is a Nextcloud that takes 30 ms for each call: elsewhere platform makes up to three calls for a picture, where the bare loop makes one.
 * Smaller copies are made meanwhile, on the same two cores.
 */
export const mediaIntake = compare<Intake>({
  name: 'media-intake',
  unit: 'x a bare PUT loop',
  valueUnit: 'ms',
  goal: 1 / 0.8,
  rounds: ({ quick }) => (quick ? 3 : 5),
  async setup({ quick }, opened) {
    const webdav = opened.adopt(await startWebdav({ latencyMs, nextcloud: true }), (one) => one.close())
    const instance = opened.adopt(await startInstance([webdav.url]), (one) => one.close())
    const person = await signUp(instance)
    const connection = await connect(instance, person, 'webdav', { address: webdav.url, ...account })
    const bare = opened.adopt(new Pool(webdav.url, { connections: atOnce }), (pool) => pool.close())
    const intake = { instance, webdav, bare, userId: person.userId, storageId: connection.id, pictures: quick ? 200 : 500 }
    await store(intake, 'warm', 50)
    await send(intake, 'warm', 50)
    return intake
  },
  a: (intake, round) => store(intake, `${round}`, intake.pictures),
  b: (intake, round) => send(intake, `${round}`, intake.pictures),
  async verify({ webdav, pictures }) {
    const files = webdav.truth()[account.user]!.files
    const stored = files.filter(({ path }) => path.includes('/media/'))
    const broken = stored.filter(({ path, sha256 }) => !path.includes(sha256.slice(0, 40)))
    if (broken.length > 0 || stored.length % pictures !== 50)
      throw new Error(`${stored.length} pictures are stored, ${broken.length} of them wrongly`)
  },
})

const pictureOf = (round: string, number: number) =>
  encodePicture({ seed: `${round}-${number}`, format: 'jpeg', width: 320, height: 240 }, { minBytes: pictureBytes })

async function store({ instance, userId, storageId }: Intake, round: string, pictures: number) {
  const { putMedia } = instance.platform('workers')
  const query = { storageId, connectionId: randomUUID(), stream: 'posts', fence: 1, at: '2024-03-01T00:00:00.000Z' }
  return measured(`own-${round}`, pictures, async (data, source) => {
    const body = Readable.from([data], { objectMode: false })
    const stored = await putMedia({ userId, query: { ...query, source, bytes: data.length }, body, contentLength: data.length })
    if (stored.sha256 !== createHash('sha256').update(data).digest('hex')) throw new Error('Platform stored something else')
  })
}

async function send({ bare }: Intake, round: string, pictures: number) {
  return measured(`bare-${round}`, pictures, async (data, source) => {
    const headers = { authorization, 'content-length': String(data.length) }
    const { statusCode, body } = await bare.request({
      method: 'PUT',
      path: `/remote.php/dav/files/${account.user}/${new URL(source).pathname.slice(1)}`,
      headers,
      body: data,
    })
    await body.dump()
    if (statusCode !== 201) throw new Error(`The server answered ${statusCode}`)
  })
}

/** With the pictures made beforehand. */
async function measured(round: string, pictures: number, work: (data: Buffer, source: string) => Promise<void>) {
  const made = Array.from({ length: pictures }, (_, number) => pictureOf(round, number))
  const rest = made.entries()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [number, data] of rest) await work(data, `https://pictures.example/${round}-${number}.jpg`)
    }),
  )
  return { value: performance.now() - started, cpuMs: null }
}
