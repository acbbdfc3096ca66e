export type Token =
  | { readonly kind: 'open'; readonly tag: string; readonly attributes: Readonly<Record<string, string>> }
  | { readonly kind: 'close'; readonly tag: string }
  | { readonly kind: 'text'; readonly text: string };

const TAG = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*>/;
const ATTRIBUTE = /([a-zA-Z-]+)(?:="([^"<>]*)")?/g;

/**
 * Takes a document apart the way a browser does, but strictly: a `<` that begins no well-formed tag, a comment, and an
 * attribute without quotes throw. Contents of `style` are one text.
 */
export function tokenizeHtml(document: string): Token[] {
  const tokens: Token[] = [];
  let rest = document.replace(/^<!doctype html>\n/, '');
  while (rest !== '') {
    const next = rest.indexOf('<');
    if (next !== 0) {
      const text = next < 0 ? rest : rest.slice(0, next);
      if (text.includes('>')) throw new Error(`a bare ">" in: ${text.slice(0, 80)}`);
      tokens.push({ kind: 'text', text });
      rest = rest.slice(text.length);
      continue;
    }
    const match = TAG.exec(rest);
    if (match === null) throw new Error(`no well-formed tag: ${rest.slice(0, 80)}`);
    const tag = match[2] ?? '';
    tokens.push(
      match[1] === '/' ? { kind: 'close', tag } : { kind: 'open', tag, attributes: attributesOf(match[3] ?? '') },
    );
    rest = rest.slice(match[0].length);
    if (tag === 'style' && match[1] === '') {
      const end = rest.indexOf('</style>');
      tokens.push({ kind: 'text', text: rest.slice(0, end) });
      rest = rest.slice(end);
    }
  }
  return tokens;
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(ATTRIBUTE)].map((match) => [match[1] ?? '', match[2] ?? '']));
}
