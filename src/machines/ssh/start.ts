/**
 * What ssh is told to run, always the same: the real script comes over standard input. So nothing that a user wrote is
 * read by the login shell, which may be any (no quote, backslash, exclamation mark or line feed stands inside the quotes),
 * and no secret is seen in the server's list of processes.
 */
export const START = `exec sh -c 'IFS= read -r length && script=$(head -c "$length") && eval "$script"'`;

/** A script as START reads it: its length in bytes, a line feed, the script. Input for the script itself follows. */
export function scriptHeader(script: string): Buffer {
  const bytes = Buffer.from(script);
  return Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]);
}
