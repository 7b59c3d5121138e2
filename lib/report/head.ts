import { html, Markup } from './html.ts'
import { style } from './style.ts'

/** Of a page without a script: it needs nothing but itself. */
export const policyWithoutScript = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** How every page begins: what it may load, its title, the common style and its own rules. */
export const head = (title: string, rules: string, policy: string = policyWithoutScript): Markup => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Markup(style(rules))}</style>
</head>`
