// Copies what a field holds, where the browser lets pages do so; without it, the field itself can be selected.
for (const row of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(row.dataset.copy)
  const [button, said] = row.children
  field.addEventListener('focus', () => field.select())
  if (!navigator.clipboard) continue
  row.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(field.value)
    said.hidden = false
  })
}
