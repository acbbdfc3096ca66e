import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Every path of a folder with type, mode, owner, time in seconds, and content or link; read by other means than the sources use. */
export async function lookAtTree(root: string): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  const look = async (path: string): Promise<void> => {
    const absolute = join(root, path);
    const found = await lstat(absolute).catch(() => undefined);
    if (found === undefined) return;
    const owner = `${(found.mode & 0o7777).toString(8)} ${found.uid}:${found.gid}`;
    if (found.isSymbolicLink()) seen[path] = `link ${await readlink(absolute)}`;
    else if (found.isDirectory()) {
      seen[path] = `folder ${owner} ${Math.floor(found.mtimeMs / 1000)}`;
      for (const name of (await readdir(absolute)).sort()) await look(join(path, name));
    } else {
      const digest = createHash('sha256')
        .update(await readFile(absolute))
        .digest('hex');
      seen[path] = `file ${owner} ${Math.floor(found.mtimeMs / 1000)} ${digest}`;
    }
  };
  await look('');
  return seen;
}
