import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))
const manifest = json('package.json')

describe('package.json', () => {
  test('runs nothing when the package is installed', () => {
    for (const name of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(name)
    expect(manifest.gypfile).toBe(false)
  })

  test('ships no sources that would start a build', () => {
    expect(manifest.files).toEqual([
      'dist',
      'prebuilds',
      'docs/*.md',
      'docs/images/*.svg',
      'schemas',
      'zoo',
      'examples',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ])
  })

  test('names files that the build makes', () => {
    const targets: string[] = []
    const collect = (value: unknown) => {
      if (typeof value === 'string') targets.push(value)
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(collect)
    }
    collect([manifest.exports, manifest.bin, manifest.main, manifest.types])
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([])
  })

  test('explains each dependency in docs/dependencies.md', () => {
    const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    const explained = (name: string) =>
      text.includes(`\`${name}\``) || (name.startsWith('@types/') && text.includes('@types/*'))
    expect(names.filter((name) => !explained(name))).toEqual([])
  })

  test('pins every dependency', () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version as string))).toEqual([])
  })
})

describe('package-lock.json', () => {
  test('names no registry', () => {
    const { packages } = json('package-lock.json') as {
      packages: Record<string, { resolved?: string; version?: string }>
    }
    expect(Object.values(packages).filter((entry) => entry.resolved !== undefined)).toEqual([])
    expect(packages['']?.version).toBe(manifest.version)
  })
})
