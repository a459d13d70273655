// Whoever comes back from their own server's page has allowed it there, most likely: then it goes on by itself.
const form = document.querySelector('[data-approval]')
let wasAway = false
document.addEventListener('visibilitychange', () => {
  if (document.hidden) wasAway = true
  else if (wasAway) form.requestSubmit()
})
