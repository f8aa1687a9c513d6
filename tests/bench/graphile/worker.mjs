// The peer of the queue bench: puts COUNT jobs that do nothing into graphile-worker and works them
// off. `single`: as it is by default; `batched`: with its local queue and batches of completions.
// Says "ready" when they are there, waits for a line, and answers in JSON: the seconds from the
// first claim to the last completion.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [connectionString, mode, countText, slotsText] = process.argv.slice(2);
const count = Number(countText);
const slots = Number(slotsText);
const logger = new Logger(() => () => {});
const batched = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
await utils.release();
const client = new pg.Client({ connectionString });
await client.connect();
await client.query("select graphile_worker.add_job('noop', '{}') from generate_series(1, $1)", [
  count,
]);
await client.query("analyze");
await client.end();

console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
let done = 0;
let finished;
const all = new Promise((resolve) => (finished = resolve));
const started = process.hrtime.bigint();
const runner = await run({
  preset: {
    worker: {
      connectionString,
      logger,
      concurrentJobs: slots,
      maxPoolSize: slots + 1,
      ...(mode === "batched" ? batched : {}),
    },
  },
  taskList: { noop: async () => {} },
});
runner.events.on("job:complete", () => {
  if (++done === count) finished();
});
await all;
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
await runner.stop();
console.log(JSON.stringify({ jobs: count, seconds }));
process.exit(0);
