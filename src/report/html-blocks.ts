import type { Block } from '../core/action.ts';
import { type Html, html } from './html-template.ts';

/** What an action shows of its record. The texts are clean already. */
export function blockHtml(block: Block): Html {
  switch (block.kind) {
    case 'text':
      return html`${block.text.split('\n').map((line) => html`<p>${line}</p>`)}`;
    case 'code':
      return html`<pre>${block.text}</pre>`;
    case 'table':
      return tableHtml(block.columns, block.rows);
  }
}

function tableHtml(columns: readonly string[], rows: readonly (readonly string[])[]): Html {
  const titles = columns.map((column) => html`<th scope="col">${column}</th>`);
  const head = columns.some((column) => column !== '') ? html`<thead><tr>${titles}</tr></thead>` : undefined;
  const lines = rows.map((row) => html`<tr>${columns.map((_, index) => html`<td>${row[index] ?? ''}</td>`)}</tr>`);
  return html`<div class="scroll"><table>${head}<tbody>${lines}</tbody></table></div>`;
}
