import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refuse } from './answers.js';
import { mayRead } from './permissions.js';

/** Documents of a policy: the bytes are a file below `uploads`, the rest is a row. Who may read the policy may both. */
export function documentRoutes({ database, settings }) {
  const findPolicy = (id) => database.prepare('SELECT id, holder FROM policies WHERE id = ?').get(id);

  /** Runs `then` with the policy, or says why not. */
  function withPolicy(user, id, then) {
    const policy = findPolicy(id);
    if (policy === undefined) return refuse(404, 'there is no such policy');
    return mayRead(user, policy) ? then(policy) : refuse(403, 'this policy is not yours');
  }

  function upload({ user, params, query, headers, body }) {
    return withPolicy(user, params.id, async (policy) => {
      if (body.length === 0) return refuse(400, 'the document is empty');
      const document = {
        id: `d-${randomUUID()}`,
        policy: policy.id,
        name: (query.get('name') ?? 'document').slice(0, 200),
        media_type: headers['content-type'] ?? 'application/octet-stream',
        size_bytes: body.length,
        sha256: createHash('sha256').update(body).digest('hex'),
        created_at: new Date().toISOString(),
      };
      await writeWhole(join(settings.uploads, document.id), body);
      database
        .prepare(
          `INSERT INTO documents (id, policy, name, media_type, size_bytes, sha256, created_at)
           VALUES (:id, :policy, :name, :media_type, :size_bytes, :sha256, :created_at)`,
        )
        .run(document);
      return { status: 201, json: document };
    });
  }

  function list({ user, params }) {
    return withPolicy(user, params.id, (policy) => {
      const documents = database
        .prepare('SELECT id, name, media_type, size_bytes, sha256, created_at FROM documents WHERE policy = ?')
        .all(policy.id);
      return { status: 200, json: { documents } };
    });
  }

  function download({ user, params }) {
    return withPolicy(user, params.id, async (policy) => {
      const document = database
        .prepare('SELECT id, media_type FROM documents WHERE id = ? AND policy = ?')
        .get(params.document, policy.id);
      if (document === undefined) return refuse(404, 'there is no such document');
      const bytes = await readFile(join(settings.uploads, document.id));
      const headers = { 'content-type': document.media_type, 'content-disposition': 'attachment' };
      return { status: 200, bytes, headers };
    });
  }

  return [
    { method: 'POST', path: '/policies/:id/documents', run: upload },
    { method: 'GET', path: '/policies/:id/documents', run: list },
    { method: 'GET', path: '/policies/:id/documents/:document', run: download },
  ];
}

/** Writes beside and renames, so that a reader (or a backup) sees the whole file or none. */
async function writeWhole(path, bytes) {
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}
