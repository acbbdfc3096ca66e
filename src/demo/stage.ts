import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration, parseOverrides } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';

/** Everything that the demo plays with, in one temporary folder. */
export interface Stage {
  readonly folder: string;
  readonly origin: string;
  readonly password: string;
  readonly loadProgram: string;
  /** The configuration under which a version is released. */
  configurationFor(version: string): Configuration;
  remove(): Promise<void>;
}

/** Versions of the sample platform: the third one destroys data and is wrong in what it answers. */
const VERSIONS = [
  { version: 'v1', fault: undefined },
  { version: 'v2', fault: undefined },
  { version: 'v3', fault: 'destroys-column' },
] as const;

/** `strategy` is how the sample platform changes versions: `socket` unless a test wants to see the other. */
export async function buildStage(temporaryRoot: string, strategy: 'socket' | 'restart'): Promise<Stage> {
  const examples = examplesFolder();
  const sample = join(examples, 'insurance-navigator');
  const folder = await mkdtemp(join(temporaryRoot, 'holdfast-demo-'));
  try {
    for (const { version, fault } of VERSIONS) {
      const extra = fault === undefined ? [] : ['--fault', fault];
      const args = [join(sample, 'build.js'), '--version', version, ...extra, '--out', join(folder, 'build', version)];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the sample platform ${version} cannot be built: ${stderr}`);
    }
    const port = await freePort();
    const password = 'demo-of-the-navigator';
    const bytes = await readFile(join(sample, 'holdfast.yml'));
    await mkdir(join(folder, 'environment'));
    return {
      folder,
      origin: `http://127.0.0.1:${port}`,
      password,
      loadProgram: join(examples, 'load', 'load.js'),
      configurationFor: (version) =>
        configurationOf(bytes, folder, {
          password,
          set: [
            `target.path=${join(folder, 'environment')}`,
            `services.api.artifact=${join(folder, 'build', version)}`,
            `services.api.run.port=${port}`,
            `services.api.run.strategy=${strategy}`,
          ],
        }),
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function configurationOf(
  bytes: Uint8Array,
  directory: string,
  { password, set }: { readonly password: string; readonly set: readonly string[] },
): Configuration {
  const loaded = loadConfiguration({
    bytes,
    file: 'examples/insurance-navigator/holdfast.yml',
    directory,
    secrets: { JWT_SECRET: 'the signing key of the demo, known to everybody', NAVIGATOR_PASSWORD: password },
    variables: {},
    overrides: parseOverrides({ environment: {}, set: [...set] }),
  });
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'the configuration of the demo'));
  return loaded.configuration;
}

/** The examples lie at the root of a checkout and of an installed package, above the sources or the built files. */
function examplesFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'examples', 'insurance-navigator'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('the folder examples is missing');
    folder = above;
  }
  return join(folder, 'examples');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
