import { html, type Markup } from './html.ts'

/** A part of a page, with the id that links to it. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly content: Markup
}

const themes = ['system', 'light', 'dark']

/** What a page is, and the choice of its theme, whose rules are in the common style. */
export const pageHeader = (title: string): Markup => html`<header><h1>${title}</h1>
<fieldset class="choice" aria-label="Theme">${themes.map(
  (theme, at) =>
    html`<label><input type="radio" name="theme" id="theme-${theme}"${at === 0 && html` checked`}>${theme}</label>`,
)}</fieldset></header>`

/** The links to the parts, and the parts. */
export const sectionsOf = (sections: readonly Section[]): Markup =>
  html`<nav>${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
${sections.map(({ id, title, content }) => html`<section><h2 id="${id}">${title}</h2>${content}</section>`)}`
