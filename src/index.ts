#!/usr/bin/env node
import { refuseOldNode } from './old-node.ts'

// Loaded only if this Node is new enough: an older one may fail at the syntax of the rest, before any of it runs.
if (!refuseOldNode(process)) import('./program.ts')
