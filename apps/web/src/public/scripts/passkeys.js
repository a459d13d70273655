// Passkeys: our server says what is to be signed, the browser has it signed, and the answer is sent as the page's own form.
const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } = SimpleWebAuthnBrowser
const form = document.querySelector('form[data-passkey]')
const isSignIn = form.dataset.passkey === 'sign-in'
const button = form.querySelector('button')
// What is to be signed is good for five minutes.
const renewMs = 4 * 60_000
let renewal

function say(what, told) {
  for (const note of document.querySelectorAll('[data-passkey-say]')) note.hidden = note.dataset.passkeySay !== what
  if (told) document.querySelector('[data-passkey-say=told] span').textContent = told
}

async function ask() {
  const { _csrf, current } = form.elements
  const body = new URLSearchParams({ _csrf: _csrf.value, ...(current && { current: current.value }) })
  const response = await fetch(form.dataset.options, { method: 'POST', body, headers: { accept: 'application/json' } })
  // Signed out meanwhile: the page itself leads to where one signs in.
  if (response.status === 401) location.reload()
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(`answered ${response.status}`), { told: answer.detail })
  return answer
}

function send({ id, response }) {
  const { clientDataJSON, attestationObject, transports, authenticatorData, signature, userHandle } = response
  const answer = isSignIn ? { clientDataJSON, authenticatorData, signature, userHandle } : { clientDataJSON, attestationObject, transports }
  for (const [name, value] of Object.entries({ credentialId: id, ...answer })) {
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value: value ?? '' }))
  }
  // It was shown already.
  if (form.elements.current) form.elements.current.disabled = true
  form.submit()
}

/** Browsers that can offer a passkey where the address is written do so, until one is chosen. */
async function offer() {
  clearTimeout(renewal)
  if (!isSignIn || !(await browserSupportsWebAuthnAutofill())) return
  if (document.hidden) return document.addEventListener('visibilitychange', offer, { once: true })
  try {
    const optionsJSON = await ask()
    renewal = setTimeout(offer, renewMs)
    send(await startAuthentication({ optionsJSON, useBrowserAutofill: true }))
  } catch {
    // The next offer took its place, or there is none: the button remains.
  }
}

function reasonOf({ name }) {
  if (name === 'InvalidStateError') return 'known'
  return name === 'NotAllowedError' || name === 'AbortError' ? 'cancelled' : 'failed'
}

async function begin(event) {
  event.preventDefault()
  clearTimeout(renewal)
  say(null)
  button.disabled = true
  try {
    const optionsJSON = await ask()
    send(await (isSignIn ? startAuthentication({ optionsJSON }) : startRegistration({ optionsJSON })))
  } catch (error) {
    say(error.told ? 'told' : reasonOf(error), error.told)
    button.disabled = false
    offer()
  }
}

if (location.origin !== form.dataset.origin) say('elsewhere')
else if (!browserSupportsWebAuthn()) say('unsupported')
else {
  form.hidden = false
  form.addEventListener('submit', begin)
  offer()
}
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})
