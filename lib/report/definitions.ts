import type { CompareDocument } from '../compare/document.ts'
import { html, type Markup } from './html.ts'
import { idOf } from './rows.ts'

export const hasDefinitions = (document: CompareDocument): boolean =>
  document.schemes.some(({ definition }) => definition)

/** What was compared besides the built-in schemes, so that a reader can declare it again. */
export function definitionsSection(document: CompareDocument): Markup {
  return html`<p>As <code>schemes.define()</code> takes them; what is not said is at its default.</p>${document.schemes
    .filter(({ definition }) => definition)
    .map(
      ({
        name,
        definition,
      }) => html`<figure class="definition" id="${idOf('definition', name)}"><figcaption><a class="anchor" href="#${idOf('definition', name)}" aria-label="link to ${name}"></a>${name}</figcaption>
<pre><code>${JSON.stringify(definition, null, 2)}</code></pre></figure>`,
    )}`
}
