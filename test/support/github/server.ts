import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { createHooks, type Hooks } from './hooks.ts';
import { objectsAt } from './objects.ts';
import { createIssuer, type Issuer } from './oidc.ts';
import { answerRest, type RestAnswer, type RestRequest } from './rest.ts';
import { type Results, resultsService } from './results.ts';
import { emptyWorld, type World } from './world.ts';

/** What a job's `needs` said of one of the jobs before it. */
export const JobResult = z.object({
  result: z.string(),
  // Of a job without outputs act says null; those of a skipped one stay the text of their expression.
  outputs: z
    .record(z.string(), z.string())
    .nullable()
    .transform((all) => Object.fromEntries(Object.entries(all ?? {}).filter(([, text]) => !text.startsWith('${{')))),
});
export type JobResult = z.infer<typeof JobResult>;

export interface GithubOptions {
  /** What GitHub says of a job in its token; undefined for a job that may not have one. */
  readonly claims?: (job: string) => JWTPayload | undefined;
  /** What the issuer of tokens calls itself, where that is not where it is read. */
  readonly issuer?: string;
  /** Answers in place of the API, to break it. */
  readonly interfere?: (request: RestRequest) => RestAnswer | undefined;
  readonly now?: () => Date;
}

/** A GitHub on this computer, for one test or one run of a workflow. */
export interface Github {
  readonly origin: string;
  readonly apiUrl: string;
  /** Where the issuer of tokens is read. */
  readonly issuerUrl: string;
  /** The only token that its API takes. */
  readonly token: string;
  readonly world: World;
  readonly hooks: Hooks;
  readonly issuer: Issuer;
  /** Every request to the API with the status of its answer: `GET /repos/acme/shop 200`. */
  readonly asked: string[];
  /** The bodies of those requests that had one. */
  readonly sent: string[];
  /** What was asked or answered otherwise than GitHub describes. */
  readonly violations: string[];
  /** What workflows reported: by the name they report under, the results of their jobs. */
  readonly reported: Record<string, Record<string, JobResult>>;
  /** What a runner gives to the steps of every job of a run. */
  jobEnvironment(runId: number): Record<string, string>;
  hookUrl(name: string): string;
  /** Throws when anything was not as GitHub describes. */
  assertAsDescribed(): void;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024 * 1024;
const LOOPBACK = '127.0.0.1';

interface State extends Omit<Github, 'jobEnvironment' | 'hookUrl' | 'assertAsDescribed' | 'close'> {
  readonly results: Results;
  readonly options: GithubOptions;
  readonly now: () => Date;
}

interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** Starts one on a free port of this computer; it answers nobody else. */
export async function startGithub(options: GithubOptions = {}): Promise<Github> {
  const now = options.now ?? (() => new Date());
  const address = { origin: '' };
  const issuer = await createIssuer(() => options.issuer ?? `${address.origin}/oidc`, now);
  const world = emptyWorld();
  const results = resultsService(world, () => address.origin, now);
  const server = createServer((request, response) => {
    void answer(state, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, resolve);
  });
  address.origin = `http://${LOOPBACK}:${z.custom<AddressInfo>().parse(server.address()).port}`;
  const { origin } = address;
  const state: State = {
    ...{ origin, apiUrl: `${origin}/api`, issuerUrl: `${origin}/oidc`, token: `ghs_${crypto.randomUUID()}` },
    ...{ world, hooks: createHooks(), issuer, results, options, now },
    ...{ asked: [], sent: [], violations: [], reported: {} },
  };
  return {
    ...state,
    jobEnvironment: (runId) => environmentOf(state, runId),
    hookUrl: (name) => `${origin}/hooks/${name}`,
    assertAsDescribed() {
      if (state.violations.length > 0) throw new Error(`GitHub would not have this:\n${state.violations.join('\n')}`);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function environmentOf({ origin, apiUrl, token }: State, runId: number): Record<string, string> {
  const scope = Buffer.from(JSON.stringify({ scp: `Actions.Results:run-${runId}:job-1` })).toString('base64url');
  return {
    GITHUB_API_URL: apiUrl,
    GITHUB_RUN_ID: String(runId),
    ACTIONS_RESULTS_URL: `${origin}/`,
    ACTIONS_RUNTIME_TOKEN: `h.${scope}.s`,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/oidc/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
  };
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { status, headers = {}, body, raw } = await route(state, await read(request, state));
    const bytes = raw ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
    const type = raw === undefined ? { 'content-type': 'application/json; charset=utf-8' } : {};
    response.writeHead(status, { ...type, ...headers });
    response.end(bytes);
  } catch (error) {
    // A client that sends what cannot be read is told so, and the test that caused it fails.
    state.violations.push(
      `${request.method} ${request.url}: ${error instanceof Error ? error.message : String(error)}`,
    );
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: 'Bad Request', documentation_url: '' }));
  }
}

