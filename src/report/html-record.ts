import { formatBytes } from '../core/bytes.ts';
import { formatDuration } from '../core/duration.ts';
import { blockHtml } from './html-blocks.ts';
import { pill } from './html-icons.ts';
import { type Html, html } from './html-template.ts';
import { jsonBlock, label } from './json-block.ts';
import { type Backup, describeProof, describeWrites, type Json, type KnownRecord, type Rollback } from './record.ts';

/** Backup and its proof, the way back, what became of the data, and writes at risk. */
export function backupSection(record: KnownRecord): Html | undefined {
  const { backup, rollback } = record;
  const pairs = [
    ...(backup === undefined ? [] : backupPairs(backup)),
    ...(rollback === undefined ? [] : rollbackPairs(rollback)),
    ...writePairs(record),
  ];
  if (pairs.length === 0) return undefined;
  const items = pairs.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  return html`<h2>Backup and data</h2>
<section class="card"><dl class="pairs">${items}</dl></section>`;
}

/** Members of a record that no other section shows, each under its name. */
export function memberSections(record: KnownRecord): Html[] {
  return Object.entries(record.others).map(
    ([name, value]) => html`<h2>${label(name)}</h2>
<section class="card">${blockHtml(jsonBlock(value))}</section>`,
  );
}

type Pair = readonly [name: string, value: Html];

function backupPairs(backup: Backup): Pair[] {
  const verified = backup.proof?.verified === true;
  const badge = verified ? pill('good', 'proven') : pill('bad', 'not proven');
  const { id, proof, ...others } = backup;
  const { verified: _verified, restoreMs: _restoreMs, ...proofOthers } = proof ?? {};
  return [
    ['Backup', html`<code>${id}</code>`],
    ['Restore proof', html`${badge} ${describeProof(backup)}`],
    ...otherPairs(others),
    ...otherPairs(proofOthers),
  ];
}

function otherPairs(members: Readonly<Record<string, unknown>>): Pair[] {
  return Object.entries(members).map(([name, value]): Pair => {
    if (name.endsWith('Bytes') && typeof value === 'number')
      return [label(name.slice(0, -5)), html`${formatBytes(value)}`];
    if (name.endsWith('Ms') && typeof value === 'number')
      return [label(name.slice(0, -2)), html`${formatDuration(value)}`];
    return [label(name), html`${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
}

function rollbackPairs({ from, to, data, durationMs }: Rollback): Pair[] {
  const pairs: Pair[] = [];
  if (from !== undefined || to !== undefined) {
    pairs.push(['Way back', html`from <code>${from ?? 'unknown'}</code> to <code>${to ?? 'unknown'}</code>`]);
  }
  if (durationMs !== undefined) pairs.push(['It took', html`${formatDuration(durationMs)}`]);
  if (data !== undefined) {
    const told = data === 'restored' ? 'brought back from the backup' : 'kept as the release left it';
    pairs.push(['Data', html`${told}`]);
  }
  return pairs;
}

function writePairs(record: KnownRecord): Pair[] {
  const summary = describeWrites(record);
  if (summary === undefined) return [];
  const details = record.writes.flatMap(({ source, details: value }) =>
    value === undefined ? [] : [writeDetails(source, value)],
  );
  return [['Writes at risk', html`${summary}${details}`]];
}

function writeDetails(source: string, details: Json): Html {
  return html`<div class="small"><p class="muted">In ${source}:</p>${blockHtml(jsonBlock(details))}</div>`;
}
