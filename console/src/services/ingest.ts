import type { components } from './api';
import { request } from './http';

export type IngestRequest = components['schemas']['IngestRequest'];
export type IngestReply = components['schemas']['IngestReply'];

export function ingest(body: IngestRequest, idempotencyKey: string): Promise<IngestReply> {
  return request<IngestReply>('POST', '/ingest', {
    body,
    headers: { 'Idempotency-Key': idempotencyKey },
  });
}

const YOUTUBE = /^https?:\/\/((www|m|music)\.)?(youtube\.com|youtu\.be)\//i;

export function ingestUrl(url: string): Promise<IngestReply> {
  const kind = YOUTUBE.test(url) ? 'youtube' : 'external_url';
  return ingest({ source: { kind, url } }, crypto.randomUUID?.() ?? `url-${Date.now()}`);
}
