/**
 * A job that gets no secrets loads the configuration with them sealed: known by name only. A value that needs one is a
 * marker, so that whoever is about to use it can tell, and stop with the reason `secret-not-here`.
 */
const MARKER = /<sealed secret ([A-Za-z_][A-Za-z0-9_]*)>/g;

/** What stands for the secret `name` in a configuration that was loaded sealed. */
export function sealedSecret(name: string): string {
  return `<sealed secret ${name}>`;
}

/** True when the value, or any member of it, holds a secret that is not known here. */
export function isSealed(value: unknown): boolean {
  return sealedNames(value).length > 0;
}

/** The names of the secrets that a value, or any member of it, would need; each once. */
export function sealedNames(value: unknown): string[] {
  if (typeof value === 'string') return [...new Set([...value.matchAll(MARKER)].map((match) => match[1] ?? ''))];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(sealedNames))];
}
