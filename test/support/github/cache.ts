import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';

/** The cache service of GitHub on this computer, as far as its client asks it. */
export interface CacheServer {
  readonly url: string;
  /** Archives by key. */
  readonly entries: Map<string, Buffer>;
  /** Every key that was asked for or saved, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

const Call = z.looseObject({ key: z.string() });

/** A server on a free port of the loopback. `answer` may answer a call of the service instead: with a status of its own. */
export async function aCacheServer(answer: () => number | undefined = () => undefined): Promise<CacheServer> {
  const entries = new Map<string, Buffer>();
  const asked: string[] = [];
  const blocks = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const body = await bytesOf(request);
    const method = url.pathname.split('/').at(-1) ?? '';
    if (!url.pathname.startsWith('/twirp/')) {
      const key = decodeURIComponent(method);
      if (request.method !== 'PUT') {
        response.writeHead(200, { 'content-length': entries.get(key)?.length }).end(entries.get(key));
        return;
      }
      const block = url.searchParams.get('blockid');
      if (block !== null) blocks.set(block, body);
      else if (url.searchParams.get('comp') === 'blocklist') entries.set(key, inOrder(body, blocks));
      else entries.set(key, body);
      response.writeHead(201).end();
      return;
    }
    const status = answer();
    const { key } = Call.parse(JSON.parse(body.toString('utf8')));
    asked.push(`${method} ${key}`);
    const address = `http://${request.headers.host}/blob/${encodeURIComponent(key)}`;
    const answers: Record<string, unknown> = {
      CreateCacheEntry: { ok: !entries.has(key), signed_upload_url: address },
      FinalizeCacheEntryUpload: { ok: true, entry_id: '7' },
      GetCacheEntryDownloadURL: entries.has(key)
        ? { ok: true, signed_download_url: address, matched_key: key }
        : { ok: false },
    };
    response.writeHead(status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === undefined ? answers[method] : { msg: 'refused' }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    entries,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function inOrder(list: Buffer, blocks: ReadonlyMap<string, Buffer>): Buffer {
  const ids = [...list.toString('utf8').matchAll(/<Latest>([^<]*)<\/Latest>/g)].map((match) => match[1] ?? '');
  return Buffer.concat(ids.map((id) => blocks.get(id) ?? Buffer.alloc(0)));
}
