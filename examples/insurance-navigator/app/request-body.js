const LIMIT_BYTES = 5 * 1024 * 1024;

/** The whole body; undefined when it is above 5 MiB (it is read to its end all the same). */
export async function readBody(request) {
  const chunks = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += chunk.length;
    if (sizeBytes <= LIMIT_BYTES) chunks.push(chunk);
  }
  return sizeBytes <= LIMIT_BYTES ? Buffer.concat(chunks) : undefined;
}

/** The body as a JSON object; undefined when it is anything else. */
export function parseObject(body) {
  try {
    const value = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
