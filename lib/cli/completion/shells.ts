import type { OfferedCommand, OfferedOption } from './tree.ts'

/** In single quotes, as all three shells take it; fish and the others escape a quote differently. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const isList = (value: OfferedOption['value']): value is readonly string[] => typeof value !== 'string'

function bash(commands: readonly OfferedCommand[]): string {
  const values = commands.flatMap((command) =>
    command.options.flatMap(({ names, value }) => {
      if (value === 'none') return []
      const offer = isList(value)
        ? `pagebox_words ${quoted(value.join(' '))}`
        : value === 'file'
          ? 'COMPREPLY=($(compgen -f -- "$cur"))'
          : ':'
      return [`    ${names.map((name) => quoted(`${command.name} ${name}`)).join('|')}) ${offer}; return ;;`]
    }),
  )
  const words = commands.map(({ name, options, first }) => {
    const all = options.flatMap(({ names }) => names)
    return `    ${name}) options=${quoted(all.join(' '))}; first=${quoted(first.join(' '))} ;;`
  })
  return `# bash completion of pagebox: source <(pagebox completion bash)
_pagebox() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} options= first=
  # Names in a list are separated by commas: the last one is completed.
  pagebox_words() {
    local head=
    [[ $cur == *,* ]] && head=\${cur%,*},
    COMPREPLY=($(compgen -P "$head" -W "$1" -- "\${cur##*,}"))
  }
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted([...commands.map(({ name }) => name), 'help', '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]} $prev" in
${values.join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${words.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$first" -- "$cur") $(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _pagebox pagebox
`
}

/** What zsh's _arguments reads as its own. */
const zshText = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')

function zsh(commands: readonly OfferedCommand[]): string {
  const spec = ({ names, description, value }: OfferedOption): string => {
    const after = isList(value)
      ? `:value:_values -s , value ${value.join(' ')}`
      : { none: '', file: ':file:_files', any: ':value: ' }[value]
    const text = `[${zshText(description)}]${after}`
    return names.length === 1
      ? quoted(`${names[0]}${text}`)
      : `${quoted(`(${names.join(' ')})`)}{${names.join(',')}}${quoted(text)}`
  }
  const cases = commands.map(
    ({ name, options, first }) =>
      `    ${name}) _arguments ${[...options.map(spec), first.length > 0 ? quoted(`1:first:(${first.join(' ')})`) : "'*:file:_files'"].join(' ')} ;;`,
  )
  return `#compdef pagebox
# zsh completion of pagebox: pagebox completion zsh > "\${fpath[1]}/_pagebox"
_pagebox() {
  local -a commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${zshText(description)}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _pagebox ]]; then _pagebox "$@"; else compdef _pagebox pagebox; fi
`
}

function fish(commands: readonly OfferedCommand[]): string {
  const lines = commands.flatMap(({ name, description, options, first }) => {
    const here = `complete -c pagebox -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`
    return [
      `complete -c pagebox -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(description)}`,
      ...(first.length > 0 ? [`${here} -a ${fishQuoted(first.join(' '))}`] : []),
      ...options.map(({ names, description: text, value }) => {
        const flags = names.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        const after = isList(value)
          ? ` -x -a ${fishQuoted(`(__fish_append , ${value.join(' ')})`)}`
          : { none: '', file: ' -r -F', any: ' -x' }[value]
        return `${here} ${flags.join(' ')}${after} -d ${fishQuoted(text)}`
      }),
    ]
  })
  return `# fish completion of pagebox: pagebox completion fish > ~/.config/fish/completions/pagebox.fish
${lines.join('\n')}
`
}

export const shells = { bash, zsh, fish } as const
export type Shell = keyof typeof shells
