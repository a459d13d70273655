import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilAnswers } from '../until-answers.ts'

/** Whom Debian runs it as: `www-data`. */
const uid = 33
const modules = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'dav', 'dav_fs']

/**
 * Apache with mod_dav, as Debian has it (`apt-get install --no-install-recommends apache2-bin`), started as root.
 *
 * @param files where it keeps them; it may be a file system of its own
 */
export async function startApache(files: string, port: number) {
  const place = await mkdtemp(join(tmpdir(), 'asheville-apache-'))
  await mkdir(join(place, 'run'))
  for (const directory of [place, join(place, 'run'), files]) await chown(directory, uid, uid)
  const users = join(place, 'users')
  const setPassword = (password: string) =>
    writeFile(users, `alice:{SHA}${createHash('sha1').update(password).digest('base64')}\n`, { mode: 0o644 })
  await setPassword('correct horse')
  await writeFile(
    join(place, 'httpd.conf'),
    `ServerRoot ${place}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile run/pid
ErrorLog run/error.log
CustomLog run/requests.log "%m %U"
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
DocumentRoot ${files}
DavLockDB ${place}/run/lock
AllowEncodedSlashes NoDecode
<Directory ${files}>
  Dav On
  AuthType Basic
  AuthName files
  AuthUserFile ${users}
  Require valid-user
</Directory>
`,
  )
  const server = spawn('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-f', join(place, 'httpd.conf')], { stdio: 'inherit' })
  const url = `http://127.0.0.1:${port}`
  await untilAnswers(server, url, 'apache2-bin')
  return {
    url,
    setPassword,
    password: 'correct horse',
    /** How many it has answered so far. */
    requests: async () => (await readFile(join(place, 'run', 'requests.log'), 'utf8')).split('\n').length - 1,
    async close() {
      server.kill('SIGTERM')
      await once(server, 'exit')
      await rm(place, { recursive: true, force: true })
    },
  }
}
