import { createHash } from 'node:crypto';

/** What a client of the sample platform sees and can tell apart later: rows, a file, the schema. */
export interface Note {
  readonly policies: readonly Record<string, unknown>[];
  readonly documentSha256: string;
  readonly schema: unknown;
  readonly version: unknown;
}

export interface DemoClient {
  /** Writes what the note will look for: a policy and a document of it. */
  prepare(): Promise<void>;
  note(): Promise<Note>;
}

const DOCUMENT = Buffer.from('%PDF-1.7 a policy document, as somebody uploaded it\n'.repeat(200));

/** A person with a clerk's login. */
export function demoClient(origin: string, user: string, password: string): DemoClient {
  let policy = '';
  let document = '';
  const ask = async (path: string, init: RequestInit = {}, token?: string) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...init.headers };
    return fetch(`${origin}${path}`, { ...init, headers, signal: AbortSignal.timeout(10_000) });
  };
  const json = async (response: Response): Promise<Record<string, unknown>> => {
    if (!response.ok) throw new Error(`${new URL(response.url).pathname} answers ${response.status}`);
    const value: unknown = await response.json();
    return typeof value === 'object' && value !== null ? { ...value } : {};
  };
  const login = async () => {
    const body = JSON.stringify({ user, password });
    return String((await json(await ask('/login', { method: 'POST', body })))['token']);
  };
  return {
    async prepare() {
      const token = await login();
      const wanted = { holder: 'ada', product: 'household', premium_cents: 31_415 };
      policy = String(
        (await json(await ask('/policies', { method: 'POST', body: JSON.stringify(wanted) }, token)))['id'],
      );
      const upload = { method: 'POST', body: DOCUMENT, headers: { 'content-type': 'application/pdf' } };
      document = String((await json(await ask(`/policies/${policy}/documents?name=policy.pdf`, upload, token)))['id']);
    },
    async note() {
      const token = await login();
      const ids = [policy, 'p-ada-household', 'p-bela-liability'];
      const policies = await Promise.all(ids.map(async (id) => json(await ask(`/policies/${id}`, {}, token))));
      const file = await ask(`/policies/${policy}/documents/${document}`, {}, token);
      const bytes = file.ok ? Buffer.from(await file.arrayBuffer()) : Buffer.from(`status ${file.status}`);
      const { schema, version } = await json(await ask('/version'));
      return { policies, documentSha256: createHash('sha256').update(bytes).digest('hex'), schema, version };
    },
  };
}

/** What differs between two notes, for people; empty when nothing does. The version does not count. */
export function compareNotes(before: Note, after: Note): string[] {
  const differences: string[] = [];
  if (JSON.stringify(before.policies) !== JSON.stringify(after.policies)) differences.push('rows');
  if (before.documentSha256 !== after.documentSha256) differences.push('the document');
  if (before.schema !== after.schema) differences.push('the schema');
  return differences;
}
