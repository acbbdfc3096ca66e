/** Its migration (the .sql beside) succeeds; then the server ends before it listens. */
export default {
  atStart() {
    console.error('this version migrates and cannot start');
    process.exit(1);
  },
};
