/** One import or include: where it stands, and the file that it names. */
export interface Door {
  readonly from: string
  readonly line: number
  /** A path from the root of the project on, as `from`. */
  readonly to: string
  /** An import of types alone, of which nothing is left when the program runs. */
  readonly typeOnly: boolean
  /** An include that ends a header: the bodies of its inline functions, `memmap_inl.h` of `memmap.h`. */
  readonly endsHeader: boolean
}

/** A house: the folder of its rooms, and what each room stands on directly. A file beside the rooms is a room of its own. */
export interface House {
  readonly folder: string
  readonly standsOn: Readonly<Record<string, readonly string[]>>
}

/** The room of a file: the first part of its path; null for what lies outside. */
export function roomOf({ folder }: House, path: string): string | null {
  if (!path.startsWith(folder)) return null
  return path.slice(folder.length).split('/')[0] as string
}

/** Every room below this one. */
export function below({ standsOn }: House, room: string): Set<string> {
  const found = new Set<string>()
  const open = [...(standsOn[room] ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(standsOn[next] ?? []))
  }
  return found
}

const place = ({ from, line }: Door): string => `${from}:${line}`

/** What is wrong with a door, with the file and the line of it; null: nothing. */
function wrongWith(house: House, door: Door): string | null {
  const room = roomOf(house, door.from)
  const other = roomOf(house, door.to)
  const known = Object.keys(house.standsOn).join(', ')
  if (room === null || house.standsOn[room] === undefined)
    return `${place(door)}: the order knows no room '${room}'; it has ${known}`
  if (other === null) return `${place(door)}: ${door.to} lies outside ${house.folder}`
  if (room === other) return null
  if (house.standsOn[other] === undefined)
    return `${place(door)}: ${door.to} is of no room that the order knows; it has ${known}`
  const lower = below(house, room)
  if (lower.has(other)) return null
  const floor = lower.size === 0 ? 'nothing' : [...lower].sort().join(', ')
  return `${place(door)}: ${room} may not open ${other} (${door.to}); it stands on ${floor}`
}

/** Doors that open the wrong way. */
export const wrongDoors = (house: House, doors: readonly Door[]): string[] =>
  doors.map((door) => wrongWith(house, door)).filter((wrong) => wrong !== null)

/** Of a graph by name: for each name on a circle one that is as short as any, unless one that goes through it is shown. */
function circles(doors: readonly Door[], nameOf: (path: string) => string | null): Door[][] {
  const out = new Map<string, Map<string, Door>>()
  for (const door of doors) {
    const from = nameOf(door.from)
    const to = nameOf(door.to)
    if (from === null || to === null || from === to) continue
    const ways = out.get(from) ?? new Map<string, Door>()
    if (!ways.has(to)) ways.set(to, door)
    out.set(from, ways)
  }
  /** The shortest way from `start` back to it. */
  const around = (start: string): Door[] | null => {
    const came = new Map<string, Door[]>([[start, []]])
    for (const [name, way] of came)
      for (const [next, door] of out.get(name) ?? []) {
        if (next === start) return [...way, door]
        if (!came.has(next)) came.set(next, [...way, door])
      }
    return null
  }
  const found: Door[][] = []
  const seen = new Set<string>()
  for (const name of [...out.keys()].sort()) {
    if (seen.has(name)) continue
    const circle = around(name)
    if (circle === null) continue
    for (const door of circle) seen.add(nameOf(door.from) as string)
    found.push(circle)
  }
  return found
}

const circleText = (what: string, circle: readonly Door[]): string =>
  `a circle of ${what}: ${circle.map((door) => `${place(door)} -> ${door.to}`).join(', ')}`

/** Circles of rooms, whatever the order says. */
export const roomCircles = (house: House, doors: readonly Door[]): string[] =>
  circles(doors, (path) => roomOf(house, path)).map((circle) => circleText('rooms', circle))

/** Circles of files. */
export const fileCircles = (doors: readonly Door[]): string[] =>
  circles(doors, (path) => path).map((circle) => circleText('files', circle))
