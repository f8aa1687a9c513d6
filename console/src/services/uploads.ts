// Uploads by tus 1.0: a few at a time, going on where they stopped, then handed to `POST /ingest`.
// The list outlives pages: leaving the Library does not stop an upload.
import type { Upload } from 'tus-js-client';
import { apiUrl, csrfHeaders } from './http';
import { ingest } from './ingest';
import { createStore } from './store';

export type UploadState = 'waiting' | 'sending' | 'paused' | 'accepting' | 'accepted' | 'failed';

export interface UploadItem {
  id: number;
  name: string;
  size: number;
  sent: number;
  bytesPerSecond: number;
  state: UploadState;
  resumed: boolean;
  error: string | null;
  videoId: string | null;
}

export const uploads = createStore<readonly UploadItem[]>([]);

const AT_ONCE_MAX = 2;
// One request carries at most this much, so that none lasts for ever.
const CHUNK_BYTES = 64 * 1024 * 1024;
const RETRY_MS = [0, 1_000, 3_000, 5_000, 10_000, 20_000];

const files = new Map<number, File>();
const running = new Map<number, Upload>();
const arrived = new Map<number, string>(); // sent whole, not yet accepted: their upload_ref
let nextId = 1;
let onAccepted: (videoId: string) => void = () => {};

/** Who is told that a file became a recording. */
export function setOnAccepted(listener: (videoId: string) => void): void {
  onAccepted = listener;
}

function find(id: number): UploadItem | undefined {
  return uploads.get().find((item) => item.id === id);
}

function change(id: number, patch: Partial<UploadItem>): void {
  uploads.set(uploads.get().map((item) => (item.id === id ? { ...item, ...patch } : item)));
}

export function addFiles(list: Iterable<File>): void {
  const items = [...list].map((file): UploadItem => {
    const id = nextId++;
    files.set(id, file);
    return {
      id,
      name: file.name,
      size: file.size,
      sent: 0,
      bytesPerSecond: 0,
      state: 'waiting',
      resumed: false,
      error: null,
      videoId: null,
    };
  });
  uploads.set([...uploads.get(), ...items]);
  startNext();
}

function startNext(): void {
  const sending = uploads.get().filter((item) => item.state === 'sending').length;
  const waiting = uploads.get().filter((item) => item.state === 'waiting');
  for (const item of waiting.slice(0, Math.max(0, AT_ONCE_MAX - sending))) void send(item);
}

/** Bytes a second, smoothed over about the last five seconds. */
export function createSpeedometer(now: () => number) {
  let at = now();
  let bytes = 0;
  let speed = 0;
  return (sent: number): number => {
    const elapsed = (now() - at) / 1000;
    if (elapsed >= 0.5) {
      const current = (sent - bytes) / elapsed;
      const weight = speed === 0 ? 1 : Math.min(1, elapsed / 5);
      speed += (current - speed) * weight;
      at = now();
      bytes = sent;
    }
    return speed;
  };
}

let loading: Promise<typeof import('tus-js-client')> | undefined;

/** Comes with the first file, not with the page. */
function loadTus() {
  loading ??= import('tus-js-client');
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

async function send(item: UploadItem): Promise<void> {
  const file = files.get(item.id);
  if (!file) return;
  const uploadRef = arrived.get(item.id);
  if (uploadRef) return accept(item.id, uploadRef);
  change(item.id, { state: 'sending', error: null });
  if (file.size === 0) return fail(item.id, 'the file is empty');
  const tus = await loadTus().catch(() => null);
  if (!tus) return fail(item.id, 'the server cannot be reached');
  if (find(item.id)?.state !== 'sending') return;
  const speedometer = createSpeedometer(() => performance.now());
  const upload = new tus.Upload(file, {
    endpoint: apiUrl('/uploads'),
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name, filetype: file.type || 'application/octet-stream' },
    onBeforeRequest: (request) => {
      for (const [name, value] of Object.entries(csrfHeaders())) request.setHeader(name, value);
    },
    onProgress: (sent) => change(item.id, { sent, bytesPerSecond: speedometer(sent) }),
    onError: (error) => fail(item.id, messageOf(error)),
    onSuccess: () => void accept(item.id, upload.url?.split('/').pop() ?? ''),
  });
  running.set(item.id, upload);
  const [previous] = await upload.findPreviousUploads();
  if (previous) {
    upload.resumeFromPreviousUpload(previous);
    change(item.id, { resumed: true });
  }
  if (find(item.id)?.state === 'sending') upload.start();
}

function messageOf(error: unknown): string {
  const body = (
    error as { originalResponse?: { getBody(): string } | null }
  ).originalResponse?.getBody();
  try {
    const parsed = JSON.parse(body ?? '') as { error: { message: string } };
    return parsed.error.message;
  } catch {
    return 'the connection broke; what was sent is kept';
  }
}

function fail(id: number, error: string): void {
  running.delete(id);
  change(id, { state: 'failed', error, bytesPerSecond: 0 });
  startNext();
}

async function accept(id: number, uploadRef: string): Promise<void> {
  running.delete(id);
  arrived.set(id, uploadRef);
  change(id, { state: 'accepting', sent: find(id)?.size ?? 0, bytesPerSecond: 0 });
  startNext();
  try {
    // The key makes a repeated request harmless when the answer got lost.
    const reply = await ingest(
      { source: { kind: 'upload', upload_ref: uploadRef } },
      `upload-${uploadRef}`,
    );
    files.delete(id);
    arrived.delete(id);
    change(id, { state: 'accepted', videoId: reply.video_id });
    onAccepted(reply.video_id);
  } catch (error) {
    fail(id, error instanceof Error ? error.message : 'the recording was not accepted');
  }
}

export function pauseUpload(id: number): void {
  void running.get(id)?.abort();
  running.delete(id);
  change(id, { state: 'paused', bytesPerSecond: 0 });
  startNext();
}

export function resumeUpload(id: number): void {
  change(id, { state: 'waiting', error: null });
  startNext();
}

/** Gives an upload up, here and on the server. */
export function dropUpload(id: number): void {
  void running.get(id)?.abort(true);
  running.delete(id);
  files.delete(id);
  uploads.set(uploads.get().filter((item) => item.id !== id));
  startNext();
}

/** What would be cut off if the page were closed now. */
export function isSending(): boolean {
  return uploads.get().some((item) => item.state === 'sending' || item.state === 'accepting');
}
