/** Shorter values cannot be told apart from ordinary words of an answer. */
const SHORTEST = 8;

/**
 * The name of the first secret whose value stands in a text, as it is, encoded for a URL, in JSON or in base64. Values
 * of fewer than `shortest` characters are not looked for.
 */
export function holdsSecret(
  text: string,
  secretValues: Readonly<Record<string, string>>,
  shortest = SHORTEST,
): string | undefined {
  for (const [name, value] of Object.entries(secretValues)) {
    if (formsOf(value, shortest).some((form) => text.includes(form))) return name;
  }
  return undefined;
}

function formsOf(value: string, shortest: number): string[] {
  const parts = [value, passwordOf(value)].filter((part) => part !== undefined && part.length >= shortest);
  return parts.flatMap((part) => {
    const text = part ?? '';
    const base64 = Buffer.from(text).toString('base64').replace(/=+$/, '');
    return [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), base64];
  });
}

/** The password inside of a connection URL: it leaks alone more often than the whole. */
function passwordOf(value: string): string | undefined {
  const password = URL.canParse(value) ? new URL(value).password : '';
  try {
    return password === '' ? undefined : decodeURIComponent(password);
  } catch {
    return password;
  }
}
