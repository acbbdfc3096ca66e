/** Throws before it listens. */
export default {
  atStart() {
    throw new Error('this version cannot start');
  },
};
