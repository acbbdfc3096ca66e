import { dirname, isAbsolute, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { Files } from '../platform/files.ts';
import type { SourceContext } from './source.ts';

/** The absolute path that a `files` or `sqlite` source names: below the shared folder of its service, or the root. */
export function placeOf(
  settings: { readonly service?: string | undefined; readonly path: string },
  context: Pick<SourceContext, 'root' | 'sharedOf'>,
): string {
  if (settings.service !== undefined) return join(context.sharedOf(settings.service), settings.path);
  return isAbsolute(settings.path) ? join(settings.path) : join(context.root, settings.path);
}

/** More links in a row than the kernel follows. */
const MAX_LINKS = 40;

/** What a link at this place stands for, there or not, so that a replacement replaces the thing and not the link. */
export async function followPlace(path: string, files: Files): Promise<string> {
  let place = path;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    if ((await files.status(place))?.type !== 'link') return place;
    const target = (await files.readLink(place)) ?? '.';
    place = resolve(dirname(place), target);
  }
  throw new UserError('state-links-loop', `${path} is a link that leads back to itself`);
}
