// `npm run test:browser`: tests/console in Debian's Chromium against a running server.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The journey first, while the server knows nothing yet. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.sort((a, b) => a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  root: here('../../tests/console'),
  cacheDir: here('../node_modules/.vite'),
  resolve: {
    // The tests stand outside of console/, where packages are not found by themselves.
    alias: {
      'playwright-core': here('../node_modules/playwright-core'),
      'axe-core': here('../node_modules/axe-core'),
    },
  },
  test: {
    include: ['**/*.test.ts'],
    reporters: ['verbose', here('./count_reporter.ts')],
    sequence: { sequencer: ByName },
    fileParallelism: false, // one server, one machine of two cores
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
