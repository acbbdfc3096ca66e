/** True when everything is asked: all applications, all kills. The quick form asks one of each kind. */
export const isFull = process.env['HOLDFAST_ACCEPTANCE'] === 'full';
