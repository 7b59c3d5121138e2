/**
 * The one script of the page, bound to it by its hash. It moves a mark through what stands there already, and
 * shows the words as they are after that step; all text goes in as text.
 */
export const timelineScript = `
'use strict'
for (const section of document.querySelectorAll('.timeline')) {
  const steps = JSON.parse(section.querySelector('script').textContent)
  const slider = section.querySelector('input[type=range]')
  const rows = new Map([...section.querySelectorAll('tr[data-step]')].map((row) => [Number(row.dataset.step), row]))
  const all = section.querySelector('input[type=checkbox]')
  const scroller = section.querySelector('.lanes')
  const part = (name) => section.querySelector('.' + name)
  const make = (tag, text, kind) => {
    const element = document.createElement(tag)
    element.textContent = text
    if (kind) element.className = kind
    return element
  }
  const first = new Map()
  for (const [at, step] of steps.entries()) if (step.word && !first.has(step.word)) first.set(step.word, at)
  const inOrder = [...first].sort(([, a], [, b]) => steps[a].order - steps[b].order || steps[a].group.localeCompare(steps[b].group, 'en', { numeric: true }))
  const stateAt = (now) => {
    const state = new Map()
    for (const [word, at] of inOrder) state.set(word, { text: steps[at].before, group: steps[at].group, name: steps[at].name })
    for (let at = 0; at <= now; at++) {
      const step = steps[at]
      if (step.word) Object.assign(state.get(step.word), { text: step.after, now: at === now, changed: at === now && step.before !== step.after, was: step.before })
    }
    return state
  }
  const visible = (at) => all.checked || !steps[at].aside
  let now = -1
  const show = (to, scroll) => {
    if (now >= 0) rows.get(now)?.classList.remove('now')
    now = Math.max(0, Math.min(steps.length - 1, to))
    slider.value = String(now)
    const step = steps[now]
    slider.setAttribute('aria-valuetext', 'step ' + now + ', ' + step.thread + ': ' + step.text)
    const row = rows.get(now)
    row?.classList.add('now')
    part('at').textContent = 'step ' + now + ' of ' + (steps.length - 1)
    part('who').textContent = step.thread
    part('what').textContent = step.text
    part('broke').hidden = !step.broke
    const words = part('contents')
    words.replaceChildren()
    let group
    for (const word of stateAt(now).values()) {
      if (word.group !== group) words.append(make('dt', (group = word.group), 'group'))
      const line = make('dd', '')
      line.append(make('span', word.name, 'name'))
      if (word.changed) line.append(make('del', word.was), make('ins', word.text))
      else line.append(make('span', word.text, word.now ? 'read' : ''))
      words.append(line)
    }
    const locks = part('locks')
    locks.replaceChildren(...(step.held.length === 0 ? [make('li', 'nobody holds a lock')] : step.held.map((held) => make('li', held))))
    if (!scroll || !row) return
    if (scroller.scrollHeight <= scroller.clientHeight) {
      // On a narrow screen the page itself scrolls, below the controls that stay.
      const below = part('panel').getBoundingClientRect()
      const at = row.getBoundingClientRect()
      const isStuck = below.top <= 1 && getComputedStyle(part('panel')).order !== '2'
      if (isStuck && (at.top < below.bottom || at.bottom > innerHeight)) scrollBy(0, at.top - (below.bottom + innerHeight) / 2)
      return
    }
    const room = scroller.getBoundingClientRect()
    const at = row.getBoundingClientRect()
    if (at.top < room.top + 40 || at.bottom > room.bottom - 8) scroller.scrollTop += at.top - room.top - room.height / 2
  }
  const move = (by) => {
    let to = now + by
    while (to >= 0 && to < steps.length && !visible(to)) to += by
    if (to >= 0 && to < steps.length) show(to, true)
  }
  section.classList.add('live')
  section.querySelector('.panel').hidden = false
  slider.addEventListener('input', () => show(Number(slider.value), true))
  slider.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    event.stopPropagation()
    move(by)
  })
  section.addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLInputElement) return
    const by = { ArrowLeft: -1, ArrowRight: 1, k: -1, j: 1 }[event.key]
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    move(by)
  })
  for (const button of section.querySelectorAll('button[data-by]'))
    button.addEventListener('click', () => move(Number(button.dataset.by)))
  for (const button of section.querySelectorAll('button[data-to]'))
    button.addEventListener('click', () => show(Number(button.dataset.to), true))
  all.addEventListener('change', () => {
    section.classList.toggle('all', all.checked)
    show(now, true)
  })
  for (const [at, row] of rows) row.addEventListener('click', () => show(at, false))
  show(Number(slider.value), true)
}
`