async function read(request: IncomingMessage, { origin }: State): Promise<Request> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('the body is too big');
    chunks.push(chunk);
  }
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', origin),
    headers,
    bytes: Buffer.concat(chunks),
  };
}

async function route(state: State, request: Request): Promise<RestAnswer> {
  const { method, url, headers, bytes } = request;
  const [, area = '', ...rest] = url.pathname.split('/');
  const below = `/${rest.join('/')}`;
  switch (area) {
    case 'api':
      return answerApi(state, request, below);
    case 'twirp':
      return typed(state.results.call(rest.at(-1) ?? '', bearer(headers), JSON.parse(bytes.toString('utf8'))));
    case 'blob':
      return typed(state.results.blob({ method, key: rest[0] ?? '', query: url.searchParams, bytes }));
    case 'oidc':
      return below === '/token' ? await issueToken(state, request) : found(state.issuer.read(below));
    case 'hooks': {
      const received = {
        name: rest.join('/'),
        method,
        headers,
        text: bytes.toString('utf8'),
        atMs: state.now().getTime(),
      };
      const { status, text, headers: more = {} } = state.hooks.take(received);
      return { status, raw: Buffer.from(text), headers: { 'content-type': 'text/html', ...more } };
    }
    case 'reported':
      state.reported[rest.join('/')] = z.record(z.string(), JobResult).parse(JSON.parse(bytes.toString('utf8')));
      return { status: 204 };
    default:
      state.violations.push(`nothing is at ${method} ${url.pathname}`);
      return found(undefined);
  }
}

function answerApi(state: State, { method, url, headers, bytes }: Request, path: string): RestAnswer {
  const text = bytes.toString('utf8');
  if (text !== '') state.sent.push(text);
  const body = text === '' ? undefined : JSON.parse(text);
  const request = { method, path, query: url.searchParams, body, accept: headers['accept'] ?? '' };
  const answer = judged(state, request, bearer(headers));
  state.asked.push(`${method} ${path} ${answer.status}`);
  return answer;
}

function judged(state: State, request: RestRequest, token: string): RestAnswer {
  const instead = state.options.interfere?.(request);
  if (instead !== undefined) return instead;
  if (token !== state.token) return { status: 401, body: { message: 'Bad credentials', documentation_url: '' } };
  const { answer, problems } = answerRest(request, {
    world: state.world,
    objects: objectsAt(state.apiUrl),
    blobUrl: (id) => state.results.addressOf(id),
    now: state.now,
  });
  state.violations.push(...problems);
  return answer;
}

async function issueToken({ token, issuer, options }: State, { url, headers }: Request): Promise<RestAnswer> {
  const claims = bearer(headers) === token ? options.claims?.(url.searchParams.get('job') ?? '') : undefined;
  if (claims === undefined) return { status: 403, body: { message: 'this job may not have a token' } };
  const audience = url.searchParams.get('audience') ?? 'https://github.com/acme';
  return { status: 200, body: { value: await issuer.issue(claims, audience) } };
}

/** `Bearer X` and `token X` are the same to GitHub. */
function bearer(headers: Readonly<Record<string, string>>): string {
  return (headers['authorization'] ?? '').replace(/^(?:bearer|token) /i, '');
}

function found(body: unknown): RestAnswer {
  return body === undefined
    ? { status: 404, body: { message: 'Not Found', documentation_url: '' } }
    : { status: 200, body };
}

function typed({ contentType, ...answer }: RestAnswer & { readonly contentType?: string }): RestAnswer {
  return contentType === undefined ? answer : { ...answer, headers: { 'content-type': contentType } };
}
