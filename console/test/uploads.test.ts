import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { describeUpload } from '../src/routes/library/upload_list';
import {
  addFiles,
  createSpeedometer,
  dropUpload,
  pauseUpload,
  resumeUpload,
  setOnAccepted,
  type UploadItem,
  uploads,
} from '../src/services/uploads';

interface Options {
  onProgress: (sent: number) => void;
  onError: (error: unknown) => void;
  onSuccess: () => void;
}

const started: FakeUpload[] = [];

class FakeUpload {
  url = '/api/v1/uploads/0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e02';
  start = vi.fn(() => void started.push(this));
  abort = vi.fn(async () => {});
  findPreviousUploads = vi.fn(async () => []);
  resumeFromPreviousUpload = vi.fn();
  constructor(
    readonly file: File,
    readonly options: Options,
  ) {}
}

vi.mock('tus-js-client', () => ({ Upload: FakeUpload }));

const file = (name: string, size = 3) => new File([new Uint8Array(size)], name);
const states = () => uploads.get().map(({ name, state }) => `${name} ${state}`);
const settled = (count: number) => vi.waitFor(() => expect(started).toHaveLength(count));

beforeEach(() => {
  started.length = 0;
});

afterEach(() => {
  for (const { id } of uploads.get()) dropUpload(id);
});

describe('uploads', () => {
  test('two at once, the others wait their turn', async () => {
    addFiles([file('a'), file('b'), file('c')]);
    await settled(2);
    expect(states()).toEqual(['a sending', 'b sending', 'c waiting']);
    pauseUpload(uploads.get()[0]?.id ?? 0);
    await settled(3);
    expect(states()).toEqual(['a paused', 'b sending', 'c sending']);
  });
  test('what has arrived is handed to ingest under a key of its own', async () => {
    const accepted = vi.fn();
    setOnAccepted(accepted);
    const fetched = vi
      .spyOn(globalThis, 'fetch')
      .mockResolvedValue(Response.json({ video_id: 'v1' }, { status: 201 }));
    addFiles([file('a')]);
    await settled(1);
    started[0]?.options.onSuccess();
    await vi.waitFor(() => expect(accepted).toHaveBeenCalledWith('v1'));
    const sent = fetched.mock.calls[0]?.[1];
    expect(JSON.parse(String(sent?.body)).source.upload_ref).toMatch(/5a6b7c8d9e02$/);
    expect(sent?.headers).toMatchObject({ 'Idempotency-Key': expect.stringMatching(/^upload-/) });
    expect(states()).toEqual(['a accepted']);
  });
  test('when only the answer of ingest got lost, nothing is sent twice', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValueOnce(new TypeError('cut'));
    addFiles([file('a')]);
    await settled(1);
    started[0]?.options.onSuccess();
    await vi.waitFor(() => expect(states()).toEqual(['a failed']));
    fetched.mockResolvedValue(Response.json({ video_id: 'v2' }, { status: 201 }));
    resumeUpload(uploads.get()[0]?.id ?? 0);
    await vi.waitFor(() => expect(states()).toEqual(['a accepted']));
    expect(started).toHaveLength(1);
    const keys = fetched.mock.calls.map(([, init]) =>
      new Headers(init?.headers).get('Idempotency-Key'),
    );
    expect(keys[0]).toBe(keys[1]);
  });
  test('the server’s own words are shown', async () => {
    addFiles([file('a')]);
    await settled(1);
    const getBody = () => JSON.stringify({ error: { message: 'larger than 64 GiB' } });
    started[0]?.options.onError({ originalResponse: { getBody } });
    expect(uploads.get()[0]).toMatchObject({ state: 'failed', error: 'larger than 64 GiB' });
  });
  test('an empty file is refused here', async () => {
    addFiles([file('empty', 0)]);
    await vi.waitFor(() => expect(states()).toEqual(['empty failed']));
    expect(started).toHaveLength(0);
  });
});

test('speed is smoothed', () => {
  let now = 0;
  const speed = createSpeedometer(() => now);
  expect(speed(1_000)).toBe(0);
  now = 1_000;
  expect(speed(1_000)).toBe(1_000);
  now = 2_000;
  expect(speed(4_000)).toBeCloseTo(1_400);
});

test('what a row says', () => {
  const item: UploadItem = {
    id: 1,
    name: 'a',
    size: 10_000_000,
    sent: 2_000_000,
    bytesPerSecond: 1_000_000,
    state: 'sending',
    resumed: true,
    error: null,
    videoId: null,
  };
  expect(describeUpload(item)).toBe('Going on · 2.0 MB of 10.0 MB · 1.0 MB/s · a few seconds left');
  expect(describeUpload({ ...item, state: 'paused' })).toBe('Paused · 2.0 MB of 10.0 MB');
  expect(describeUpload({ ...item, state: 'failed', error: 'no space left' })).toBe(
    'No space left.',
  );
});
