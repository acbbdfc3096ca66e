import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = process.cwd();

/** A page of the documentation. `path` is relative to the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly FencedBlock[];
}

/** A fenced block of code. `info` is what follows the fence: `yaml fragment`. */
export interface FencedBlock {
  readonly info: readonly string[];
  readonly text: string;
  /** Of the fence, counted from 1. */
  readonly line: number;
}

/** Every page that somebody reads: README, docs/, the architecture page, the pages of the examples. */
export function allPages(): Page[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const examples = readdirSync(join(root, 'examples')).map((name) => `examples/${name}/README.md`);
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'src/README.md',
    ...docs.sort().map((name) => `docs/${name}`),
    ...examples.filter((path) => existsSync(join(root, path))),
  ];
  return paths.map((path) => pageAt(path));
}

export function pageAt(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, blocks: blocksOf(text) };
}

/** The fenced blocks of a page, in order. */
export function blocksOf(text: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let open: { info: string[]; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) {
      open?.lines.push(line);
    } else if (open === undefined) {
      open = { info: (fence[1] ?? '').trim().split(/\s+/), line: index + 1, lines: [] };
    } else {
      blocks.push({ info: open.info, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block that begins in line ${open.line} has no end`);
  return blocks;
}

/** The text of a page without its fenced blocks. */
export function proseOf(text: string): string {
  let isOpen = false;
  const lines = text.split('\n').filter((line) => {
    const isFence = line.startsWith('```');
    if (isFence) isOpen = !isOpen;
    return !isOpen && !isFence;
  });
  return lines.join('\n');
}

/** What stands between single backticks in the prose of a page. */
export function codeSpansOf(text: string): string[] {
  return [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}

/** The links of a page that lead to a place of the repository: path relative to it, and the heading, if one is named. */
export function localLinksOf({ path, text }: Page): { written: string; file: string; heading: string | undefined }[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const written = match[1] ?? '';
    if (/^[a-z]+:/.test(written)) return [];
    const [target = '', heading] = written.split('#');
    const file = target === '' ? path : relative(root, join(root, dirname(path), target));
    return [{ written, file, heading }];
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): string[] {
  const headings = [...proseOf(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
}
