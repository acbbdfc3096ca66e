import { distance } from 'fastest-levenshtein';

/** Longer texts are no typing mistakes, and comparing them takes time. */
const LONGEST = 64;

/** The candidate that was probably meant, when one is close enough. */
export function closest(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > LONGEST) return undefined;
  const wanted = text.toLowerCase();
  const near = candidates
    .map((candidate) => ({ candidate, steps: distance(wanted, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, steps }) =>
        isSwapped(wanted, candidate) || steps <= allowedSteps(Math.max(candidate.length, text.length)),
    )
    .sort((a, b) => a.steps - b.steps);
  return near[0]?.candidate;
}

/** The same letters in another order: `wbe`. */
function isSwapped(wanted: string, candidate: string): boolean {
  const sorted = (text: string) => [...text].sort().join('');
  return wanted.length === candidate.length && sorted(wanted) === sorted(candidate.toLowerCase());
}

/** Two letters that changed places count as two steps, so short words need two. */
function allowedSteps(length: number): number {
  if (length <= 3) return 1;
  return Math.max(2, Math.floor(length / 3));
}

/** The end of a message about a name that does not exist: what was meant, else what there is. */
export function meant(text: string, candidates: readonly string[], noneText: string): string {
  const close = closest(text, candidates);
  if (close !== undefined) return `did you mean "${close}"?`;
  return candidates.length === 0 ? noneText : `known here: ${listed(candidates)}`;
}

/** A list that stays readable in one line. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
