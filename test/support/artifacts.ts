import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { Artifact, Artifacts } from '../../src/platform/artifacts.ts';
import type { Workflow } from '../../src/platform/workflow.ts';

interface Kept {
  artifact: Artifact;
  /** Content by path, and nothing else: as in the archives of GitHub, modes and links are lost. */
  readonly files: Map<string, Buffer>;
}

export interface FakeArtifacts extends Artifacts {
  readonly kept: Kept[];
  /** Changes what is known of an artifact. */
  change(id: number, part: Partial<Artifact>): void;
  /** What a job of another hand uploads. */
  add(name: string, files: Readonly<Record<string, string | Buffer>>, run?: number): Artifact;
}

export const RUN = 4711;

/** A run of a workflow whose artifacts are kept in memory; all else of GitHub must not be asked. */
export function aWorkflow(part: Partial<Workflow['run']> = {}): Workflow & { readonly artifacts: FakeArtifacts } {
  const refuse = async () => {
    throw new Error('this must not be asked');
  };
  const run = {
    repository: 'acme/shop',
    id: RUN,
    attempt: 1,
    job: 'build',
    commit: 'c'.repeat(40),
    isHosted: false,
    url: `https://github.com/acme/shop/actions/runs/${RUN}`,
    ...part,
  };
  return {
    run,
    find: refuse,
    runAgainBy: refuse,
    readFile: refuse,
    defaultBranch: refuse,
    isPartOf: refuse,
    deployments: { list: refuse, states: refuse, create: refuse, setState: refuse },
    artifacts: fakeArtifacts(run.id),
  };
}

/** Artifacts of one repository in memory, as the run `ownRun` sees them. */
export function fakeArtifacts(ownRun: number): FakeArtifacts {
  const kept: Kept[] = [];
  const keep = (name: string, files: Map<string, Buffer>, run: number): Artifact => {
    const hash = createHash('sha256');
    for (const [path, content] of files) hash.update(path).update(content);
    const sizeBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    const artifact = {
      ...{ id: kept.length + 1, name, run, sizeBytes, isExpired: false },
      digest: `sha256:${hash.digest('hex')}`,
    };
    kept.push({ artifact, files });
    return artifact;
  };
  return {
    kept,
    change(id, part) {
      for (const each of kept) if (each.artifact.id === id) each.artifact = { ...each.artifact, ...part };
    },
    add(name, files, run = ownRun) {
      return keep(name, new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])), run);
    },
    async upload(name, folder, files) {
      if (kept.some(({ artifact }) => artifact.name === name)) throw new Error(`${name} is there already`);
      const contents = new Map<string, Buffer>();
      for (const path of files) {
        if (!lstatSync(join(folder, path)).isFile()) throw new Error(`${path} is no file`);
        contents.set(path, await readFile(join(folder, path)));
      }
      const { id, digest } = keep(name, contents, ownRun);
      return { id, digest };
    },
    async list(name, run) {
      const found = kept.map(({ artifact }) => artifact);
      return found.filter((each) => each.name === name && (run === undefined || each.run === run)).reverse();
    },
    async download({ id, run, digest }, folder) {
      const found = kept.find(({ artifact }) => artifact.id === id && artifact.run === run);
      if (found === undefined) throw new UserError('artifact-missing', `the run has no artifact ${id}`);
      if (found.artifact.isExpired) throw new UserError('artifact-expired', `${id} is no longer handed out`);
      if (found.artifact.digest !== digest) throw new UserError('artifact-changed', 'it has another digest');
      for (const [path, content] of found.files) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
    },
  };
}
