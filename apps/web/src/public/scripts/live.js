// The status page, live: each event of ours asks htmx for the page's middle again, at most once a second.
const place = document.getElementById('live')
const everyMs = 1000
let isDue = false
let isResting = false

function refresh() {
  if (document.hidden || isResting) {
    isDue = true
    return
  }
  isDue = false
  isResting = true
  htmx.trigger(place, 'live')
  setTimeout(() => {
    isResting = false
    if (isDue) refresh()
  }, everyMs)
}

const source = new EventSource(place.dataset.events)
let wasOpen = false
source.onopen = () => {
  // What happened while the line was down is in the page's middle, whatever events are still kept.
  if (wasOpen) refresh()
  wasOpen = true
}
source.onmessage = refresh
// A scheduled sync that brings nothing says nothing, and when the next one is has changed with it.
setInterval(refresh, 60_000)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && isDue) refresh()
})
place.addEventListener('htmx:after:swap', () => place.dispatchEvent(new CustomEvent('asheville:swapped', { bubbles: true })))
// Signed out meanwhile: the page itself leads to where one signs in. Other failures leave what is shown as it is.
place.addEventListener('htmx:response:error', (event) => {
  if (event.detail.ctx.response.status === 401) location.reload()
})
addEventListener('pagehide', () => source.close())
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})
