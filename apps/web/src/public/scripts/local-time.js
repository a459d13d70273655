// Times are written by the server in its own time zone; here they become the reader's.
const styles = {
  day: { dateStyle: 'medium' },
  moment: { dateStyle: 'medium', timeStyle: 'short' },
  clock: { timeStyle: 'short' },
  month: { month: 'long', year: 'numeric' },
}

function localise(root) {
  for (const element of root.querySelectorAll('time[data-style]')) {
    const style = styles[element.dataset.style]
    if (style) element.textContent = new Intl.DateTimeFormat(document.documentElement.lang, style).format(new Date(element.dateTime))
  }
}

localise(document)
document.addEventListener('asheville:swapped', (event) => localise(event.target))
