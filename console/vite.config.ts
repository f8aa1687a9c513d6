import { defineConfig } from 'vitest/config';

// Vite 8 compiles JSX by itself (tsconfig's react-jsx); no plugin is needed for a build.
export default defineConfig({
  build: {
    target: 'es2022',
    manifest: true,
    license: { fileName: 'licenses.md' },
    sourcemap: false,
    // Content hashes in the names: the server lets browsers keep /assets/ for a year.
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    rolldownOptions: {
      // "use client" means nothing here.
      onLog: (level, log, report) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['test/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    reporters: ['default', './test/count_reporter.ts'],
  },
});
