/** The few forms of globs that leave files out of a backup. Pure; paths are relative with `/`. */

/**
 * A question that answers whether a path, or a folder above it, matches one of the patterns. `*` and `?` stay within one
 * name and also match a leading dot, `**` spans folders, a trailing `/` is ignored; everything else stands for itself.
 * A pattern always starts at the top: `*.tmp` is only there, with a leading double star it is everywhere.
 */
export function compileGlobs(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map(compile);
  return (path) => {
    if (path === '') return false;
    const names = path.split('/');
    return names.some((_, depth) => {
      const upTo = names.slice(0, depth + 1).join('/');
      return expressions.some((expression) => expression.test(upTo));
    });
  };
}

function compile(pattern: string): RegExp {
  const parts = pattern
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
    .split(/\/+/);
  let expression = '';
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === '**') {
      expression += last ? '.+' : '(?:[^/]+/)*';
    } else {
      expression += compileName(part) + (last ? '' : '/');
    }
  }
  return new RegExp(`^${expression}$`, 's');
}

function compileName(part: string): string {
  return part
    .split(/(\*+|\?)/)
    .map((piece) => {
      if (piece.startsWith('*')) return '[^/]*';
      return piece === '?' ? '[^/]' : piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })
    .join('');
}
