/** ESM TypeScript through swc; `.ts` specifiers, no name mapper. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/examples'],
  testMatch: ['**/*.test.ts', '**/*.test.js'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  // Most tests wait for processes: two at once on two cores, where Jest by itself would leave one idle.
  maxWorkers: 2,
  testTimeout: 60_000,
};
