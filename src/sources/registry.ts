import { sep } from 'node:path';
import { UserError } from '../core/errors.ts';
import { commandSource } from './command.ts';
import { filesSource } from './files.ts';
import type { SourceSettings, StateSettings } from './settings.ts';
import type { Source, SourceContext } from './source.ts';
import { sqliteSource } from './sqlite.ts';

/**
 * The sources that the configuration names, in its order. Touches nothing yet.
 * Throws `state-overlaps` when two of them would bring back the same files.
 */
export function connectSources(state: StateSettings, context: Omit<SourceContext, 'name'>): Source[] {
  const sources = Object.entries(state).map(([name, settings]) => connectSource(settings, { ...context, name }));
  for (const [index, source] of sources.entries()) {
    for (const other of sources.slice(index + 1)) {
      const shared = source.paths.find((path) =>
        other.paths.some((each) => isWithin(path, each) || isWithin(each, path)),
      );
      if (shared === undefined) continue;
      throw new UserError('state-overlaps', `state.${source.name} and state.${other.name} both hold ${shared}`, {
        hint: 'Keep one of them: SQLite files inside a folder of kind files are copied while in use anyway.',
      });
    }
  }
  return sources;
}

function connectSource(settings: SourceSettings, context: SourceContext): Source {
  switch (settings.kind) {
    case 'files':
      return filesSource.connect(settings, context);
    case 'sqlite':
      return sqliteSource.connect(settings, context);
    case 'command':
      return commandSource.connect(settings, context);
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
