import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../src/config/configuration.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { aFolder } from './machine.ts';

/** Leaves an executable, a link, and what of the environment it got. */
const BUILD = `
const fs = require('node:fs');
const [, , out] = process.argv;
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(out + '/start', '#!/bin/sh\\nexec sleep 600\\n', { mode: 0o755 });
fs.symlinkSync('start', out + '/run');
fs.writeFileSync('environment-of-the-build.json', JSON.stringify(process.env));
console.log('::warning::built ' + out);
`;

export interface BuiltShop {
  /** The folder of holdfast.yml: a checkout of its own, in which nothing is built yet. */
  readonly folder: string;
  readonly configuration: Configuration;
}

/** A checkout of an application that is built by a command: `web` is, `static` lies there. */
export async function aBuiltShop(
  options: { readonly services?: string; readonly secrets?: Readonly<Record<string, string>> } = {},
): Promise<BuiltShop> {
  const folder = await aFolder();
  const services = options.services ?? WEB_AND_STATIC;
  const text = `version: 1
project: shop
secrets: [PASSWORD]
services:
${services}
environments:
  production: { target: { kind: directory, path: environment } }
`;
  await mkdir(join(folder, 'static'));
  await writeFile(join(folder, 'static/index.html'), 'hello');
  await writeFile(join(folder, 'static/start'), '#!/bin/sh\nexec sleep 600\n');
  await chmod(join(folder, 'static/start'), 0o755);
  await writeFile(join(folder, 'build.cjs'), BUILD);
  await writeFile(join(folder, 'holdfast.yml'), text);
  const loaded = loadConfiguration({
    ...{ bytes: Buffer.from(text), file: 'holdfast.yml', directory: folder, variables: {}, overrides: [] },
    secrets: options.secrets ?? {},
    sealed: options.secrets === undefined,
  });
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'holdfast.yml'));
  return { folder, configuration: loaded.configuration };
}

const WEB_AND_STATIC = `  web:
    build: { command: [node, build.cjs, out/web], output: out/web, timeout: 30s }
    run: { command: [./run] }
    health: { alive: 100ms }
    env: { MODE: fast, URL: "https://\${PASSWORD}@example.com" }
  static:
    artifact: static
    run: { command: [./start] }
    health: { alive: 100ms }`;
