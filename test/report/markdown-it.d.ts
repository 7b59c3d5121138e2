// The package has no types of its own, and only this much is used.
declare module 'markdown-it' {
  export default class MarkdownIt {
    constructor(options: { html: boolean })
    render(text: string): string
  }
}
