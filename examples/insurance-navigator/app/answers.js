/** An answer that says no, in JSON. */
export function refuse(status, error) {
  return { status, json: { error } };
}
