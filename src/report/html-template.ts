import { escapeHtml } from './text.ts';

/** A piece of HTML that is safe to put into a document: made by `html`, or a constant of ours. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[] | undefined;

/**
 * Builds HTML: texts and numbers are escaped, pieces of HTML are put in as they are, undefined is left out.
 * Values stand between tags or within quoted attributes, never in names of tags, scripts or styles.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: parts.reduce((text, part, index) => text + valueText(values[index - 1]) + part) };
}

function valueText(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  if ('html' in value) return value.html;
  return value.map((piece) => piece.html).join('\n');
}
