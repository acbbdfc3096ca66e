import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { World } from './world.ts';

/** A job's part of the results service: artifacts of one run. */
export interface Results {
  /** Answers one call of the service, such as `CreateArtifact`. */
  call(method: string, token: string, body: unknown): ResultsAnswer;
  /** Answers what is written to and read from the address that a call signed. */
  blob(request: BlobRequest): ResultsAnswer;
  /** An address, below that of the server, where the bytes of an artifact can be read for as long as the server runs. */
  addressOf(artifactId: number): string;
}

export interface BlobRequest {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly bytes: Buffer;
}

export interface ResultsAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly raw?: Buffer;
  readonly contentType?: string;
}

interface Upload {
  readonly runId: number;
  readonly jobId: string;
  readonly name: string;
  readonly contentType: string;
  readonly blocks: Map<string, Buffer>;
  bytes: Buffer | undefined;
}

const Identity = z.object({ workflow_run_backend_id: z.string(), workflow_job_run_backend_id: z.string() });
/** The client tells optional texts as they are or wrapped. */
const OptionalText = z.union([z.string(), z.object({ value: z.string() }).transform(({ value }) => value)]).optional();
const Create = Identity.extend({
  name: z.string().min(1),
  version: z.number(),
  mime_type: OptionalText,
});
const Finalize = Identity.extend({ name: z.string(), size: z.coerce.number(), hash: OptionalText });
const List = Identity.extend({
  name_filter: OptionalText,
  id_filter: z.union([z.string(), z.number(), z.object({ value: z.union([z.string(), z.number()]) })]).optional(),
});
const Named = Identity.extend({ name: z.string() });
const Scope = z.object({ scp: z.string() });

/** The results service over a world. `base` is the address of the server, without a slash at its end. */
export function resultsService(world: World, base: () => string, now: () => Date): Results {
  const uploads = new Map<string, Upload>();
  const readable = new Map<string, number>();

  const sign = (artifactId: number) => {
    const key = randomUUID();
    readable.set(key, artifactId);
    return `${base()}/blob/${key}`;
  };
  const stored = (runId: number, name: string) =>
    world.artifacts.find((artifact) => artifact.runId === runId && artifact.name === name && !artifact.expired);

  const methods: Record<string, (body: unknown, job: Job) => ResultsAnswer> = {
    CreateArtifact(body, job) {
      const { name, mime_type: contentType = 'application/zip' } = Create.parse(body);
      if (stored(job.runId, name) !== undefined) return refused(409, 'already_exists', `${name} is there already`);
      const key = randomUUID();
      uploads.set(key, { ...job, name, contentType, blocks: new Map(), bytes: undefined });
      return answered({ ok: true, signed_upload_url: `${base()}/blob/${key}` });
    },
    FinalizeArtifact(body, job) {
      const { name, size, hash } = Finalize.parse(body);
      const entry = [...uploads].find(([, it]) => it.runId === job.runId && it.name === name);
      const bytes = entry?.[1].bytes;
      if (entry === undefined || bytes === undefined) return refused(404, 'not_found', `${name} was not uploaded`);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (bytes.length !== size)
        return refused(400, 'invalid_argument', `${name} has ${bytes.length} bytes, not ${size}`);
      if (hash !== undefined && hash !== digest) return refused(400, 'invalid_argument', `${name} has another digest`);
      uploads.delete(entry[0]);
      const id = world.nextId();
      const { contentType } = entry[1];
      world.artifacts.push({
        ...{ id, name, bytes, digest, contentType },
        ...job,
        createdAt: `${now().toISOString().slice(0, 19)}Z`,
        expired: false,
      });
      return answered({ ok: true, artifact_id: String(id) });
    },
    ListArtifacts(body, { runId }) {
      const { name_filter: name, id_filter: filter } = List.parse(body);
      const id = typeof filter === 'object' ? filter.value : filter;
      const found = world.artifacts
        .filter((it) => it.runId === runId && !it.expired)
        .filter((it) => (name === undefined || it.name === name) && (id === undefined || String(it.id) === String(id)));
      return answered({
        artifacts: found.map((it) => ({
          workflow_run_backend_id: `run-${runId}`,
          workflow_job_run_backend_id: it.jobId,
          database_id: String(it.id),
          name: it.name,
          size: String(it.bytes.length),
          created_at: it.createdAt,
          digest: it.digest,
        })),
      });
    },
    GetSignedArtifactURL(body, { runId }) {
      const { name } = Named.parse(body);
      const found = stored(runId, name);
      return found === undefined
        ? refused(404, 'not_found', `there is no artifact ${name}`)
        : answered({ signed_url: sign(found.id) });
    },
    DeleteArtifact(body, { runId }) {
      const { name } = Named.parse(body);
      const found = stored(runId, name);
      if (found === undefined) return refused(404, 'not_found', `there is no artifact ${name}`);
      world.artifacts.splice(world.artifacts.indexOf(found), 1);
      return answered({ ok: true, artifact_id: String(found.id) });
    },
  };

  return {
    call(method, token, body) {
      const job = jobOf(token);
      if (job === undefined) return refused(401, 'unauthenticated', 'the token names no run');
      const answer = methods[method];
      if (answer === undefined) return refused(404, 'bad_route', `there is no method ${method}`);
      const asked = Identity.safeParse(body);
      if (asked.data?.workflow_run_backend_id !== `run-${job.runId}`) {
        return refused(403, 'permission_denied', 'the token is that of another run');
      }
      try {
        return answer(body, job);
      } catch (error) {
        if (error instanceof z.ZodError) return refused(400, 'invalid_argument', z.prettifyError(error));
        throw error;
      }
    },
    blob({ method, key, query, bytes }) {
      const upload = uploads.get(key);
      if (method === 'PUT' && upload !== undefined) return putBlob(upload, query, bytes);
      const artifact = world.artifacts.find(({ id }) => id === readable.get(key));
      if (method !== 'GET' || artifact === undefined) return { status: 404 };
      return { status: 200, raw: artifact.bytes, contentType: artifact.contentType };
    },
    addressOf: sign,
  };
}

interface Job {
  readonly runId: number;
  readonly jobId: string;
}

/** The token of a job says in its scope which run it is of: `Actions.Results:run-4711:job-1`. */
function jobOf(token: string): Job | undefined {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const match = /(?:^| )Actions\.Results:run-(\d+):(\S+)/.exec(Scope.parse(payload).scp);
    return match === null ? undefined : { runId: Number(match[1]), jobId: match[2] ?? '' };
  } catch {
    return undefined;
  }
}

/** One block, the list of all blocks in their order, or the whole at once. */
function putBlob(upload: Upload, query: URLSearchParams, bytes: Buffer): ResultsAnswer {
  if (query.get('comp') === 'block') {
    upload.blocks.set(query.get('blockid') ?? '', bytes);
  } else if (query.get('comp') === 'blocklist') {
    const ids = [...bytes.toString('utf8').matchAll(/<Latest>([^<]*)<\/Latest>/g)].map((match) => match[1] ?? '');
    const blocks = ids.map((id) => upload.blocks.get(id));
    if (blocks.some((block) => block === undefined)) return { status: 400 };
    upload.bytes = Buffer.concat(blocks.filter((block) => block !== undefined));
  } else {
    upload.bytes = bytes;
  }
  return { status: 201 };
}

function answered(body: unknown): ResultsAnswer {
  return { status: 200, body };
}

function refused(status: number, code: string, msg: string): ResultsAnswer {
  return { status, body: { code, msg } };
}
