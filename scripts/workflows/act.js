// Finds act, or installs it: prints its path, or says what is missing and fails.
import { fileURLToPath } from 'node:url';
import { findTool } from './tools.js';

/** The program that runs workflows here. @returns {{ path: string } | { missing: string }} */
export function findAct(environment = process.env) {
  return findTool('act', { environment });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = findAct();
  if ('path' in found) {
    console.log(found.path);
  } else {
    console.error(found.missing);
    process.exitCode = 1;
  }
}
