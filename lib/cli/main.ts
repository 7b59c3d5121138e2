#!/usr/bin/env node
import { cli } from './cli.ts'
import { processIo } from './io.ts'

// exitCode, not exit(): output that is still on its way to a pipe gets there.
process.exitCode = await cli(process.argv.slice(2), processIo())
